"""Documents, the passages they are split into, and what a search finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of a document: its depth (1 is the highest), its text, and where it starts."""

    level: int
    text: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """What a parser makes of one document: its text and what it says of itself.

    Args:
        text: the whole text as it will be stored and cited; character offsets refer to it.
        title: the document's title, or "" when it has none.
        document_id: the id it names itself by (JSON Lines ``id``), or "".
        url: the address it names itself by, or "".
        published: the date it names, ISO 8601, or "".
        language: ISO 639-1 code, or "" when the text is too short to tell.
        authors: names of people or offices, as it states them; none when it does not.
        site: the name of the site or the journal that it is of, or "".
        headings: in the order of ``start``.
    """

    text: str
    title: str = ""
    document_id: str = ""
    url: str = ""
    published: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()
    site: str = ""
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters ``start`` (included) to ``end`` (excluded) of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A span of a source, the unit that is indexed, found and cited.

    Args:
        passage_id: ``<source_id>:<start>-<end>``.
        source_id: the source it is part of.
        start, end: its characters in the source's stored text: ``text == stored[start:end]``.
        text: the characters themselves.
        title: the source's title.
        heading: the headings above it, from the highest, joined by " › ".
    """

    passage_id: str
    source_id: str
    start: int
    end: int
    text: str
    title: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A stored document.

    Args:
        source_id: derived from the collection, the path, the document id and the text, so that a
            changed document is another source and old citations keep what they cite.
        collection: the collection it belongs to.
        document_id: the id the document names itself by, or its path within its root.
        path: the file it came from, absolute.
        title, url, published, language, authors, site: as the parser found them.
        sha256: of the text in UTF-8, in hexadecimal.
        text: the stored text.
    """

    source_id: str
    collection: str
    document_id: str
    path: str
    title: str
    url: str
    published: str
    language: str
    sha256: str
    text: str
    authors: tuple[str, ...] = ()
    site: str = ""


def passage_of(source: Source, start: int, end: int, heading: str = "") -> Passage:
    """The passage that characters ``start`` to ``end`` of a source make."""
    return Passage(
        passage_id=f"{source.source_id}:{start}-{end}",
        source_id=source.source_id,
        start=start,
        end=end,
        text=source.text[start:end],
        title=source.title,
        heading=heading,
    )


def span_of(passage_id: str) -> Span | None:
    """The characters of its source that a passage is, by its id; ``None`` for any other id."""
    start, _, end = passage_id.rpartition(":")[2].partition("-")
    return Span(start=int(start), end=int(end)) if start.isdecimal() and end.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that a search found.

    Args:
        passage: what was found.
        score: the fused score; higher is better, comparable within one search only.
        document_id, path, url, published, language: of the passage's source.
        lexical_rank, vector_rank: its rank (from 1) in each list that was fused, or 0 where absent.
    """

    passage: Passage
    score: float
    document_id: str = ""
    path: str = ""
    url: str = ""
    published: str = ""
    language: str = ""
    lexical_rank: int = 0
    vector_rank: int = 0
