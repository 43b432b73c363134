"""Reads Word documents (.docx)."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

from wiseflow.core.documents import ParsedDocument
from wiseflow.core.errors import DocumentError, MissingExtra
from wiseflow.text.blocks import Blocks, tidy_lines
from wiseflow.text.bylines import author_names, names_in
from wiseflow.text.limits import ParseLimits
from wiseflow.text.trees import walk

if TYPE_CHECKING:
    from docx.document import Document

# Source: ECMA-376 part 1, section 17 (WordprocessingML).
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAIN_PART = "word/document.xml"
_HEADING_STYLE = re.compile(r"heading (\d)$", re.IGNORECASE)
_MOST_PARTS = 20_000
_DEEPEST_HEADING = 6
_BODY_LEVEL = 9


class _Element(Protocol):
    """What is used of an lxml element."""

    tag: object
    text: str | None

    def get(self, key: str) -> str | None: ...
    def find(self, path: str) -> _Element | None: ...
    def __iter__(self) -> Iterator[_Element]: ...


def is_docx(data: bytes) -> bool:
    """Whether ``data`` is a zip archive with a Word document in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _MAIN_PART in archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return False


def parse_docx(data: bytes, *, limits: ParseLimits) -> ParsedDocument:
    """The document in a Word file: paragraphs, headings, and tables row by row.

    Raises:
        MissingExtra: python-docx is not installed.
        DocumentError: the file is broken, unpacks to too much, or holds no text.
    """
    _check_archive(data, limits)
    document = _open(data)
    renderer = _Renderer(Blocks(limits.characters), _heading_levels(document))
    body = cast("_Element | None", getattr(document.element, "body", None))
    if body is None:
        raise DocumentError("the Word document is broken: it has no body")
    renderer.render(body)
    properties = document.core_properties
    published = properties.created.date().isoformat() if properties.created else ""
    return renderer.blocks.document(
        title=properties.title or "",
        published=published,
        authors=author_names(names_in(properties.author or "")),
    )


def _check_archive(data: bytes, limits: ParseLimits) -> None:
    """Refuse bombs before anything is unpacked: zipfile never reads past the sizes it declares."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise DocumentError("the Word document is broken: not a whole zip archive") from None
    if any(part.flag_bits & 1 for part in parts):
        raise DocumentError("the Word document is encrypted")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.unpacked_bytes or len(parts) > _MOST_PARTS:
        raise DocumentError(
            f"the Word document unpacks to {unpacked:,} bytes, over {limits.unpacked_bytes:,}"
        )


def _open(data: bytes) -> Document:
    try:
        # Inside, because python-docx is optional.
        from docx import Document as open_document  # noqa: N813, PLC0415
        from docx.opc.exceptions import OpcError  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("docx", "reading Word documents") from None
    try:
        # Its XML parser resolves no entities and keeps libxml2's bounds on depth and size.
        return open_document(io.BytesIO(data))
    except SyntaxError:
        raise DocumentError("the Word document is broken: its XML cannot be read") from None
    except (OpcError, zipfile.BadZipFile, zlib.error, ValueError, LookupError, OSError) as error:
        raise DocumentError(f"the Word document is broken: {error}") from None


def _heading_levels(document: Document) -> dict[str, int]:
    """Depth of the headings that each paragraph style makes, by the style's id."""
    levels: dict[str, int] = {}
    for style in document.styles:
        name = style.name or ""
        found = _HEADING_STYLE.match(name)
        if found:
            levels[style.style_id] = max(1, min(int(found[1]), _DEEPEST_HEADING))
        elif name.lower() == "title":
            levels[style.style_id] = 1
    return levels


class _Renderer:
    """Walks the body's XML, because text also lies in content controls and tracked insertions."""

    _BREAKS = frozenset((f"{_W}br", f"{_W}cr"))

    def __init__(self, blocks: Blocks, levels: dict[str, int]) -> None:
        self.blocks = blocks
        self._levels = levels
        self._pieces: list[str] = []
        self._rows = 0
        self._cells: list[str] = []

    def render(self, body: _Element) -> None:
        """Add all blocks of the document's body."""
        for element, left in walk(body):
            if left:
                self._leave(element)
            else:
                self._enter(element)

    def _enter(self, element: _Element) -> None:
        tag = element.tag
        if tag == f"{_W}tr":
            self._rows += 1
        elif tag == f"{_W}t":
            self._pieces.append(element.text or "")
        elif tag == f"{_W}tab":
            self._pieces.append("\t")
        elif tag in self._BREAKS:
            self._pieces.append("\n")

    def _leave(self, element: _Element) -> None:
        if element.tag == f"{_W}p":
            self._paragraph(element)
        elif element.tag == f"{_W}tr":
            self._rows -= 1
            if not self._rows:
                self.blocks.paragraph(" | ".join(cell for cell in self._cells if cell))
                self._cells = []

    def _paragraph(self, element: _Element) -> None:
        text, self._pieces = tidy_lines("".join(self._pieces)), []
        level = 0 if self._rows else self._level(element)
        if self._rows:
            self._cells.append(text.replace("\n", " "))
        elif level:
            self.blocks.heading(level, text)
        else:
            bullet = element.find(f"{_W}pPr/{_W}numPr") is not None and text
            self.blocks.paragraph(f"- {text}" if bullet else text)

    def _level(self, paragraph: _Element) -> int:
        outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        value = (outline.get(f"{_W}val") if outline is not None else None) or ""
        if value.isdigit() and int(value) < _BODY_LEVEL:
            return min(int(value) + 1, _DEEPEST_HEADING)
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        return self._levels.get((style.get(f"{_W}val") or "") if style is not None else "", 0)
