"""Bodies of pages, read as they come and bounded: what came is counted, paid for, and unpacked."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import httpx2

from wiseflow.core.errors import BadRequest
from wiseflow.core.ports import Download
from wiseflow.providers.media import PDF_BEGINS, Media, true_kind
from wiseflow.providers.page_addresses import PROVIDER
from wiseflow.providers.unpacking import Unpacker


class Pace:
    """Counts the bytes of one fetch, and what it waits for on purpose is not its time.

    Args:
        timer: bounds the fetch.
    """

    def __init__(self, timer: asyncio.Timeout) -> None:
        self._timer = timer
        self.download: Download | None = None
        self.taken = 0

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Let the timer stand still inside."""
        loop = asyncio.get_running_loop()
        due, began = self._timer.when(), loop.time()
        self._timer.reschedule(None)
        try:
            yield
        finally:
            if due is not None:
                self._timer.reschedule(due + loop.time() - began)

    async def took(self, count: int) -> None:
        """Tell of bytes that have come, and return when more may."""
        self.taken += count
        if self.download is not None:
            with self.waiting():
                await self.download.took(count)


async def whole_body(response: httpx2.Response, media: Media, max_bytes: int, pace: Pace) -> bytes:
    """The unpacked body.

    Raises:
        BadRequest: it is larger than ``max_bytes``, packed as was not asked for, or of a kind that
            is not told.
        MalformedOutput: it cannot be unpacked, or is cut off.
    """
    if media.length is not None and media.length > max_bytes:
        raise _too_large(max_bytes)
    unpacker, body = Unpacker(response.headers.get("content-encoding", "")), bytearray()
    async for part in response.aiter_raw():
        await pace.took(len(part))
        for piece in unpacker.feed(part):
            body += piece
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
        if len(body) >= len(PDF_BEGINS):
            true_kind(media.kind, bytes(body[: len(PDF_BEGINS)]))
    unpacker.close()
    return bytes(body)


async def first_bytes(response: httpx2.Response, most: int) -> bytes:
    """The beginning of the unpacked body; what follows is left unread. Raises as ``whole_body``."""
    unpacker, body = Unpacker(response.headers.get("content-encoding", "")), bytearray()
    async for part in response.aiter_raw():
        for piece in unpacker.feed(part):
            body += piece
            if len(body) >= most:
                return bytes(body[:most])
    unpacker.close()
    return bytes(body)


def _too_large(max_bytes: int) -> BadRequest:
    return BadRequest(f"the page is larger than {max_bytes:,} bytes", provider=PROVIDER)
