"""All that a web page shows, as blocks: for pages in which no main text is found."""

from __future__ import annotations

import html
import importlib
import re
from collections.abc import Iterator
from typing import Any, Protocol, cast

from wiseflow.text.blocks import Blocks, tidy_lines

_BLOCK_TAGS = (
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol option p"
    " pre section summary table tbody td tfoot th thead tr ul"
)
_UNSEEN_TAGS = "iframe object script style svg template textarea title"
_FURNITURE_TAGS = "aside button footer form header menu nav noscript select"
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_UNSEEN = frozenset(_UNSEEN_TAGS.split())
_FURNITURE = frozenset(_FURNITURE_TAGS.split())
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class _Element(Protocol):
    """What is used of an lxml element."""

    tag: object
    text: str | None
    tail: str | None

    def __iter__(self) -> Iterator[_Element]: ...


def add_visible_text(source: str, blocks: Blocks, *, furniture: bool) -> None:
    """Add all text that a browser would show of a page to ``blocks``.

    Args:
        source: the page; any markup is survived, in linear time.
        blocks: where to add.
        furniture: whether menus, forms, heads and feet count too.

    Raises:
        DocumentError: the text is too long.
    """
    etree: Any = importlib.import_module("lxml.etree")
    # ``huge_tree`` lifts the bound on depth from 256 to 2,048 elements.
    parser = etree.HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True)
    parser.feed(source)
    try:
        root = cast("_Element | None", parser.close())
    except etree.XMLSyntaxError:
        # There is no element at all.
        root = None
    if root is not None:
        _Reader(blocks, _UNSEEN if furniture else _UNSEEN | _FURNITURE).read(root)


def add_bare_text(source: str, blocks: Blocks) -> None:
    """Add what is left of a page without its tags: for pages too deep to build a tree of.

    Raises:
        DocumentError: the text is too long.
    """
    inside = ""
    start = 0
    for tag in _TAG.finditer(source):
        name = tag[2].lower()
        if inside:
            if tag[1] and name == inside:
                inside = ""
        else:
            blocks.paragraph(tidy_lines(html.unescape(source[start : tag.start()])))
            inside = name if name in _UNSEEN and not tag[1] else ""
        start = tag.end()
    if not inside:
        blocks.paragraph(tidy_lines(html.unescape(source[start:])))


class _Reader:
    def __init__(self, blocks: Blocks, skipped: frozenset[str]) -> None:
        self._blocks = blocks
        self._skipped = skipped
        self._pieces: list[str] = []

    def read(self, root: _Element) -> None:
        # A stack instead of recursion: pages nest deeper than Python's stack.
        stack: list[tuple[_Element, bool]] = [(root, False)]
        while stack:
            element, left = stack.pop()
            if left:
                self._leave(element)
            elif element.tag in self._skipped:
                self._add(element.tail)
            else:
                self._enter(element)
                stack.append((element, True))
                stack.extend((child, False) for child in reversed(list(element)))
        self._close()

    def _enter(self, element: _Element) -> None:
        if element.tag in _BLOCKS:
            self._close()
        elif element.tag == "br":
            self._pieces.append("\n")
        self._add(element.text)

    def _leave(self, element: _Element) -> None:
        level = _HEADINGS.get(str(element.tag))
        if level:
            self._blocks.heading(level, "".join(self._pieces))
            self._pieces = []
        elif element.tag in _BLOCKS:
            self._close()
        self._add(element.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._pieces.append(text.replace("\n", " "))

    def _close(self) -> None:
        self._blocks.paragraph(tidy_lines("".join(self._pieces)))
        self._pieces = []
