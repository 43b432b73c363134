"""Makes paragraphs and headings of the lines on PDF pages."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wiseflow.text.blocks import Blocks, one_line
from wiseflow.text.scripts import is_ideograph

_HYPHEN_MARKS = "\x02\ufffe\xad"
"""What PDFium puts for a hyphen at a line's end whose next line it has joined."""
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
# Not within addresses and names of files, whose hyphens are their own.
_MARKED = re.compile(
    f"(?<![\\w/.:@-])([^\\W\\d_]++)[{_HYPHEN_MARKS}]([^\\W\\d_]++)(?![\\d_/@]|[.-]\\w)"
)
_LEADERS = re.compile(
    r"(?<![ \xa0.·…])(?:[ \xa0]*+[.·…]){4,}+[ \xa0]*+(?:\d{1,5}|[ivxlc]{1,7})?$", re.IGNORECASE
)
_MARK = re.compile(f"[{_HYPHEN_MARKS}]")
_BROKEN_WORD = re.compile(r"([^\W\d_]{2,})[-‐]$")
_WORD_START = re.compile(r"([^\W\d_]+)")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
_ITEM = re.compile(r"(?:[•◦‣▪■●○–—*·-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_DIGITS = re.compile(r"\d+|\b[ivxlc]{1,7}\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"(?:\D{0,12}\d{1,5}(?:\s*(?:/|of|von|de|sur)\s*\d{1,5})?|[ivxlc]{1,7})\W*$", re.IGNORECASE
)

_LONGEST_WORD = 60
_MARGIN = 0.08
_EDGE_LINES = 2
_FEWEST_REPEATS = 3
_USUAL_SHARE = 0.4
_FULL_WIDTH = 0.9
_INDENT_EM = 0.8
_GAP = 1.35
_WIDEST_SPACING = 1.6
_HEADING_SIZE = 1.12
_TITLE_SIZE = 1.3
_LONGEST_HEADING = 160
_DEEPEST_HEADING = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a page, or two that PDFium has joined at a hyphen.

    Args:
        text: its characters.
        left, bottom: where its first character stands, in points from the lower left corner.
        right, foot: where its last one ends, and the bottom of that one.
        size: the first character's font size, in points.
        bold: whether the first character is.
    """

    text: str
    left: float
    right: float
    bottom: float
    foot: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """An entry of the PDF's outline: its depth (1 is the highest) and page (from 0)."""

    level: int
    title: str
    page: int


def lay_out(
    pages: Sequence[list[Line]], bookmarks: Iterable[Bookmark], *, characters: int
) -> tuple[Blocks, str]:
    """The blocks of a document, and the title that its first page shows ("" for none).

    Raises:
        DocumentError: the text is longer than ``characters``.
    """
    kept = drop_furniture(pages)
    words = Counter(
        word.lower() for page in kept for line in page for word in _HYPHENATED.findall(line.text)
    )
    body_size = _body_size(kept)
    outline = _Outline(bookmarks)
    writer = _Writer(Blocks(characters), words)
    for number, page in enumerate(kept):
        for group in _paragraphs(page):
            level = outline.level(number, group) or _size_level(group, body_size, outline)
            writer.add(group, level)
    writer.close()
    return writer.blocks, _shown_title(kept, body_size)


def drop_furniture(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """``pages`` without running heads, running feet and page numbers.

    A line in the upper or lower margin, set apart from the text, goes when it is there on several
    pages (numbers aside), or when most pages have a line at this height.
    """
    kept = [list(page) for page in pages]
    bottoms = [line.bottom for page in pages for line in page]
    low, high = min(bottoms, default=0.0), max(bottoms, default=0.0)
    margin = _MARGIN * (high - low)
    for _ in range(_EDGE_LINES):
        _drop_edge(kept, top=True, border=high - margin)
        _drop_edge(kept, top=False, border=low + margin)
    return kept if any(kept) else [list(page) for page in pages]


def _drop_edge(pages: list[list[Line]], *, top: bool, border: float) -> None:
    edges = [_edge(page, top=top, border=border) for page in pages]
    texts: Counter[tuple[str, int]] = Counter()
    heights: Counter[int] = Counter()
    for page, line in zip(pages, edges, strict=True):
        if line is not None:
            texts[_signature(line)] += 1
            heights[round(line.bottom / 3)] += _stands_apart(page, line)
    usual = max(_FEWEST_REPEATS, _USUAL_SHARE * sum(1 for page in pages if page))
    for page, line in zip(pages, edges, strict=True):
        if line is None:
            continue
        near = round(line.bottom / 3)
        apart = _stands_apart(page, line)
        aligned = sum(heights[near + step] for step in (-1, 0, 1))
        repeated = texts[_signature(line)] >= _FEWEST_REPEATS
        numbered = bool(_PAGE_NUMBER.match(line.text)) and aligned >= _FEWEST_REPEATS
        if apart and (repeated or numbered or aligned >= usual):
            page.remove(line)


def _edge(page: list[Line], *, top: bool, border: float) -> Line | None:
    """The page's outermost line, if it lies beyond the border of its margin."""
    if not page:
        return None
    line = max(page, key=_height) if top else min(page, key=_height)
    outside = line.bottom >= border if top else line.bottom <= border
    return line if outside else None


def _height(line: Line) -> float:
    return line.bottom


def _signature(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text.lower()), round(line.bottom / 6)


def _stands_apart(page: list[Line], line: Line) -> bool:
    """Whether more than a line's room lies between the line and the others."""
    distance = min(
        (abs(other.bottom - line.bottom) for other in page if abs(other.bottom - line.bottom) > 1),
        default=1000.0,
    )
    return distance > 1.6 * max(line.size, 6.0)


def _body_size(pages: Sequence[list[Line]]) -> float:
    """The font size that most characters have."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _paragraphs(page: list[Line]) -> list[list[Line]]:
    """Lines grouped into paragraphs, in the page's reading order."""
    if not page:
        return []
    spacing = _usual_spacing(page)
    right = max(line.right for line in page)
    groups: list[list[Line]] = [[page[0]]]
    for before, line in pairwise(page):
        if _starts_paragraph(groups[-1], before, line, spacing, right):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _usual_spacing(page: list[Line]) -> float:
    steps = [
        before.foot - line.bottom
        for before, line in pairwise(page)
        if 0 < before.foot - line.bottom < 4 * max(before.size, 1)
    ]
    return statistics.mode(round(step, 1) for step in steps) if steps else 0.0


def _starts_paragraph(
    group: list[Line], before: Line, line: Line, spacing: float, right: float
) -> bool:
    step = before.foot - line.bottom
    if step < -1 or step > _GAP * max(min(spacing, _WIDEST_SPACING * line.size), line.size):
        return True
    if abs(before.size - line.size) > 0.1 * max(before.size, line.size):
        return True
    if before.bold != line.bold and len(group) == 1 and before.right < right * _FULL_WIDTH:
        return True
    if _ITEM.match(line.text) or _LEADERS.search(before.text):
        return True
    indent = line.left - min(other.left for other in group[-2:])
    ended = len(group) > 1 or before.right < right * _FULL_WIDTH
    return _INDENT_EM * line.size < indent and ended and abs(step) > 1


class _Outline:
    """Tells the headings that a PDF's outline names."""

    def __init__(self, bookmarks: Iterable[Bookmark]) -> None:
        self._titles: defaultdict[int, dict[str, int]] = defaultdict(dict)
        for bookmark in bookmarks:
            key = _letters(bookmark.title)
            if key:
                self._titles[bookmark.page].setdefault(key, bookmark.level)

    def __bool__(self) -> bool:
        return bool(self._titles)

    def level(self, page: int, group: list[Line]) -> int:
        """The depth of the heading that these lines are, or 0."""
        titles = self._titles.get(page)
        if not titles:
            return 0
        text = " ".join(line.text for line in group)
        if len(text) > _LONGEST_HEADING * 2:
            return 0
        key = _letters(text)
        for title, level in titles.items():
            # "3.7 Tool setups" and "Chapter 3 Tool setups" are the bookmark "Tool setups".
            if key == title or (key.endswith(title) and len(key) <= len(title) + len("appendix")):
                return min(level, _DEEPEST_HEADING)
        return 0


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalpha())


def _size_level(group: list[Line], body_size: float, outline: _Outline) -> int:
    """The depth of a heading told by its font, where the PDF has no outline; 0 for none."""
    line = group[0]
    text = " ".join(one.text for one in group)
    if outline or len(text) > _LONGEST_HEADING or text.endswith((".", ",", ";", ":")):
        return 0
    if line.size < body_size * _HEADING_SIZE or not any(map(str.isalpha, text)):
        return 0
    return 1 if line.size > body_size * 1.6 else 2 if line.size > body_size * _TITLE_SIZE else 3


def _shown_title(pages: Sequence[list[Line]], body_size: float) -> str:
    """The largest lines of the first page that has text."""
    first = next((page for page in pages if page), list[Line]())
    largest = max((line.size for line in first), default=0.0)
    if largest < body_size * _TITLE_SIZE:
        return ""
    title = one_line(" ".join(line.text for line in first if line.size > largest * 0.95))
    return title.translate(_LIGATURES) if len(title) <= _LONGEST_HEADING else ""


class _Writer:
    """Joins lines into text, across pages too, and undoes hyphenation."""

    def __init__(self, blocks: Blocks, words: Counter[str]) -> None:
        self.blocks = blocks
        self._words = words
        self._open = ""

    def add(self, group: list[Line], level: int) -> None:
        """Add a paragraph, or a heading when ``level`` is not 0."""
        text = self._joined(group)
        if level:
            self.close()
            self.blocks.heading(level, text)
        elif self._continues(text):
            self._open = self._glue(self._open, text, " ")
        else:
            self.close()
            self._open = text

    def close(self) -> None:
        """Write the open paragraph."""
        self.blocks.paragraph(self._open)
        self._open = ""

    def _continues(self, text: str) -> bool:
        """Whether a paragraph goes on: broken off in the middle, and taken up in lower case."""
        last = self._open[-1:]
        return text[:1].islower() and (last.isalpha() or last in {",", "-", "‐"})

    def _joined(self, group: list[Line]) -> str:
        right = max(line.right for line in group)
        left = min(line.left for line in group)
        text = self._mended(group[0].text)
        for before, line in pairwise(group):
            full = before.right - left > _FULL_WIDTH * (right - left) or before.foot == line.bottom
            wraps = full or line.text[:1].islower()
            text = self._glue(text, self._mended(line.text), " " if wraps else "\n")
        return text

    def _mended(self, text: str) -> str:
        text = _LEADERS.sub("", text)
        text = _MARKED.sub(lambda found: self._word(found[1], found[2]), text)
        return _MARK.sub("-", text).translate(_LIGATURES)

    def _glue(self, before: str, after: str, space: str) -> str:
        tail = before[-_LONGEST_WORD:]
        broken, start = _BROKEN_WORD.search(tail), _WORD_START.match(after)
        if broken and start and start[1][0].islower():
            word = self._word(broken[1], start[1])
            return before[: -len(broken[0])] + word + after[start.end() :]
        if (
            before.endswith(("-", "‐"))
            and after[:1].isalnum()
            and not before.endswith((" -", "--"))
        ):
            return before + after
        if before and after and is_ideograph(before[-1]) and is_ideograph(after[0]):
            return before + after
        return before + space + after

    def _word(self, left: str, right: str) -> str:
        """The whole of a word broken at a line's end: the way it is spelt elsewhere decides."""
        joined, hyphenated = f"{left}{right}", f"{left}-{right}"
        if self._words[hyphenated.lower()] > self._words[joined.lower()]:
            return hyphenated
        return joined
