"""Turns what came from the web into sources with passages. What is here runs in worker processes.

Beside its source a page gets what ranking and telling copies apart need, so that neither takes the
event loop long.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from wiseflow.core.asking import Page, SearchResult
from wiseflow.core.documents import ParsedDocument, Source, passage_of
from wiseflow.core.errors import DocumentError
from wiseflow.core.library import StoredSource
from wiseflow.research.extractive.reading import content_terms
from wiseflow.research.web.results import key_of
from wiseflow.research.web.sketches import Sketch, sketch_of
from wiseflow.text.bylines import author_names, site_name
from wiseflow.text.encoding import clean
from wiseflow.text.languages import detect_language
from wiseflow.text.limits import MIB, ParseLimits
from wiseflow.text.parsing import SUPPORTED_SUFFIXES, parse
from wiseflow.text.passages import split_passages

COLLECTION = "web"
LIMITS = ParseLimits(
    file_bytes=10 * MIB,
    unpacked_bytes=20 * MIB,
    html_bytes=10 * MIB,
    pages=1_000,
    characters=4_000_000,
    records=10_000,
)
LONGEST_TITLE = 300
# Source: the IANA registry of media types.
_ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_OF_TEXT = frozenset((".html", ".txt", ".md"))
# Servers call anything so; the address's ending and the content tell more.
_UNTOLD = frozenset(("", "application/octet-stream", "binary/octet-stream", "text/xml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReading:
    """A page, read.

    Args:
        stored: the page as a source, and its passages.
        terms: the content terms of each passage, title and headings included, a space between.
        sketch: of its text.
    """

    stored: StoredSource
    terms: tuple[str, ...]
    sketch: Sketch


def read_page(page: Page, result: SearchResult) -> PageReading:
    """What a fetched page says.

    Args:
        page: as it came.
        result: of the search that found it; tells what the page does not.

    Raises:
        DocumentError: it cannot be read; the message says why.
    """
    ending = _ending(page)
    body = _in_utf8(page) if ending in _OF_TEXT else page.body
    document = _only(parse(body, name=f"page{ending}", limits=LIMITS).documents)
    return _reading(document, page.url, result)


def read_given(result: SearchResult) -> PageReading:
    """The page whose text came with the search result.

    Raises:
        DocumentError: there is no text in it.
    """
    data = result.text.encode("utf-8", "replace")
    document = _only(parse(data, name="page.txt", limits=LIMITS).documents)
    title = result.title or document.title
    return _reading(replace(document, title=title), result.url, result)


def read_snippet(result: SearchResult, language: str) -> PageReading:
    """What a search told of a page that cannot be read, as a source of its own."""
    text = clean(result.snippet).strip()
    language = language or detect_language(text)
    return _reading(ParsedDocument(text=text, language=language), result.url, result)


def read_again(stored: StoredSource) -> PageReading:
    """A page that was kept, as it was read."""
    return PageReading(
        stored=stored, terms=tuple(_terms(stored)), sketch=sketch_of(stored.source.text)
    )


def language_of(texts: Iterable[str]) -> str:
    """The ISO 639-1 code of the language that most of these texts are in, or ""."""
    return detect_language("\n".join(texts)[:2_000])


def _only(documents: tuple[ParsedDocument, ...]) -> ParsedDocument:
    if len(documents) != 1:
        raise DocumentError(f"the page is a file of {len(documents):,} documents")
    return documents[0]


def _in_utf8(page: Page) -> bytes:
    """The body, in UTF-8 where its header names a charset in which all of it can be read.

    Source: WHATWG HTML, "determining the character encoding": the header goes before the page.
    """
    if not page.charset or page.body.isascii():
        return page.body
    try:
        return page.body.decode(page.charset).encode("utf-8")
    except (LookupError, UnicodeError):
        return page.body


def _ending(page: Page) -> str:
    """The name ending that stands for the content type, or that the address has."""
    kind = page.content_type
    if kind in _ENDINGS:
        return _ENDINGS[kind]
    if kind in _UNTOLD:
        suffix = PurePosixPath(urlsplit(page.url).path).suffix.lower()
        return suffix if suffix in SUPPORTED_SUFFIXES else ".html"
    raise DocumentError(f"the page is of the type {kind!r}, which is not read")


def _reading(document: ParsedDocument, url: str, result: SearchResult) -> PageReading:
    source = _source(document, url, result)
    passages = tuple(
        passage_of(source, found.start, found.end, found.heading)
        for found in split_passages(document)
    )
    return read_again(StoredSource(source=source, passages=passages))


def _source(document: ParsedDocument, url: str, result: SearchResult) -> Source:
    """A source whose id is made from its address and text, so that equal pages are one."""
    sha256 = hashlib.sha256(document.text.encode()).hexdigest()
    place = key_of(url) or url
    named = f"{COLLECTION}\x00{place}\x00{sha256}"
    title = clean(document.title or result.title).strip()
    return Source(
        source_id=hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()[:24],
        collection=COLLECTION,
        document_id=place,
        path="",
        title=" ".join(title.split())[:LONGEST_TITLE],
        url=url,
        published=document.published or result.published,
        language=document.language,
        sha256=sha256,
        text=document.text,
        authors=document.authors or author_names(result.authors),
        site=document.site or site_name(result.site),
    )


def _terms(stored: StoredSource) -> Iterable[str]:
    language = stored.source.language
    for passage in stored.passages:
        said = f"{passage.title} {passage.heading} {passage.text}"
        yield " ".join(content_terms(said, language))
