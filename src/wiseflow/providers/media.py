"""Which kinds of content pages are read from, and what headers say of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wiseflow.core.errors import BadRequest

HTML = "text/html"
PDF = "application/pdf"
# What servers call a file whose kind they do not know; it is taken when it begins like a PDF.
UNKNOWN: Final = frozenset({"application/octet-stream", "binary/octet-stream"})
READABLE: Final = frozenset(
    {
        HTML,
        "application/xhtml+xml",
        "text/plain",
        "text/markdown",
        "text/x-markdown",
        PDF,
        "application/x-pdf",
        "application/json",
        "application/x-ndjson",
    }
)
ACCEPT: Final = f"{HTML},application/xhtml+xml,{PDF};q=0.9,text/*;q=0.8,application/json;q=0.7"
PDF_BEGINS: Final = b"%PDF-"

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_KIND = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What an answer says of its body.

    Args:
        kind: without parameters, in lower case; "" when not told.
        charset: "" when not told.
        length: bytes as they are sent; ``None`` when not told.
    """

    kind: str
    charset: str
    length: int | None


def media_of(headers: Mapping[str, str]) -> Media:
    """What the headers say of the body."""
    told = headers.get("content-type", "")
    kind = _KIND.match(told.strip())
    charset = _CHARSET.search(told)
    length = headers.get("content-length", "").strip()
    return Media(
        kind=kind[0].lower() if kind else "",
        charset=charset[1].lower() if charset else "",
        length=int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None,  # noqa: PLR2004 - digits of what fits 64 bits
    )


def check_kind(kind: str) -> None:
    """Refuse what no text can be read from.

    Raises:
        BadRequest: the page is of another kind.
    """
    if kind and kind not in READABLE | UNKNOWN and not kind.endswith("+json"):
        raise BadRequest(
            f"the page is {kind}, which is not read",
            provider="pages",
            cure="Read are HTML, plain text, Markdown, PDF and JSON",
        )


def true_kind(kind: str, begins: bytes) -> str:
    """The kind, or PDF for what the server does not know but begins like one.

    Raises:
        BadRequest: the server does not know it, and it is no PDF.
    """
    if kind not in UNKNOWN:
        return kind
    if not begins.startswith(PDF_BEGINS):
        raise BadRequest("the page is a file of a kind that is not told", provider="pages")
    return PDF
