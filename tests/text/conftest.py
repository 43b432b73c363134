from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import docx
import pytest


def make_pdf(
    pages: list[list[tuple[float, float, float, str]]],
    *,
    title: str = "",
    bookmarks: list[tuple[str, int]] | None = None,
    date: str = "",
    author: str = "",
) -> bytes:
    """A PDF of lines ``(left, bottom, size, text)`` in Helvetica, by hand (ISO 32000-1)."""
    objects: list[bytes] = []

    def add(body: str) -> int:
        objects.append(body.encode("latin-1"))
        return len(objects)

    catalog, tree = add(""), add("")
    font = add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    numbers: list[int] = []
    for lines in pages:
        shown = "".join(
            f"BT /F1 {size} Tf 1 0 0 1 {left} {bottom} Tm ({text}) Tj ET\n"
            for left, bottom, size, text in lines
        )
        content = add(f"<< /Length {len(shown)} >>\nstream\n{shown}endstream")
        numbers.append(
            add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 600 800] /Contents {content} 0 R"
                f" /Resources << /Font << /F1 {font} 0 R >> >> >>"
            )
        )
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects[tree - 1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(numbers)} >>".encode()
    outline = ""
    if bookmarks:
        root = add("")
        first = len(objects) + 1
        for index, (name, page) in enumerate(bookmarks):
            following = f" /Next {first + index + 1} 0 R" if index + 1 < len(bookmarks) else ""
            place = f"/Dest [{numbers[page]} 0 R /Fit]"
            add(f"<< /Title ({name}) /Parent {root} 0 R {place}{following} >>")
        last = len(objects)
        objects[root - 1] = (
            f"<< /First {first} 0 R /Last {last} 0 R /Count {last - root} >>".encode()
        )
        outline = f" /Outlines {root} 0 R"
    objects[catalog - 1] = f"<< /Type /Catalog /Pages {tree} 0 R{outline} >>".encode()
    info = add(f"<< /Title ({title}) /CreationDate ({date}) /Author ({author}) >>")
    out = bytearray(b"%PDF-1.4\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for offset in offsets:
        out += f"{offset:010d} 00000 n \n".encode()
    out += (
        f"trailer << /Size {len(objects) + 1} /Root {catalog} 0 R /Info {info} 0 R >>\n"
        f"startxref\n{start}\n%%EOF\n"
    ).encode()
    return bytes(out)


def running_text(page: int) -> list[tuple[float, float, float, str]]:
    return [
        (72, 780, 9, f"Annual report {page}"),
        (72, 700, 11, "The committee looked at the whole of the evi-"),
        (72, 686, 11, f"dence on page {page} and found that it was quite sound."),
        (72, 660, 11, "Another paragraph begins after a wider gap than lines have."),
        (300, 30, 9, str(page)),
    ]


@pytest.fixture(scope="session")
def pdf_bytes() -> bytes:
    return make_pdf(
        [
            [(72, 720, 24, "Findings of the year"), *running_text(1)],
            [(72, 720, 14, "Methods"), *running_text(2)],
            *(running_text(page) for page in range(3, 7)),
        ],
        bookmarks=[("Findings of the year", 0), ("Methods", 1)],
        date="D:20240305120000Z",
    )


@pytest.fixture(scope="session")
def docx_bytes() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Minutes of the board"
    document.add_heading("Decisions", 1)
    document.add_paragraph("The board decided to buy a new building for the archive.")
    document.add_heading("Votes", 2)
    document.add_paragraph("First item of the list", style="List Bullet")
    table = document.add_table(2, 2)
    for row, texts in enumerate((("Name", "Vote"), ("Ada", "yes"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.fixture(scope="session")
def with_part(docx_bytes: bytes) -> Callable[[str, bytes], bytes]:
    def replaced(part: str, content: bytes) -> bytes:
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(docx_bytes)) as source,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for name in source.namelist():
                target.writestr(name, content if name == part else source.read(name))
        return out.getvalue()

    return replaced
