"""What web pages say of themselves, and how surely a language is told."""

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


@pytest.mark.parametrize(
    "head",
    [
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
