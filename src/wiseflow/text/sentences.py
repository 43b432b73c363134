"""Cuts text into sentences with exact spans, and tells prose from the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from wiseflow.core.documents import Span
from wiseflow.text.abbreviations import MAY_END, NEVER_END, ORDINAL_LANGUAGES
from wiseflow.text.fences import Fences
from wiseflow.text.function_words import FUNCTION_WORDS
from wiseflow.text.scripts import IDEOGRAPHS

_CLOSERS = "\"'”’»›)\\]}」』】）》*_"
_WIDE_STOPS = "。！？｡．؟۔।॥։።၊။។།"
# A sentence may end at: stops with closers before white space; stops that need none; a reference
# such as [3] glued to a stop. What follows is looked at by ``_ends``.
_STOP = re.compile(
    f"(?:(?<![.!?…])[.!?…]++[{_CLOSERS}]*+(?:\\[\\d{{1,3}}\\])*+(?=\\s)"
    f"|[{_WIDE_STOPS}]++[!?…{_WIDE_STOPS}]*+[{_CLOSERS}]*+(?:\\[\\d{{1,3}}\\])*+)"
)
# Where one block ends and the next begins, whatever the words are: blank lines, and lines that
# start a list item, a heading, a quotation, a table row, or a fence.
_BLOCK_BREAK = re.compile(
    r"\n[ \t]*(?:\n\s*|(?=(?:[-*+•‣▪◦–] |#{1,6} |\(?\d{1,3}[.)] |\(?[a-z]\) |> |\||```|~~~)))"
)
_MARKER = re.compile(r"(?:[-*+•‣▪◦>#–]+[ \t]+)+|#{1,6}[ \t]+")
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘«„/—–-]*$")
_NEXT_WORD = re.compile(r"[\"'“‘«„(\[{¿¡*_\s]*([^\W_]+(?:['’.][^\W_]+)*)?")
_INITIAL = re.compile(r"(?:[^\W\d_]|[^\W\d_](?:\.[^\W\d_])+|[A-Z][a-z]?\.-?[A-Z])$")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxlcIVXLC]{1,5})$")
_ORDINAL = re.compile(r"\d{1,2}$|[IVX]{1,5}$")
_LOOK_BEHIND = 40
_LOOK_AHEAD = 60
_SHORT_LINE = 0.6
_NARROW_LINE = 48


def sentences(
    text: str, *, language: str = "", start: int = 0, end: int | None = None
) -> list[Span]:
    """The sentences in ``text[start:end]``, in order, without overlap.

    Headings, list items, table rows and fenced code are units of their own. Nothing but white
    space, list markers, and heading and quotation marks lies between the spans.

    Args:
        text: any text; spans refer to it.
        language: ISO 639-1 code, for the abbreviations and ordinals of a few languages.
        start: where the part to cut begins, in characters.
        end: where it ends; ``None`` is the end of ``text``.

    Source: the rule families of G. Grefenstette, P. Tapanainen, "What is a word, what is a
    sentence? Problems of tokenization" (1994).
    """
    return list(iterate_sentences(text, language=language, start=start, end=end))


def iterate_sentences(
    text: str, *, language: str = "", start: int = 0, end: int | None = None
) -> Iterator[Span]:
    """As ``sentences``, one by one: for texts whose spans would fill the memory."""
    stop = len(text) if end is None else min(end, len(text))
    for block in _blocks(text, max(0, start), stop):
        yield from _block_sentences(text, block, language)


def is_prose(text: str) -> bool:
    """Whether ``text`` reads as a sentence of running text.

    Headings, table rows, code, lists of links, menus and fragments do not.
    """
    text = text.strip()
    if not _PROSE_END.search(text) or _NOT_PROSE.search(text):
        return False
    letters = sum(map(str.isalpha, text))
    if letters < _LEAST_LETTERS * len(text.replace(" ", "")):
        return False
    if _is_unspaced(text):
        return letters >= _FEWEST_IDEOGRAPHS
    tokens = text.split()
    return len(tokens) >= _FEWEST_WORDS and _flows(text, tokens)


# Prose.
_PROSE_END = re.compile(f"[.!?…{_WIDE_STOPS}][{_CLOSERS}]*(?:\\s*\\[\\d{{1,3}}\\])*$")
_NOT_PROSE = re.compile(
    # Dotted leaders, table rows, code.
    r"\.{4,}|(?:\. ){3,}|\|.*\||[{};]\s*$|^\s*(?:[#$>|]|```|~~~|//|/\*)"
    r"|[=(]\s*[\"'{\[]\w*|\w\(\)\s*[;{.]"
    # Addresses at the end, and what pages say of themselves.
    r"|(?:\S+@\S+|https?://\S+)\W*$|©|\bAll rights reserved\b"
    r"|\bCookies?\b.{0,40}\b(?:policy|settings)\b",
    re.IGNORECASE,
)
_LEAST_LETTERS = 0.6
_FEWEST_IDEOGRAPHS = 8
_FEWEST_WORDS = 4
_MOST_CAPITALISED = 0.7
_MANY_WORDS = 6


def _is_unspaced(text: str) -> bool:
    return bool(_IDEOGRAPH_RUN.search(text))


_IDEOGRAPH_RUN = re.compile(f"[{IDEOGRAPHS}\u0e00-\u0e7f]{{3}}")


def _flows(text: str, tokens: list[str]) -> bool:
    """Whether the words hang together: lower case and function words, as sentences have."""
    plain = [token.strip("\"'“”‘’«»()[],;:.!?…*_").casefold() for token in tokens]
    if not text.isascii() and not _has_latin_words(plain):
        return True
    lower = sum(1 for token in tokens if token[:1].islower())
    capitalised = sum(1 for token in tokens if token[:1].isupper())
    if capitalised > _MOST_CAPITALISED * len(tokens) and len(tokens) >= _MANY_WORDS:
        return False
    return lower > 0 and (len(tokens) > _MANY_WORDS * 3 or not _all_functions().isdisjoint(plain))


def _has_latin_words(plain: list[str]) -> bool:
    latin = sum(1 for word in plain if word[:1] <= "\u024f")
    return latin * 2 > len(plain)


@lru_cache(maxsize=1)
def _all_functions() -> frozenset[str]:
    return frozenset(word for listed in FUNCTION_WORDS.values() for word in listed)


# Blocks.
def _blocks(text: str, start: int, end: int) -> Iterator[Span]:
    """The parts between blank lines and at list items; a fenced block of code is one."""
    fences = Fences(text, end)
    while start < end:
        close = fences.end_of_block(start)
        if close is not None:
            yield Span(start=start, end=close)
            start = close
            continue
        found = _BLOCK_BREAK.search(text, start, end)
        stop = found.start() if found else end
        yield from _lines_apart(text, start, stop)
        start = max(found.end(), stop + 1) if found else end


def _lines_apart(text: str, start: int, end: int) -> Iterator[Span]:
    """The block, cut where a much shorter line ends that the next one does not go on from."""
    line_end = text.find("\n", start, end)
    if line_end < 0:
        yield Span(start=start, end=end)
        return
    widest = 0
    opened = start
    while line_end >= 0:
        line_start = text.rfind("\n", opened, line_end) + 1 or opened
        width = line_end - line_start
        following = text[line_end + 1 : line_end + 2]
        if (
            width < _NARROW_LINE
            and width < max(_SHORT_LINE * widest, 1) + _NARROW_LINE // 2
            and (following.isupper() or following.isdigit())
            and not _flows_on(text, line_start, line_end)
        ):
            yield Span(start=opened, end=line_end)
            opened = line_end + 1
        widest = max(widest, width)
        line_end = text.find("\n", line_end + 1, end)
    yield Span(start=opened, end=end)


def _flows_on(text: str, line_start: int, line_end: int) -> bool:
    """Whether a line ends in a word after which no sentence or heading ends."""
    last = text[line_start:line_end].rsplit(None, 1)[-1:] or [""]
    return last[0].endswith((",", "-")) or last[0].casefold() in _all_functions()


# Sentences of a block.
def _block_sentences(text: str, block: Span, language: str) -> Iterator[Span]:
    start = _skip_markers(text, block.start, block.end)
    if text.startswith(("```", "~~~"), start, block.end):
        yield from _trimmed(text, start, block.end)
        return
    for found in _STOP.finditer(text, start, block.end):
        if found.end() <= start or not _ends(text, found, start, block.end, language):
            continue
        yield from _trimmed(text, start, found.end())
        start = found.end()
    yield from _trimmed(text, start, block.end)


def _skip_markers(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    marker = _MARKER.match(text, start, end)
    return marker.end() if marker else start


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Span(start=start, end=end)


def _ends(text: str, stop: re.Match[str], start: int, end: int, language: str) -> bool:
    """Whether a sentence ends at the stop."""
    mark = text[stop.start()]
    if mark in _WIDE_STOPS:
        return True
    after = _NEXT_WORD.match(text[stop.end() : min(end, stop.end() + _LOOK_AHEAD)])
    following = (after[1] or "") if after else ""
    if following[:1].islower():
        return False
    if mark != "." or stop[0].startswith(".."):
        return True
    last = _LAST_WORD.search(text[max(start, stop.start() - _LOOK_BEHIND) : stop.start()])
    word = last[0] if last else ""
    return not _is_abbreviated(text, word, start, stop.start(), following, language)


def _is_abbreviated(
    text: str, word: str, start: int, at: int, following: str, language: str
) -> bool:
    """Whether the point after ``word`` is part of it."""
    folded = word.lower()
    starter = following.casefold() in _all_functions()
    if folded in NEVER_END:
        # "no. 5" is a number, "no. The" is an answer.
        return folded not in _WORDS_TOO or following[:1].isdigit()
    if folded in MAY_END or _INITIAL.match(word):
        return not starter or not following
    if not text[start : at - len(word)].strip(" \t\n(") and _ENUMERATOR.match(word):
        return True
    if language in ORDINAL_LANGUAGES and _ORDINAL.match(word):
        return not starter
    return False


_WORDS_TOO = frozenset(("no", "art", "fig", "sec", "vol", "op", "ca", "abs", "nos", "ch", "sen"))
