"""Reads web pages: the main text where there is one, else all that is visible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

from wiseflow.core.documents import ParsedDocument
from wiseflow.core.errors import DocumentError
from wiseflow.text.blocks import Blocks, tidy_lines
from wiseflow.text.encoding import decode
from wiseflow.text.html_facts import PageFacts, page_facts
from wiseflow.text.limits import ParseLimits
from wiseflow.text.trees import walk
from wiseflow.text.visible import add_bare_text, add_visible_text

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_HEAD_BYTES = 4096
# Source: WHATWG HTML, section 4.2.5.4: the declaration lies within the first 1,024 bytes; pages
# that put it a little later are read as they were meant.
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset[ \t]*=[ \t\"']*([\w.:-]{2,40})", re.IGNORECASE
)
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding[ \t]*=[ \t\"']*([\w.:-]{2,40})")
_LANGUAGE = re.compile(r"<html[^>]{0,2000}?\slang[ \t]*=[ \t\"']*([A-Za-z]{2})\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,500}>([^<]{1,2000})", re.IGNORECASE)

# A main text shorter than this is doubted: it is compared with what the looser settings find.
_SHORT_MAIN_TEXT = 250
_MUCH_MORE = 4
_DEEPEST_HEADING = 6


def parse_html(data: bytes, *, limits: ParseLimits) -> ParsedDocument:
    """The document that a web page is about.

    Raises:
        DocumentError: the page is too large, or has no visible text.
    """
    if len(data) > limits.html_bytes:
        raise DocumentError(f"the web page is larger than {limits.html_bytes:,} bytes")
    source = decode(data, declared=declared_encoding(data))
    facts, blocks = _best_blocks(source, limits)
    named = _LANGUAGE.search(source[:_HEAD_BYTES])
    shown = _TITLE.search(source)
    document = blocks.document(
        title=facts.title or (shown[1] if shown else ""),
        published=facts.published,
        authors=facts.authors,
        site=facts.site,
        language=named[1].lower() if named else "",
    )
    if not document.text:
        raise DocumentError("the web page has no visible text")
    return document


def declared_encoding(data: bytes) -> str:
    """The encoding that an HTML or XML document names itself, or ""."""
    head = data[:_HEAD_BYTES]
    found = _XML_ENCODING.search(head) or _META_CHARSET.search(head)
    return found[1].decode("ascii") if found else ""


def _best_blocks(source: str, limits: ParseLimits) -> tuple[PageFacts, Blocks]:
    from trafilatura import load_html  # noqa: PLC0415 - its import takes a fifth of a second

    facts, blocks = PageFacts(), Blocks(limits.characters)
    tree = load_html(source)
    if tree is not None:
        facts = page_facts(tree)
        blocks = _main_text(tree, limits, precise=True)
        if blocks.length < _SHORT_MAIN_TEXT:
            blocks = _longer(blocks, _main_text(tree, limits, precise=False))
    if blocks.length < _SHORT_MAIN_TEXT:
        blocks = _longer(blocks, _visible_text(source, limits, furniture=False))
    if not blocks.length:
        blocks = _visible_text(source, limits, furniture=True)
    if not blocks.length:
        add_bare_text(source, blocks)
    return facts, blocks


def _longer(first: Blocks, second: Blocks) -> Blocks:
    return second if second.length > first.length * _MUCH_MORE else first


class _Element(Protocol):
    """What is used of an lxml element."""

    tag: str
    text: str | None
    tail: str | None

    def get(self, key: str, default: str = "") -> str: ...
    def __iter__(self) -> Iterator[_Element]: ...


def _main_text(tree: HtmlElement, limits: ParseLimits, *, precise: bool) -> Blocks:
    # Inside, because its import takes a fifth of a second.
    from trafilatura import bare_extraction  # noqa: PLC0415
    from trafilatura.settings import Document  # noqa: PLC0415

    blocks = Blocks(limits.characters)
    found = bare_extraction(
        tree, favor_precision=precise, favor_recall=not precise, include_comments=False
    )
    body = cast("_Element | None", found.body) if isinstance(found, Document) else None
    if body is not None:
        _Renderer(blocks).render(body)
    return blocks


class _Renderer:
    """Turns trafilatura's tree (a small TEI) into blocks.

    Source: TEI P5 guidelines, elements ``p``, ``head``, ``list``, ``quote``, ``table``, ``lb``.
    """

    _OWN_LINE = frozenset(("item", "row", "lb"))
    _OWN_BLOCK = frozenset(
        ("p", "head", "list", "quote", "table", "code", "div", "body", "main", "figure")
    )

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._pieces: list[str] = []

    def render(self, body: _Element) -> None:
        """Add all blocks of ``body``."""
        for element, left in walk(body):
            if left:
                self._leave(element)
            else:
                self._enter(element)
        self._close()

    def _enter(self, element: _Element) -> None:
        tag = element.tag
        if tag in self._OWN_BLOCK:
            self._close()
        elif tag == "item":
            self._pieces.append("\n- ")
        elif tag in self._OWN_LINE:
            self._pieces.append("\n")
        elif tag == "cell" and self._pieces and not self._pieces[-1].endswith("\n"):
            self._pieces.append(" | ")
        self._pieces.append(_flowing(element.text, keep=tag == "code"))

    def _leave(self, element: _Element) -> None:
        if element.tag == "head":
            self._blocks.heading(_level(element.get("rend") or ""), "".join(self._pieces))
            self._pieces = []
        elif element.tag in self._OWN_BLOCK:
            self._close()
        self._pieces.append(_flowing(element.tail, keep=False))

    def _close(self) -> None:
        self._blocks.paragraph(tidy_lines("".join(self._pieces)))
        self._pieces = []


def _flowing(text: str | None, *, keep: bool) -> str:
    """``text`` with its line ends as spaces, as browsers show it."""
    if not text:
        return ""
    return text if keep else text.replace("\n", " ")


def _level(rend: str) -> int:
    digit = rend[1:2]
    return min(int(digit), _DEEPEST_HEADING) if digit.isdigit() and digit != "0" else 1


def _visible_text(source: str, limits: ParseLimits, *, furniture: bool) -> Blocks:
    blocks = Blocks(limits.characters)
    add_visible_text(source, blocks, furniture=furniture)
    return blocks
