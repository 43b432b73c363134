"""Splits documents into passages at paragraph and sentence borders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wiseflow.core.documents import Heading, ParsedDocument, Span
from wiseflow.text.fences import Fences
from wiseflow.text.sentences import iterate_sentences

_SEPARATOR = " › "
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageSpan:
    """Where a passage lies.

    Args:
        start, end: its characters in the document's text, ``end`` excluded.
        heading: the headings above it, from the highest, joined by " › ".
    """

    start: int
    end: int
    heading: str = ""


def split_passages(
    document: ParsedDocument, *, target_chars: int = 700, most_chars: int = 1200
) -> list[PassageSpan]:
    """The passages of a document: in order, without overlap, over all of its text.

    A document that fits into one passage is one. A longer one is cut at its headings, whose own
    lines are in the passages' ``heading`` instead, then between paragraphs, then between
    sentences, and a sentence that is too long between words.

    Args:
        document: its headings are in the order of their start.
        target_chars: a passage is closed once it has this many characters.
        most_chars: no passage has more.

    Raises:
        ValueError: ``target_chars`` is not between 1 and ``most_chars``.
    """
    if not 1 <= target_chars <= most_chars:
        raise ValueError(f"target_chars must be from 1 to {most_chars}, not {target_chars}")
    whole = _trim(document.text, 0, len(document.text))
    if whole is None:
        return []
    if whole.end - whole.start <= most_chars:
        return [PassageSpan(start=whole.start, end=whole.end, heading=_path_at_start(document))]
    return [
        PassageSpan(start=span.start, end=span.end, heading=heading)
        for section, heading in _sections(document)
        for span in _pack(document, section, target_chars, most_chars)
    ]


def _path_at_start(document: ParsedDocument) -> str:
    first = document.headings[0] if document.headings else None
    return first.text if first and not document.text[: first.start].strip() else ""


def _sections(document: ParsedDocument) -> Iterator[tuple[Span, str]]:
    """The text between headings with the headings above it."""
    path: list[Heading] = []
    start = 0
    for heading in document.headings:
        yield Span(start=start, end=max(start, heading.start)), _joined(path)
        path = [above for above in path if above.level < heading.level]
        path.append(heading)
        start = max(start, heading.start + len(heading.text))
    yield Span(start=start, end=len(document.text)), _joined(path)


def _joined(path: list[Heading]) -> str:
    return _SEPARATOR.join(heading.text for heading in path)


def _pack(
    document: ParsedDocument, section: Span, target_chars: int, most_chars: int
) -> Iterator[Span]:
    """Units of a section, as many together as make a passage."""
    start = end = -1
    for unit in _units(document, section, target_chars, most_chars):
        if start >= 0 and (unit.end - start > most_chars or end - start >= target_chars):
            yield Span(start=start, end=end)
            start = -1
        if start < 0:
            start = unit.start
        end = unit.end
    if start >= 0:
        yield Span(start=start, end=end)


def _units(
    document: ParsedDocument, section: Span, target_chars: int, most_chars: int
) -> Iterator[Span]:
    """What is not cut further: paragraphs, or the sentences of long ones."""
    text = document.text
    for paragraph, is_code in _paragraphs(text, section):
        length = paragraph.end - paragraph.start
        if length <= target_chars or (is_code and length <= most_chars):
            yield paragraph
        elif is_code:
            yield from _lines(text, paragraph, most_chars)
        else:
            yield from _sentences(document, paragraph, most_chars)


def _paragraphs(text: str, section: Span) -> Iterator[tuple[Span, bool]]:
    """Parts between blank lines, and whether each is a fenced block of code."""
    fences = Fences(text, section.end)
    whole = _trim(text, section.start, section.end)
    start = section.end if whole is None else whole.start
    while start < section.end:
        close = fences.end_of_block(start)
        found = None if close is not None else _PARAGRAPH_END.search(text, start, section.end)
        end = close or (found.start() if found else section.end)
        trimmed = _trim(text, start, end)
        if trimmed is not None:
            yield trimmed, close is not None
        start = found.end() if found else end


def _sentences(document: ParsedDocument, paragraph: Span, most_chars: int) -> Iterator[Span]:
    """The sentences of a paragraph, with what lies between two given to the second."""
    start = paragraph.start
    for sentence in iterate_sentences(
        document.text, language=document.language, start=paragraph.start, end=paragraph.end
    ):
        yield from _cut(document.text, start, sentence.end, most_chars)
        start = sentence.end
    yield from _cut(document.text, start, paragraph.end, most_chars)


def _lines(text: str, block: Span, most_chars: int) -> Iterator[Span]:
    start = block.start
    while start < block.end:
        found = text.find("\n", start, block.end)
        end = found if found >= 0 else block.end
        yield from _cut(text, start, end, most_chars)
        start = end + 1


def _cut(text: str, start: int, end: int, most_chars: int) -> Iterator[Span]:
    """``text[start:end]`` in parts of at most ``most_chars``, at spaces where there are any."""
    trimmed = _trim(text, start, end)
    while trimmed is not None and trimmed.end - trimmed.start > most_chars:
        limit = trimmed.start + most_chars
        least = trimmed.start + int(most_chars * _LEAST_SHARE)
        at = max(text.rfind(" ", least, limit), text.rfind("\n", least, limit))
        part = _trim(text, trimmed.start, at if at > trimmed.start else limit)
        if part is not None:
            yield part
        trimmed = _trim(text, at if at > trimmed.start else limit, trimmed.end)
    if trimmed is not None:
        yield trimmed


def _trim(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start=start, end=end) if start < end else None
