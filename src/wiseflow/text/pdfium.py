"""PDFium behind precise types: the only module that knows pypdfium2, which has no stubs."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from wiseflow.core.errors import DocumentError, MissingExtra
from wiseflow.text.pdf_layout import Bookmark, Line

_MOST_BOOKMARKS = 10_000
# What is read of a page that has more characters than any printed page can hold.
_MOST_PAGE_CHARACTERS = 500_000
# Source: PDFium's fpdfview.h, FPDF_GetLastError: FPDF_ERR_PASSWORD and FPDF_ERR_SECURITY.
_LOCKED = frozenset((4, 5))
_BOLD_WEIGHT = 600
_LINE_FEED = 10
_BLANK = frozenset((0, 10, 13, 32))
_SURROGATES = range(0xD800, 0xE000)
_BEYOND_UTF16 = 0x10000


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFile:
    """An open PDF.

    Args:
        pages: how many pages it has.
    """

    pages: int
    _document: Any
    _library: Any
    _raw: Any

    def metadata(self, key: str) -> str:
        """An entry of the document's information dictionary, or ""."""
        return str(self._document.get_metadata_value(key)).strip("\x00 \t\r\n")

    def bookmarks(self) -> list[Bookmark]:
        """The outline's entries that lead to a page; the first thousands of them."""
        found: list[Bookmark] = []
        for number, entry in enumerate(self._document.get_toc()):
            if number >= _MOST_BOOKMARKS:
                break
            with contextlib.suppress(UnicodeDecodeError):
                target = entry.get_dest()
                page = target.get_index() if target is not None else None
                if page is not None:
                    title = str(entry.get_title())
                    found.append(Bookmark(level=int(entry.level) + 1, title=title, page=int(page)))
        return found

    def lines(self, page: int) -> list[Line]:
        """The lines of a page (from 0) in reading order; none when the page cannot be loaded."""
        try:
            with (
                contextlib.closing(self._document[page]) as opened,
                contextlib.closing(opened.get_textpage()) as text_page,
            ):
                return list(self._lines(text_page))
        except self._library.PdfiumError:
            return []

    def _lines(self, text_page: Any) -> Iterator[Line]:
        count = min(self._raw.FPDFText_CountChars(text_page), _MOST_PAGE_CHARACTERS)
        codes: list[int] = [
            self._raw.FPDFText_GetUnicode(text_page, index) for index in range(count)
        ]
        start = 0
        while start < count:
            end = _find(codes, _LINE_FEED, start)
            first, last = _trimmed(codes, start, end)
            if first <= last:
                yield self._line(text_page, codes, first, last)
            start = end + 1

    def _line(self, text_page: Any, codes: list[int], first: int, last: int) -> Line:
        left, right = self._raw.FS_RECTF(), self._raw.FS_RECTF()
        self._raw.FPDFText_GetLooseCharBox(text_page, first, ctypes.byref(left))
        self._raw.FPDFText_GetLooseCharBox(text_page, last, ctypes.byref(right))
        return Line(
            text=_text(codes[first : last + 1]),
            left=left.left,
            right=right.right,
            bottom=left.bottom,
            foot=right.bottom,
            size=self._raw.FPDFText_GetFontSize(text_page, first),
            bold=self._raw.FPDFText_GetFontWeight(text_page, first) >= _BOLD_WEIGHT,
        )


@contextlib.contextmanager
def open_pdf(data: bytes) -> Generator[PdfFile]:
    """Open the PDF in ``data`` and close all it holds at the end.

    Raises:
        MissingExtra: pypdfium2 is not installed.
        DocumentError: the file is broken, or needs a password.
    """
    try:
        # Here, because pypdfium2 is optional and loads a shared library.
        library = importlib.import_module("pypdfium2")
        raw = importlib.import_module("pypdfium2.raw")
    except ImportError:
        raise MissingExtra("pdf", "reading PDFs") from None
    try:
        document = library.PdfDocument(data)
    except library.PdfiumError as error:
        # PDFium leaves the last error standing when it refuses a file without saying why.
        if error.err_code in _LOCKED and b"/Encrypt" in data:
            raise DocumentError("the PDF is encrypted and needs a password") from None
        raise DocumentError("the PDF is broken or truncated") from None
    with contextlib.closing(document):
        yield PdfFile(pages=len(document), _document=document, _library=library, _raw=raw)


def _find(codes: list[int], code: int, start: int) -> int:
    try:
        return codes.index(code, start)
    except ValueError:
        return len(codes)


def _trimmed(codes: list[int], start: int, end: int) -> tuple[int, int]:
    last = end - 1
    while start <= last and codes[start] in _BLANK:
        start += 1
    while last >= start and codes[last] in _BLANK:
        last -= 1
    return start, last


def _text(codes: list[int]) -> str:
    """Characters from code points, or from UTF-16 units where there are surrogates."""
    if not any(code in _SURROGATES for code in codes):
        return "".join(map(chr, codes))
    units = (
        code.to_bytes(2, "little") if code < _BEYOND_UTF16 else chr(code).encode("utf-16-le")
        for code in codes
    )
    return b"".join(units).decode("utf-16-le", "replace")
