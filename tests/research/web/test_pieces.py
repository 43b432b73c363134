"""The pure parts of the web's retriever: results, sketches, reading and ranking."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wiseflow.core.asking import Page, SearchResult
from wiseflow.core.errors import DocumentError
from wiseflow.research.web.ranking import RankedPage, best_passages, passage_count
from wiseflow.research.web.reading import (
    language_of,
    read_again,
    read_given,
    read_page,
    read_snippet,
)
from wiseflow.research.web.results import key_of, merged
from wiseflow.research.web.side_by_side import side_by_side
from wiseflow.research.web.sketches import NEAR_DUPLICATE, resemblance, sketch_of
from wiseflow.research.web.warming import read_page as warmed

ARTICLE = (
    "<html lang='{language}'><head><title>{title}</title></head><body><article>"
    "<h1>{title}</h1><p>{text}</p></article></body></html>"
)
TEXT = "The bees of a hive tell each other where flowers are by dancing on the comb. "


def a_result(url="https://bees.example/dance", **fields) -> SearchResult:
    values: dict[str, Any] = {
        "title": "Told",
        "snippet": "They dance.",
        "provider": "exa",
        **fields,
    }
    return SearchResult(url=url, **values)


def a_page(text=TEXT * 4, *, title="Dancing bees", language="en", **fields) -> Page:
    body = ARTICLE.format(title=title, text=text, language=language)
    values: dict[str, Any] = {
        "url": "https://bees.example/dance",
        "content_type": "text/html",
        "body": body.encode(),
        **fields,
    }
    return Page(**values)


def ranked(text: str, *, url="https://a.example/", title="", provider="exa") -> RankedPage:
    result = a_result(url, title=title, text=text)
    return RankedPage(reading=read_given(result), provider=provider)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x",
        "http://a.example/x/",
        "https://www.A.example:443/x#part",
        "https://a.example./x?utm_source=b&gclid=1",
    ],
)
def test_addresses_of_one_page_have_one_key(url):
    assert key_of(url) == "a.example/x"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://a.example/x?id=1&utm_medium=m&b=", "a.example/x?id=1&b="),
        ("https://a.example/x?B=%20&a", "a.example/x?B=%20&a"),
        ("https://a.example:8443/", "a.example:8443"),
        ("https://a.example/X", "a.example/X"),
    ],
)
def test_what_tells_pages_apart_stays_in_the_key(url, key):
    assert key_of(url) == key


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example/x",
        "javascript:alert(1)",
        "https:///x",
        "https://a.example:port/",
        "https://[::1/",
        "https://a.example/\ud800",
        "https://a.example/\x00",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_what_cannot_be_fetched_has_no_key(url):
    assert key_of(url) == ""
    assert merged([[a_result(url)]]) == []


@given(st.text(max_size=60))
def test_any_text_may_come_as_an_address(text):
    assume(":" not in text)  # of a port

    assert key_of(f"https://{text}") == key_of(f"http://{text}")


def test_lists_are_merged_by_the_ranks_in_all_of_them():
    first = [a_result("https://a.example/"), a_result("https://b.example/")]
    second = [
        a_result("https://b.example"),
        a_result("https://b.example"),
        a_result("https://c.example/"),
    ]

    found = merged([first, second])

    assert [one.key for one in found] == ["b.example", "a.example", "c.example"]


def test_of_equal_results_the_one_with_the_longest_text_is_kept():
    found = merged([[a_result()], [a_result(text="long")], [a_result(text="x")]])

    assert [one.result.text for one in found] == ["long"]


def test_a_text_with_a_new_end_resembles_itself_and_another_does_not():
    text = " ".join(f"word{n}" for n in range(300))
    other = " ".join(f"other{n}" for n in range(300))

    assert resemblance(sketch_of(text), sketch_of(f"{text} And a note of the copyist.")) > 0.9
    assert resemblance(sketch_of(text), sketch_of(text.upper())) == 1.0
    assert resemblance(sketch_of(text), sketch_of(other)) < 0.1


def test_the_same_words_in_another_order_are_another_text():
    words = [f"word{n}" for n in range(100)]

    one, other = sketch_of(" ".join(words)), sketch_of(" ".join(reversed(words)))

    assert resemblance(one, other) < NEAR_DUPLICATE


@pytest.mark.parametrize("text", ["", "bee", "bees dance", "a b c d e"])
def test_short_texts_have_sketches_too(text):
    sketch = sketch_of(text)

    assert resemblance(sketch, sketch_of(text)) == float(bool(text))
    assert resemblance(sketch, ()) == 0.0


def test_a_page_becomes_a_source_with_passages_and_their_terms():
    reading = read_page(a_page(), a_result(published="2024-05-06"))

    source = reading.stored.source
    assert (source.title, source.language, source.published) == ("Dancing bees", "en", "2024-05-06")
    assert (source.collection, source.path, source.url) == ("web", "", "https://bees.example/dance")
    for passage, terms in zip(reading.stored.passages, reading.terms, strict=True):
        assert source.text[passage.start : passage.end] == passage.text
        assert "flower" in terms.split()
    assert read_again(reading.stored) == reading


STATED = "<meta name='author' content='Ada Brandt'><meta property='og:site_name' content='Bees'>"


@pytest.mark.parametrize(
    ("head", "byline"),
    [(STATED, (("Ada Brandt",), "Bees")), ("", (("Hugo Grieg",), "Bee Letters"))],
)
def test_who_wrote_a_page_is_told_by_the_page_first_and_by_the_search_else(head, byline):
    told = a_result(authors=("Hugo Grieg", "HUGO  GRIEG"), site="Bee Letters", text=TEXT)
    body = a_page().body.replace(b"<head>", f"<head>{head}".encode())

    source = read_page(a_page(body=body), told).stored.source
    given = read_given(told).stored.source
    snippet = read_snippet(told, "en").stored.source

    assert (source.authors, source.site) == byline
    for other in (given, snippet):
        assert (other.authors, other.site) == (("Hugo Grieg",), "Bee Letters")


def test_a_work_has_the_authors_that_any_search_tells_and_the_site_of_its_page():
    paper, page = "https://papers.example/1", "https://bees.example/dance"
    found = [
        [a_result(page, doi="10.1/x", provider="exa")],
        [a_result(page, site="Bee News", provider="tavily", doi="10.1/x")],
        [a_result(paper, authors=("Ada Brandt",), site="Letters", provider="pubmed", doi="10.1/x")],
    ]

    (candidate,) = merged(found)

    result = candidate.result
    assert (result.url, result.provider) == (page, "exa")
    assert (result.authors, result.site) == (("Ada Brandt",), "Bee News")


def test_the_id_of_a_source_follows_from_address_and_text():
    first = read_page(a_page(), a_result()).stored.source
    same = read_page(
        a_page(url="http://www.bees.example/dance#x"), a_result(title="?")
    ).stored.source
    other = read_page(a_page(TEXT * 5), a_result()).stored.source
    elsewhere = read_page(a_page(url="https://b.example"), a_result()).stored.source

    assert first.source_id == same.source_id
    assert len({first.source_id, other.source_id, elsewhere.source_id}) == 3


@pytest.mark.parametrize(
    ("content_type", "url", "body", "title"),
    [
        (
            "text/plain",
            "https://a.example/x",
            b"A title\n\nSome text that is told here.",
            "A title",
        ),
        ("text/markdown", "https://a.example/x", b"# A title\n\nSome *text* here.", "A title"),
        ("", "https://a.example/x.md", b"# A title\n\nSome *text* here.", "A title"),
        ("application/octet-stream", "https://a.example/x.php", a_page().body, "Dancing bees"),
    ],
)
def test_the_type_says_how_a_page_is_read(content_type, url, body, title):
    page = Page(url=url, content_type=content_type, body=body)

    assert read_page(page, a_result()).stored.source.title == title


@pytest.mark.parametrize(
    ("content_type", "url", "body"),
    [
        ("image/png", "https://a.example/x", b"\x89PNG\r\n\x1a\n"),
        ("application/json", "https://a.example/x", b"{}"),
        ("application/pdf", "https://a.example/x", b"<html>not found</html>"),
        ("", "https://a.example/x.jsonl", b'{"text": "one of two"}\n{"text": "two of two"}\n'),
    ],
)
def test_what_is_no_page_is_refused_with_its_reason(content_type, url, body):
    with pytest.raises(DocumentError):
        read_page(Page(url=url, content_type=content_type, body=body), a_result())


@pytest.mark.parametrize("charset", ["iso-8859-7", "nonsense", "hex", ""])
def test_the_charset_of_the_header_goes_first(charset):
    greek = "Οι μέλισσες χορεύουν και λένε η μία στην άλλη πού είναι τα λουλούδια. " * 4
    known = charset == "iso-8859-7"
    body = ARTICLE.format(title="x", text=greek, language="el").encode(
        charset if known else "utf-8"
    )

    reading = read_page(a_page(body=body, charset=charset), a_result())

    assert "μέλισσες" in reading.stored.source.text
    assert reading.stored.source.language == "el"


def test_the_language_of_a_text_is_told_against_its_templates():
    german = "Die Bienen eines Stocks zeigen einander durch Tänze, wo es Blüten gibt. " * 5

    reading = read_page(a_page(german, language="en"), a_result())

    assert reading.stored.source.language == "de"


def test_a_page_without_a_title_has_that_of_its_result():
    page = a_page(body=f"<html><body><p>{TEXT * 4}</p></body></html>".encode())

    assert read_page(page, a_result(title=" A \n title ")).stored.source.title == "A title"


def test_a_snippet_is_a_source_of_its_own():
    reading = read_snippet(a_result(snippet=" The bees dance on the comb.\r\n"), "")
    told = read_snippet(a_result(), "fr").stored.source

    source = reading.stored.source
    assert (source.text, source.title, source.language) == (
        "The bees dance on the comb.",
        "Told",
        "en",
    )
    assert [passage.text for passage in reading.stored.passages] == [source.text]
    assert told.language == "fr"


def test_an_empty_text_that_came_along_is_refused():
    with pytest.raises(DocumentError):
        read_given(a_result(text="\ud800\x00"))


def test_the_language_of_results_is_that_of_most_of_their_words():
    assert language_of(["The bees of the hive dance.", "They tell where the flowers are."]) == "en"
    assert language_of([]) == ""


def test_passages_without_a_word_asked_for_are_left_out():
    pages = [
        ranked("The bees dance on the comb."),
        ranked("The ants dig.", url="https://b.example"),
    ]

    (evidence,) = best_passages(pages, ["dancing bees"], 5)

    assert evidence.hit.passage.text == "The bees dance on the comb."
    assert (evidence.hit.url, evidence.provider) == ("https://a.example/", "exa")
    assert best_passages([], ["bees"], 5) == ()
    assert best_passages(pages, [""], 5) == ()
    assert passage_count(pages) == 2


def test_what_is_not_yet_covered_goes_before_more_of_the_same():
    pages = [
        ranked("Bees dance. Bees dance for bees.", url="https://a.example"),
        ranked("Bees dance. The bees dance much.", url="https://b.example"),
        ranked("Flowers have much nectar.", url="https://c.example"),
    ]

    chosen = best_passages(pages, ["bees dance", "flowers nectar"], 3)

    assert [one.hit.url for one in chosen[:2]] == ["https://c.example", "https://a.example"]
    assert [one.score for one in chosen] == sorted((one.score for one in chosen), reverse=True)


def test_a_query_is_read_in_the_language_of_each_page():
    german = ranked("Die Bienen tanzen auf der Wabe und zeigen so den Weg zu den Blüten.")
    english = ranked("The bees were dancing on the comb, and showed the way to the flowers.")

    chosen = best_passages([german, english], ["Bienen tanzten", "dances"], 5)

    assert {one.hit.language for one in chosen} == {"de", "en"}


async def test_parts_side_by_side_give_results_in_order_or_the_first_error():
    async def part(number: int) -> int:
        await asyncio.sleep(0.01 * (3 - number))
        return number

    async def failing() -> int:
        raise DocumentError("broken")

    parts = [lambda number=number: part(number) for number in range(3)]

    assert await side_by_side("x", parts) == [0, 1, 2]
    assert await side_by_side("x", []) == []
    assert await side_by_side("x", parts[:1]) == [0]
    with pytest.raises(DocumentError, match="broken"):
        await side_by_side("x", [*parts, failing])


def test_worker_processes_can_be_warmed():
    assert warmed is read_page
    assert importlib.import_module("wiseflow.research.web.warming")


def test_copies_are_told_by_their_text_not_their_frame():
    first = read_page(a_page(), a_result())
    second = read_page(a_page(url="https://mirror.example"), a_result())

    assert resemblance(first.sketch, second.sketch) == 1.0
    assert replace(first, sketch=()) != first
