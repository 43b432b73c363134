"""How much of a document is read before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """Bounds on one file; a file over a bound is a ``DocumentError`` that names it.

    Args:
        file_bytes: of the file as it lies on the disk.
        unpacked_bytes: of what a ``.gz`` or ``.docx`` holds once it is unpacked.
        html_bytes: of a web page: its tree takes many times its size in memory.
        pages: of a PDF.
        characters: of all the text found in the file.
        records: of a JSON Lines file.
    """

    file_bytes: int = 256 * MIB
    unpacked_bytes: int = 256 * MIB
    html_bytes: int = 32 * MIB
    pages: int = 5_000
    characters: int = 260_000_000
    records: int = 1_000_000


DEFAULT_LIMITS = ParseLimits()
