"""Reads PDFs, page by page, through PDFium."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wiseflow.core.documents import ParsedDocument
from wiseflow.core.errors import DocumentError, MissingExtra
from wiseflow.text.dates import pdf_date
from wiseflow.text.limits import ParseLimits
from wiseflow.text.pdf_layout import Bookmark, Line, lay_out

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfTextPage  # pyright: ignore[reportMissingTypeStubs]

_MOST_BOOKMARKS = 10_000
_LINE_FEED, _RETURN, _SPACE = 10, 13, 32
_SURROGATES = range(0xD800, 0xE000)
# What is read of a page with many more characters than a printed page can hold.
_MOST_PAGE_CHARACTERS = 500_000
# PDFium's error codes. Source: fpdfview.h, FPDF_GetLastError.
_ERROR_PASSWORD = 4
_ERROR_SECURITY = 5
_BOLD_WEIGHT = 600


def parse_pdf(data: bytes, *, limits: ParseLimits) -> ParsedDocument:
    """The document in a PDF: paragraphs in reading order, without running heads and page numbers.

    Args:
        data: the file's bytes.
        limits: ``pages`` and ``characters`` are bounded here; time and memory are the caller's to
            bound, by a process of its own.

    Raises:
        MissingExtra: pypdfium2 is not installed.
        DocumentError: the file is broken, encrypted, too long, or a scan without text.
    """
    with contextlib.closing(_open(data)) as pdf:
        count = len(pdf)
        if count > limits.pages:
            raise DocumentError(f"the PDF has {count:,} pages, over {limits.pages:,}")
        bookmarks = list(_bookmarks(pdf))
        pages = _read_pages(pdf, limits.characters)
        title = _metadata(pdf, "Title")
        published = pdf_date(_metadata(pdf, "CreationDate"))
    if not any(pages):
        raise DocumentError("the PDF is scanned: it has no text layer")
    blocks, shown_title = lay_out(pages, bookmarks, characters=limits.characters)
    return blocks.document(title=title or shown_title, published=published)


def _open(data: bytes) -> PdfDocument:
    try:
        # Inside, because pypdfium2 is optional and loads a shared library.
        import pypdfium2  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise MissingExtra("pdf", "reading PDFs") from None
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in {_ERROR_PASSWORD, _ERROR_SECURITY}:
            raise DocumentError("the PDF is encrypted and needs a password") from None
        raise DocumentError("the PDF is broken or truncated") from None
    if not len(pdf):
        pdf.close()
        raise DocumentError("the PDF is broken or truncated: it has no pages")
    return pdf


def _metadata(pdf: PdfDocument, key: str) -> str:
    return pdf.get_metadata_value(key).strip("\x00 \t\r\n")


def _bookmarks(pdf: PdfDocument) -> Iterator[Bookmark]:
    for number, bookmark in enumerate(pdf.get_toc()):
        if number >= _MOST_BOOKMARKS:
            return
        with contextlib.suppress(UnicodeDecodeError):
            target = bookmark.get_dest()
            page = target.get_index() if target is not None else None
            if page is not None:
                yield Bookmark(level=bookmark.level + 1, title=bookmark.get_title(), page=page)


def _read_pages(pdf: PdfDocument, most_characters: int) -> list[list[Line]]:
    from pypdfium2 import PdfiumError  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    pages: list[list[Line]] = []
    characters = 0
    for number in range(len(pdf)):
        try:
            lines = _read_page(pdf, number)
        except PdfiumError:
            # One page that cannot be loaded does not cost the others.
            lines = []
        characters += sum(len(line.text) for line in lines)
        if characters > most_characters:
            raise DocumentError(f"the text has more than {most_characters:,} characters")
        pages.append(lines)
    return pages


def _read_page(pdf: PdfDocument, number: int) -> list[Line]:
    with (
        contextlib.closing(pdf[number]) as page,
        contextlib.closing(page.get_textpage()) as text_page,
    ):
        return list(_lines(text_page))


def _lines(text_page: PdfTextPage) -> Iterator[Line]:
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    raw: Any = text_page
    count = min(pdfium.FPDFText_CountChars(raw), _MOST_PAGE_CHARACTERS)
    codes = [pdfium.FPDFText_GetUnicode(raw, index) for index in range(count)]
    start = 0
    while start < count:
        end = _find(codes, _LINE_FEED, start)
        first, last = _trimmed(codes, start, end)
        if first <= last:
            yield _line(raw, codes, first, last)
        start = end + 1


def _find(codes: list[int], code: int, start: int) -> int:
    try:
        return codes.index(code, start)
    except ValueError:
        return len(codes)


def _trimmed(codes: list[int], start: int, end: int) -> tuple[int, int]:
    blank = {0, _LINE_FEED, _RETURN, _SPACE}
    last = end - 1
    while start <= last and codes[start] in blank:
        start += 1
    while last >= start and codes[last] in blank:
        last -= 1
    return start, last


def _line(raw: Any, codes: list[int], first: int, last: int) -> Line:
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    left, right = pdfium.FS_RECTF(), pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(raw, first, ctypes.byref(left))
    pdfium.FPDFText_GetLooseCharBox(raw, last, ctypes.byref(right))
    return Line(
        text=_text(codes[first : last + 1]),
        left=left.left,
        right=right.right,
        bottom=left.bottom,
        size=pdfium.FPDFText_GetFontSize(raw, first),
        bold=pdfium.FPDFText_GetFontWeight(raw, first) >= _BOLD_WEIGHT,
    )


def _text(codes: list[int]) -> str:
    if any(code in _SURROGATES for code in codes):
        units = b"".join(
            (code & 0xFFFF).to_bytes(2, "little")
            if code < 0x10000
            else chr(code).encode("utf-16-le")
            for code in codes
        )
        return units.decode("utf-16-le", "replace")
    return "".join(map(chr, codes))
