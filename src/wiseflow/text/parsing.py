"""Turns a file's bytes into documents: the door of everything that reads files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath

from wiseflow.core.documents import ParsedDocument
from wiseflow.core.errors import DocumentError
from wiseflow.text.blocks import Blocks
from wiseflow.text.compression import GZIP_MAGIC, gunzip
from wiseflow.text.docx import is_docx, parse_docx
from wiseflow.text.encoding import decode, decode_raw
from wiseflow.text.html import parse_html
from wiseflow.text.jsonl import parse_jsonl
from wiseflow.text.languages import detect_language, is_in_language
from wiseflow.text.limits import DEFAULT_LIMITS, ParseLimits
from wiseflow.text.markdown import parse_markdown
from wiseflow.text.pdf import parse_pdf

PARSER_VERSION = "2"
"""Changes whenever the same bytes may give another text, or tell more of themselves, so that files
are read again; a source whose text is the same stays the same source."""


class Format(StrEnum):
    """The formats that can be read."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    JSONL = "jsonl"


_FORMATS = {
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".rst": Format.TEXT,
    ".log": Format.TEXT,
    ".csv": Format.TEXT,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".pdf": Format.PDF,
    ".docx": Format.DOCX,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
}
_GZIP_SUFFIX = ".gz"

SUPPORTED_SUFFIXES: tuple[str, ...] = (
    *_FORMATS,
    *(f"{ending}{_GZIP_SUFFIX}" for ending in _FORMATS),
)
"""The file name endings that can be read, in lower case, with their dot."""

_SNIFFED_BYTES = 1024
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,400}?-->\s*)*<(?:!doctype\s+html|html[\s>]|head[\s>])",
    re.IGNORECASE | re.DOTALL,
)
# Source: the signatures that these formats' specifications fix.
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Office document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x7fELF", "a program"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """What a file holds.

    Args:
        documents: one for most formats, many for JSON Lines.
        problems: what is wrong with parts of the file, each naming the place; the rest was read.
    """

    documents: tuple[ParsedDocument, ...]
    problems: tuple[str, ...] = ()


def parse(data: bytes, *, name: str, limits: ParseLimits = DEFAULT_LIMITS) -> ParsedFile:
    """The documents in a file's bytes.

    The format is told by the content first, by the name's ending second.

    Args:
        data: the file's bytes.
        name: the file's name or path; only its ending is used.
        limits: how much is read before the file is refused.

    Raises:
        DocumentError: the file cannot be read; the message says why.
        MissingExtra: the format needs a library that is not installed.
    """
    try:
        return _parse(data, name, limits)
    except DocumentError:
        raise
    except MemoryError:
        raise DocumentError("reading the file needs more memory than there is") from None
    except Exception as error:
        # One file is one task of an index run, and hostile bytes can make a foreign parser raise
        # anything; whatever it is, it concerns this file only.
        raise DocumentError(f"the file cannot be read: {type(error).__name__}: {error}") from error


def detect_format(data: bytes, *, name: str) -> Format:
    """The format of a file that is not compressed.

    Raises:
        DocumentError: the content is of a kind that cannot be read.
    """
    named = _FORMATS.get(_ending(name))
    if b"%PDF-" in data[:_SNIFFED_BYTES]:
        return Format.PDF
    if data.startswith(b"PK\x03\x04") and is_docx(data):
        return Format.DOCX
    if named is Format.DOCX and data.startswith(b"PK"):
        raise DocumentError("the Word document is broken: not a whole zip archive")
    for magic, kind in _FOREIGN:
        if data.startswith(magic):
            raise DocumentError(f"the file is {kind}, which cannot be read")
    if named is Format.PDF or named is Format.DOCX:
        raise DocumentError(f"the file is not a {named.upper()} document, though its name says so")
    if _HTML_START.match(data[:_SNIFFED_BYTES]) and named is not Format.JSONL:
        return Format.HTML
    return named or Format.TEXT


def _parse(data: bytes, name: str, limits: ParseLimits) -> ParsedFile:
    _check_size(data, limits.file_bytes)
    if data.startswith(GZIP_MAGIC):
        data = gunzip(data, most_bytes=limits.unpacked_bytes)
        name = name[: -len(_GZIP_SUFFIX)] if name.lower().endswith(_GZIP_SUFFIX) else name
        _check_size(data, limits.unpacked_bytes)
        if data.startswith(GZIP_MAGIC):
            raise DocumentError("the file is compressed twice")
    problems: list[str] = []
    documents = _read(data, detect_format(data, name=name), limits, problems)
    if not any(document.text for document in documents):
        reason = f": {problems[0]}" if problems else ""
        raise DocumentError(f"the file holds no text that can be read{reason}")
    return ParsedFile(documents=tuple(map(_with_language, documents)), problems=tuple(problems))


def _check_size(data: bytes, most_bytes: int) -> None:
    if not data.strip():
        raise DocumentError("the file is empty")
    if len(data) > most_bytes:
        raise DocumentError(f"the file has {len(data):,} bytes, over {most_bytes:,}")


def _read(
    data: bytes, file_format: Format, limits: ParseLimits, problems: list[str]
) -> list[ParsedDocument]:
    match file_format:
        case Format.PDF:
            return [parse_pdf(data, limits=limits)]
        case Format.DOCX:
            return [parse_docx(data, limits=limits)]
        case Format.HTML:
            return [parse_html(data, limits=limits)]
        case Format.MARKDOWN:
            document = parse_markdown(decode(data), characters=limits.characters)
        case Format.JSONL:
            documents, found = parse_jsonl(decode_raw(data), limits=limits)
            problems.extend(found)
            return documents
        case Format.TEXT:
            document = _plain_text(decode(data), limits)
    return [document]


_TITLE_LINE = re.compile(r"([^\n]{2,120})\n(?:\s*\n|[=\-~*#]{3,}[ \t]*\n)")


def _plain_text(text: str, limits: ParseLimits) -> ParsedDocument:
    """A text as it is; a first line that stands alone and ends like no sentence is its title."""
    blocks = Blocks(limits.characters)
    blocks.paragraph(text)
    document = blocks.document()
    found = _TITLE_LINE.match(document.text)
    if found and not found[1].rstrip().endswith((".", ",", ";", ":", "!", "?", "。")):
        return replace(document, title=found[1].strip())
    return document


def _with_language(document: ParsedDocument) -> ParsedDocument:
    # A page's own word for its language is often its template's, so the text is asked, too; and
    # asked at length only where the two differ.
    if is_in_language(document.text, document.language):
        return document
    language = detect_language(document.text) or document.language
    return document if language == document.language else replace(document, language=language)


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower()
