from __future__ import annotations

import gzip
import itertools
import random
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import DocumentError, MissingExtra
from wiseflow.text.limits import ParseLimits
from wiseflow.text.parsing import SUPPORTED_SUFFIXES, Format, detect_format, parse

NAMES = st.sampled_from(["a", *(f"a{ending}" for ending in SUPPORTED_SUFFIXES)])
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def text_of(data: bytes, name: str = "a.txt", **limits: int) -> str:
    return parse(data, name=name, limits=ParseLimits(**limits)).documents[0].text


def refusal(data: bytes, name: str = "a.txt", **limits: int) -> str:
    with pytest.raises(DocumentError) as caught:
        parse(data, name=name, limits=ParseLimits(**limits))
    return str(caught.value)


def read_or_refuse(data: bytes, name: str) -> None:
    try:
        parsed = parse(data, name=name)
    except DocumentError:
        return
    for document in parsed.documents:
        assert document.text.strip()
        assert "\x00" not in document.text
        assert "\r" not in document.text
        document.text.encode("utf-8")
        starts = [heading.start for heading in document.headings]
        assert starts == sorted(starts)
        for heading in document.headings:
            assert document.text[heading.start :].startswith(heading.text)


@given(data=st.binary(max_size=2000), name=NAMES)
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
def test_arbitrary_bytes_give_documents_or_a_document_error(data, name):
    read_or_refuse(data, name)


@given(text=st.text(max_size=1500), name=NAMES)
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
def test_arbitrary_text_gives_documents_or_a_document_error(text, name):
    read_or_refuse(text.encode("utf-8", "surrogatepass"), name)


MARKUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<h1>", "</h1>", "<h2>Title", "<script>", "<!--", "-->", "<table><tr><td>",
         "text ", "More words here. ", "&amp;", "&#0;", "&#xd800;", "<br>", "<title>", "<nav>",
         "</nav>", "<li>", "# Head\n", "```\n", "- item\n", "\n\n", "| a | b |\n", "**b**", "`c`",
         "===\n", "---\n", "> q\n", "[a](b)", "    code\n", "\x00", "\ufffe"]
    ),
    max_size=60,
)  # fmt: skip


@given(pieces=MARKUP, name=st.sampled_from(["a.html", "a.md"]))
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
def test_any_markup_gives_documents_or_a_document_error(pieces, name):
    read_or_refuse("".join(pieces).encode(), name)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
def test_mutated_documents_give_documents_or_a_document_error(name, pdf_bytes, docx_bytes):
    base = pdf_bytes if name == "a.pdf" else docx_bytes
    chance = random.Random(7)

    for _ in range(150):
        data = bytearray(base)
        for _ in range(chance.randint(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        read_or_refuse(bytes(data), name)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt.gz"])
def test_documents_cut_anywhere_give_documents_or_a_document_error(name, pdf_bytes, docx_bytes):
    whole = {"a.pdf": pdf_bytes, "a.docx": docx_bytes, "a.txt.gz": gzip.compress(b"Words. " * 99)}
    data = whole[name]

    for cut in range(0, len(data), max(1, len(data) // 80)):
        read_or_refuse(data[:cut], name)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\t ", "a.md", "empty"),
        (random.Random(1).randbytes(4000), "a.txt", "binary"),
        (b"\x7fELF\x02\x01", "a.txt", "a program"),
        (b"\x89PNG\r\n\x1a\nabc", "a.md", "PNG"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.docx", "encrypted Office"),
        (b"PK\x03\x04abc", "a.txt", "zip archive"),
        (b"PK\x03\x04abc", "a.docx", "broken"),
        (b"plain words", "a.pdf", "not a PDF"),
        (b"plain words", "a.docx", "not a DOCX"),
        (b"%PDF-1.7\n", "a.pdf", "broken or truncated"),
        (b"<html><script>x</script></html>", "a.html", "no visible text"),
        (b"<!-- -->", "a.md", "no text"),
        (b"nope\n", "a.jsonl", "line 1: not JSON"),
        (gzip.compress(gzip.compress(b"x")), "a.txt.gz", "compressed twice"),
        (gzip.compress(b" "), "a.txt.gz", "empty"),
        (gzip.compress(b"abc" * 99)[:20], "a.txt.gz", "gzip file is broken"),
        (b"\xff\xfe" + b"\x00\xd8" * 300, "a.txt", "not text in any known encoding"),
    ],
    # Not by the bytes: gzip's hold the time, and the workers' lists of tests have to agree.
    ids=itertools.count(),
)
def test_a_file_that_cannot_be_read_says_why(data, name, reason):
    assert reason in refusal(data, name)


def test_a_file_over_a_limit_names_the_limit(pdf_bytes):
    assert "over 5" in refusal(b"too long", file_bytes=5)
    assert "more than 1,000 bytes" in refusal(
        gzip.compress(b"a" * 5000), "a.gz", unpacked_bytes=1000
    )
    assert "6 pages, over 2" in refusal(pdf_bytes, "a.pdf", pages=2)
    assert "more than 100 characters" in refusal(pdf_bytes, "a.pdf", characters=100)
    assert "more than 5 characters" in refusal(b"a longer text", characters=5)
    assert "larger than 9 bytes" in refusal(b"<p>longer</p>", "a.html", html_bytes=9)
    lines = b'{"text": "abc"}\n' * 3
    assert "more than 2 documents" in refusal(lines, "a.jsonl", records=2)
    assert "more than 5 characters" in refusal(lines, "a.jsonl", characters=5)


def test_the_content_decides_before_the_name(pdf_bytes, docx_bytes):
    assert detect_format(pdf_bytes, name="a.txt") is Format.PDF
    assert detect_format(docx_bytes, name="a.zip") is Format.DOCX
    assert detect_format(b"<!-- x --><!DOCTYPE html><p>", name="a.txt") is Format.HTML
    assert detect_format(b"<p>fragment", name="a.htm") is Format.HTML
    assert detect_format(b"words", name="README") is Format.TEXT
    assert detect_format(b"words", name="A.MD") is Format.MARKDOWN


def test_a_compressed_file_is_read_by_the_ending_below(pdf_bytes):
    assert text_of(gzip.compress(b"# Head\n\nWords."), "a.md.gz") == "Head\n\nWords."
    assert "committee" in text_of(gzip.compress(pdf_bytes), "b.pdf.gz")
    assert ".md.gz" in SUPPORTED_SUFFIXES


def test_plain_text_stays_as_it_is_and_its_first_line_may_be_a_title():
    parsed = parse(b"A Title\n\nThe text\nof it.\n", name="a.rst").documents[0]
    untitled = parse(b"A sentence.\n\nThe text.", name="a.txt").documents[0]

    assert parsed.text == "A Title\n\nThe text\nof it."
    assert parsed.title == "A Title"
    assert untitled.title == ""


def test_the_language_is_noted():
    german = "Der schnelle braune Fuchs springt über den faulen Hund und freut sich sehr."

    assert parse(german.encode(), name="a.txt").documents[0].language == "de"


def test_running_out_of_memory_concerns_the_file_only(monkeypatch):
    def exhausted(*_args, **_kwargs):
        raise MemoryError

    monkeypatch.setattr("wiseflow.text.parsing.decode", exhausted)

    assert "more memory" in refusal(b"words")


def test_whatever_a_foreign_parser_raises_concerns_the_file_only(monkeypatch):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr("wiseflow.text.parsing.decode", broken)

    assert "ZeroDivisionError: odd" in refusal(b"words")


@pytest.mark.parametrize(
    ("module", "name", "extra"), [("pypdfium2", "a.pdf", "pdf"), ("docx", "a.docx", "docx")]
)
def test_a_missing_extra_is_named(module, name, extra, monkeypatch, pdf_bytes, docx_bytes):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingExtra) as caught:
        parse(pdf_bytes if extra == "pdf" else docx_bytes, name=name)

    assert caught.value.extra == extra
