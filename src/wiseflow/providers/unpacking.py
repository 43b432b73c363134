"""Unpacks a body as it comes, in bounded pieces: a small one may hold thousands of times its size.

The HTTP library would unpack by itself, but gives back no control while a body unpacks to nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from wiseflow.core.errors import BadRequest, MalformedOutput

PIECE = 65_536
# Source: RFC 9110, section 8.4.1.
ENCODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_GZIP_BITS = zlib.MAX_WBITS | 16
_MOST_MEMBERS = 1_000


class Unpacker:
    """Unpacks one body.

    Args:
        encoding: the ``Content-Encoding`` header.

    Raises:
        BadRequest: it is packed as was not asked for, or more than once.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ENCODINGS:
            raise BadRequest("the page is packed as was not asked for", provider="pages")
        self._packed = self._encoding not in {"", "identity"}
        self._bits = zlib.MAX_WBITS if self._encoding == "deflate" else _GZIP_BITS
        self._inner = zlib.decompressobj(self._bits)
        self._members = 1
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What a part of the body holds, in pieces of at most 64 KiB; ask for each when needed.

        Raises:
            MalformedOutput: it is not packed as the header says.
        """
        if not self._packed:
            yield data
            return
        try:
            yield from self._unpacked(data)
        except zlib.error:
            raise MalformedOutput("the page cannot be unpacked", provider="pages") from None

    def close(self) -> None:
        """Say that the body has come to its end.

        Raises:
            MalformedOutput: it is cut off.
        """
        if self._packed and self._begun and not self._inner.eof:
            raise MalformedOutput("the page is cut off", provider="pages")

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        while data:
            piece = self._piece(data)
            if piece:
                yield piece
            data = self._inner.unconsumed_tail
            if self._inner.eof:
                data = self._next_member(self._inner.unused_data)

    def _piece(self, data: bytes) -> bytes:
        first, self._begun = not self._begun, True
        try:
            return self._inner.decompress(data, PIECE)
        except zlib.error:
            if not first or self._encoding != "deflate":
                raise
            # Source: RFC 9110, section 8.4.1.2: some send "deflate" without its wrapper.
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inner.decompress(data, PIECE)

    def _next_member(self, rest: bytes) -> bytes:
        # Source: RFC 1952, section 2.2: a gzip file may have several members. What follows the
        # last, or a deflate stream, is no part of it.
        if not rest or self._encoding == "deflate" or not rest.startswith(b"\x1f\x8b"):
            return b""
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise MalformedOutput("the page is packed in too many parts", provider="pages")
        self._inner = zlib.decompressobj(self._bits)
        return rest
