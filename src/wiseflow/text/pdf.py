"""Reads PDFs, page by page."""

from __future__ import annotations

from wiseflow.core.documents import ParsedDocument
from wiseflow.core.errors import DocumentError
from wiseflow.text.bylines import author_names, names_in
from wiseflow.text.dates import pdf_date
from wiseflow.text.limits import ParseLimits
from wiseflow.text.pdf_layout import Line, lay_out
from wiseflow.text.pdfium import PdfFile, open_pdf


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
    with open_pdf(data) as pdf:
        if pdf.pages > limits.pages:
            raise DocumentError(f"the PDF has {pdf.pages:,} pages, over {limits.pages:,}")
        bookmarks = pdf.bookmarks()
        pages = _read_pages(pdf, limits.characters)
        title = pdf.metadata("Title")
        published = pdf_date(pdf.metadata("CreationDate"))
        authors = author_names(names_in(pdf.metadata("Author")))
    if not any(pages):
        raise DocumentError("the PDF is scanned: no text layer")
    blocks, shown_title = lay_out(pages, bookmarks, characters=limits.characters)
    return blocks.document(title=title or shown_title, published=published, authors=authors)


def _read_pages(pdf: PdfFile, most_characters: int) -> list[list[Line]]:
    pages: list[list[Line]] = []
    characters = 0
    for number in range(pdf.pages):
        pages.append(pdf.lines(number))
        characters += sum(len(line.text) for line in pages[-1])
        if characters > most_characters:
            raise DocumentError(f"the text has more than {most_characters:,} characters")
    return pages
