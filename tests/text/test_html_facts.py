"""What web pages say of themselves, hostile ones too, and how surely a language is told."""

from __future__ import annotations

import json

import pytest

from wiseflow.text.languages import is_in_language
from wiseflow.text.parsing import parse

BODY = (
    "<article><h1>Bees</h1><p>" + "The bees of the hive dance on the comb. " * 9 + "</p></article>"
)
SCHEMA = {"@context": "https://schema.org"}


def data(value) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def read(head: str):
    page = f"<html lang='en'><head>{head}</head><body>{BODY}</body></html>"
    (document,) = parse(page.encode(), name="a.html").documents
    return document


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (
            "<meta property='og:title' content='Of bees &amp;amp; combs'><title>x</title>",
            "Of bees & combs",
        ),
        (data(SCHEMA | {"@type": "Article", "headline": "Told"}), "Told"),
        ("", "Bees"),
    ],
)
def test_the_title_is_what_the_page_calls_itself(head, title):
    assert read(head).title == title


def test_the_date_is_that_of_publication():
    head = "<meta property='article:published_time' content='2024-05-06T08:00:00Z'>"

    assert read(head).published == "2024-05-06"


def meta(name: str, *said: str) -> str:
    return "".join(f'<meta name="{name}" content="{one}">' for one in said)


PERSON = {"@type": "Person", "name": "Ada Brandt"}
ARTICLE = SCHEMA | {"@type": "NewsArticle", "publisher": {"name": "Sea News"}}


@pytest.mark.parametrize(
    ("head", "authors"),
    [
        (meta("author", "Ada Brandt"), ("Ada Brandt",)),
        (meta("author", "Ada Brandt and Hugo Grieg"), ("Ada Brandt", "Hugo Grieg")),
        (meta("author", "Bank of England"), ("Bank of England",)),
        (meta("article:author", "https://social.example/ada"), ()),
        (meta("citation_author", "Brandt, Ada", "Grieg, Hugo"), ("Ada Brandt", "Hugo Grieg")),
        (meta("citation_author", "Brandt, Ada") + meta("author", "The editors"), ("Ada Brandt",)),
        (data(ARTICLE | {"author": PERSON}) + meta("author", "webmaster x"), ("Ada Brandt",)),
        (data(ARTICLE | {"author": [PERSON, {"givenName": "Hugo", "familyName": "Grieg"}]}),
         ("Ada Brandt", "Hugo Grieg")),
        (data(SCHEMA | {"@graph": [
            {"@type": ["Article", "BlogPosting"], "author": {"@id": "#ada"}},
            PERSON | {"@id": "#ada"},
        ]}), ("Ada Brandt",)),
        (data(SCHEMA | {"@type": "Review", "author": PERSON}), ()),
        ("", ()),
    ],
)  # fmt: skip
def test_the_authors_are_those_that_the_page_states(head, authors):
    assert read(head).authors == authors


def test_an_element_that_is_marked_as_the_authors_names_them():
    body = BODY.replace("<p>", "<p>By <a rel='author' href='/ada'>Ada <b>Brandt</b></a></p><p>", 1)

    (document,) = parse(f"<html><body>{body}</body></html>".encode(), name="a.html").documents

    assert document.authors == ("Ada Brandt",)


@pytest.mark.parametrize(
    ("head", "site"),
    [
        ("<meta property='og:site_name' content='Sea &amp;amp; News'>", "Sea & News"),
        (meta("citation_journal_title", "Sea Letters") + meta("application-name", "Portal"),
         "Sea Letters"),
        (data(ARTICLE), "Sea News"),
        (data(SCHEMA | {"@type": "WebSite", "name": "Sea News"}), "Sea News"),
        (meta("twitter:site", "@sea"), ""),
    ],
)  # fmt: skip
def test_the_site_is_the_one_that_the_page_states(head, site):
    assert read(head).site == site


MANY = [f"Ada B. Number{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{n}" for n in range(10_000)]


@pytest.mark.parametrize(
    "head",
    [
        meta("author", *MANY),
        meta("citation_author", *MANY),
        meta("author", "; ".join(MANY)),
        f"<meta property='og:author' content='{'; '.join(MANY)}'>",
        data(ARTICLE | {"author": [{"@type": "Person", "name": name} for name in MANY]}),
    ],
    ids=["metas", "scholarly metas", "one meta", "open graph", "linked data"],
)
def test_a_page_of_ten_thousand_authors_keeps_the_first(head):
    # trafilatura's reading of as many takes minutes, which ends a test run.
    document = read(head)

    assert document.authors == tuple(MANY[:50])
    assert "dance on the comb" in document.text


def test_markup_and_lines_in_names_stay_out():
    head = meta("author", "&lt;script&gt;alert(1)&lt;/script&gt; Ada\n\n# Brandt ](x)")

    (name,) = read(head + meta("application-name", "Sea\n\n&lt;b&gt;News")).authors

    assert name == "alert(1) Ada # Brandt ](x)"


@pytest.mark.parametrize(
    "head",
    [
        data(SCHEMA | {"@type": 5, "author": 5, "publisher": [[1]], "@id": {}}),
        data(ARTICLE | {"author": [None, [[PERSON]], {"name": {"name": 1}}, {"@id": 7}]}),
        data(SCHEMA | {"@graph": {"@graph": 1}}),
        f"<script type='application/ld+json'>{'[' * 100_000}</script>",
        "<script type='application/ld+json'>{'</script>",
        data(SCHEMA | {"@type": [[1]], "author": [[{}]], "headline": 5}),
        data([[[{"@type": {"a": 1}}]]]),
        "<meta property='article:published_time' content='99999-99-99T99:99'>",
        "<meta name='date' content='١٢٣٤-٠٥-٠٦'><link rel='canonical' href='http://[x'>",
    ],
)
def test_a_page_that_says_nonsense_of_itself_is_read_all_the_same(head):
    assert "dance on the comb" in read(head).text


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("The bees of the hive dance on the comb. " * 50, "en", True),
        ("The bees of the hive dance on the comb. " * 50, "de", False),
        ("The bees of the hive dance on the comb.", "en", True),
        ("The bees of the hive dance on the comb.", "", False),
        ("", "en", False),
    ],
)
def test_one_part_of_a_text_shows_its_language(text, language, told):
    assert is_in_language(text, language) is told
