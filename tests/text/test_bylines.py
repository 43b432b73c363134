"""Who wrote a document: what each format tells of it, and what hostile ones may not do."""

from __future__ import annotations

import io
import json

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.text.conftest import make_pdf

from wiseflow.text.bylines import (
    LONGEST_NAME,
    MOST_AUTHORS,
    author_names,
    given_first,
    names_in,
    site_name,
)
from wiseflow.text.parsing import parse


def authors(data: bytes, name: str) -> tuple[str, ...]:
    (document,) = parse(data, name=name).documents
    return document.authors


def markdown(front: str) -> tuple[str, ...]:
    return authors(f"---\n{front}\n---\nBees dance.\n".encode(), "a.md")


def line(**fields: object):
    return parse(json.dumps({"text": "Bees dance.", **fields}).encode(), name="a.jsonl")


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("Ada Brandt", ["Ada Brandt"]),
        ("Ada Brandt, Hugo Grieg and Li de Cruz", ["Ada Brandt", "Hugo Grieg", "Li de Cruz"]),
        ("A. Brandt & H. Grieg", ["A. Brandt", "H. Grieg"]),
        ("Brandt, Ada; Grieg, Hugo", ["Brandt, Ada", "Grieg, Hugo"]),
        ("Brandt, Ada", ["Brandt, Ada"]),
        ("Ada Brandt, School of the Sea, Bergen", ["Ada Brandt, School of the Sea, Bergen"]),
        ("Department of Health and Human Services", ["Department of Health and Human Services"]),
        ("Smith &amp; Sons", ["Smith & Sons"]),
        (" ", []),
    ],
)  # fmt: skip
def test_a_text_is_parted_only_where_whole_names_meet(told, names):
    assert names_in(told) == names


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("By Ada  Brandt,\n", "Ada Brandt"),
        ("Ada Brandt <ada@sea.example>", "Ada Brandt"),
        ("Ada Brandt ada@sea.example", "Ada Brandt"),
        ("<b onclick='x()'>Ada</b> Brandt", "Ada Brandt"),
        ("&lt;script&gt;Ada&lt;/script&gt;", "Ada"),
        ("Ada\n\n# Brandt", "Ada # Brandt"),
        ("\u202eAda\x1b[31m\x00 Brandt\ud800", "Ada[31m Brandt\ufffd"),
        ("Von Neumann", "Von Neumann"),
        ("李娜", "李娜"),
    ],
)
def test_a_name_is_plain_text_on_one_line(told, name):
    assert author_names([told]) == (name,)


@pytest.mark.parametrize(
    "told", ["", " ", "https://sea.example/ada", "ada@sea.example", "@ada", "admin", "2024", "<b>"]
)
def test_what_is_no_name_is_left_out(told):
    assert author_names([told]) == ()


def test_each_name_is_kept_once_and_not_too_many_of_them():
    many = [f"Ada {number} Brandt" for number in range(10_000)]

    assert author_names(["Ada Brandt", "ADA BRANDT", "Hugo Grieg"]) == ("Ada Brandt", "Hugo Grieg")
    assert author_names(many) == tuple(many[:MOST_AUTHORS])
    assert len(author_names(["A" * 10**6])[0]) == LONGEST_NAME


def test_a_family_name_with_a_comma_comes_last():
    assert given_first("Brandt, Ada") == "Ada Brandt"
    assert given_first("Ada Brandt") == "Ada Brandt"
    assert given_first("Brandt, Ada, Jr.") == "Brandt, Ada, Jr."


@given(st.lists(st.text(max_size=300), max_size=60), st.text(max_size=300))
def test_whatever_is_told_becomes_bounded_plain_names(told, site):
    names = author_names(name for one in told for name in names_in(one))

    assert len(names) <= MOST_AUTHORS
    assert len({name.casefold() for name in names}) == len(names)
    for name in (*names, *filter(None, [site_name(site)])):
        assert 0 < len(name) <= LONGEST_NAME
        assert name == " ".join(name.split())
        name.encode()


@pytest.mark.parametrize(
    ("front", "names"),
    [
        ("title: Bees\nauthor: Ada Brandt", ("Ada Brandt",)),
        ('author: "Ada Brandt, Hugo Grieg"', ("Ada Brandt", "Hugo Grieg")),
        ("authors: [Ada Brandt, 'Hugo Grieg']", ("Ada Brandt", "Hugo Grieg")),
        ("authors:\n- Ada Brandt\n  - Hugo Grieg\ndate: 2024", ("Ada Brandt", "Hugo Grieg")),
        (
            "authors:\n  - name: Ada Brandt\n    id: 5\n  - id: 6\n    name: Hugo Grieg\ntags: x",
            ("Ada Brandt", "Hugo Grieg"),
        ),
        ("authors:\ntags: [Sea Bees]", ()),
        ("editor: Ada Brandt", ()),
    ],
)
def test_markdown_names_its_authors_in_its_front_matter(front, names):
    assert markdown(front) == names


@given(st.text(st.sampled_from("authors: -[]'\"\n,;Ab"), max_size=80))
def test_any_front_matter_can_be_read(front):
    assert all(markdown(f"author{front}"))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"authors": ["Ada Brandt", "Hugo Grieg"]}, ("Ada Brandt", "Hugo Grieg")),
        ({"author": "Ada Brandt; Hugo Grieg"}, ("Ada Brandt", "Hugo Grieg")),
        ({"authors": [{"name": "Ada Brandt", "id": 5}]}, ("Ada Brandt",)),
        ({"authors": None}, ()),
    ],
)
def test_json_lines_name_their_authors(fields, names):
    parsed = line(**fields, site="Sea\nJournal")

    assert (parsed.documents[0].authors, parsed.documents[0].site) == (names, "Sea Journal")
    assert not parsed.problems


@pytest.mark.parametrize("told", [5, {"name": "Ada"}, [["Ada"]], [{"name": 5}]])
def test_authors_of_another_kind_are_left_out_and_named(told):
    parsed = line(authors=told, site=5)

    assert (parsed.documents[0].authors, parsed.documents[0].site) == ((), "")
    assert parsed.problems == ("line 1: authors are no texts, so they were left out",)


def test_a_pdf_names_its_authors():
    data = make_pdf([[(72, 700, 11, "Bees dance.")]], author="Ada Brandt, Hugo Grieg")

    assert authors(data, "a.pdf") == ("Ada Brandt", "Hugo Grieg")


@pytest.mark.parametrize(
    ("told", "names"),
    [("Ada Brandt;Hugo Grieg", ("Ada Brandt", "Hugo Grieg")), ("python-docx", ()), ("", ())],
)
def test_a_word_document_names_its_authors(told, names):
    document = docx.Document()
    document.core_properties.author = told
    document.add_paragraph("Bees dance.")
    stream = io.BytesIO()
    document.save(stream)

    assert authors(stream.getvalue(), "a.docx") == names
