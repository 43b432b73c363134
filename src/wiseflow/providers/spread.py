"""Connections kept one by one, so that a request finds one at once however many there are.

The HTTP library's own pool looks at all of its connections with every request and every answer,
and asks the system about each idle one: with two hundred connections that is most of what a call
costs. Here each connection is a pool of one, and the idle ones of an origin are a stack: the one
used last is taken, and what has been idle too long is at the other end.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import cast

import httpx2

Origin = tuple[str, str, int | None]


class SpreadTransport(httpx2.AsyncBaseTransport):
    """Sends each request over a connection that nobody else uses at the time.

    Args:
        new: makes a transport of one connection.
        most: connections in use at once; more requests wait.
        keepalive_s: how long an idle connection is kept.
        now: monotonic seconds.
    """

    def __init__(
        self,
        new: Callable[[], httpx2.AsyncBaseTransport],
        *,
        most: int,
        keepalive_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._new = new
        self._places = asyncio.Semaphore(most)
        self._most = most
        self._keepalive_s = keepalive_s
        self._now = now
        # By when they became idle, the oldest first; and the same by origin.
        self._idle: OrderedDict[httpx2.AsyncBaseTransport, tuple[Origin, float]] = OrderedDict()
        self._of_origin: dict[Origin, OrderedDict[httpx2.AsyncBaseTransport, None]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, its body still to come; its connection is free when it is closed.

        Raises:
            httpx2.PoolTimeout: all connections were in use for too long.
        """
        origin = (request.url.scheme, request.url.host, request.url.port)
        await self._place(request)
        transport = self._taken(origin)
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            # The library has closed the broken connection; a new one would be made within it.
            await self._give_back(origin, transport)
            raise
        return httpx2.Response(
            status_code=response.status_code,
            headers=response.headers,
            stream=_Body(response, lambda: self._give_back(origin, transport)),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the idle connections now, and the others when their answers are closed."""
        self._closed = True
        while self._idle:
            await self._drop_oldest()

    async def _place(self, request: httpx2.Request) -> None:
        """Wait for a place, as long as the request's own time for that is."""
        most_s: float | None = request.extensions.get("timeout", {}).get("pool")
        limit = asyncio.timeout(most_s)
        try:
            async with limit:
                await self._places.acquire()
        except TimeoutError:
            if not limit.expired():
                raise
            raise httpx2.PoolTimeout("all connections are in use", request=request) from None

    def _taken(self, origin: Origin) -> httpx2.AsyncBaseTransport:
        stack = self._of_origin.get(origin)
        if not stack:
            return self._new()
        transport, _ = stack.popitem()
        del self._idle[transport]
        if not stack:
            del self._of_origin[origin]
        return transport

    async def _give_back(self, origin: Origin, transport: httpx2.AsyncBaseTransport) -> None:
        self._places.release()
        if self._closed:
            await transport.aclose()
            return
        now = self._now()
        self._idle[transport] = (origin, now)
        self._of_origin.setdefault(origin, OrderedDict())[transport] = None
        while self._idle and self._is_too_old(now):
            await self._drop_oldest()

    def _is_too_old(self, now: float) -> bool:
        _, since = next(iter(self._idle.values()))
        return len(self._idle) > self._most or now - since > self._keepalive_s

    async def _drop_oldest(self) -> None:
        transport, (origin, _) = self._idle.popitem(last=False)
        stack = self._of_origin[origin]
        del stack[transport]
        if not stack:
            del self._of_origin[origin]
        await transport.aclose()


def one_connection(
    ssl_context: ssl.SSLContext, proxy: str, keepalive_s: float
) -> httpx2.AsyncHTTPTransport:
    """A transport of one connection, through a proxy or, where that is "", not."""
    return httpx2.AsyncHTTPTransport(
        verify=ssl_context,
        trust_env=False,
        limits=httpx2.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=keepalive_s
        ),
        proxy=proxy or None,
    )


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; closing it frees the connection, once."""

    def __init__(self, response: httpx2.Response, free: Callable[[], Awaitable[None]]) -> None:
        self._response = response
        self._free: Callable[[], Awaitable[None]] | None = free

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for part in cast("httpx2.AsyncByteStream", self._response.stream):
            yield part

    async def aclose(self) -> None:
        free, self._free = self._free, None
        if free is None:
            return
        try:
            await cast("httpx2.AsyncByteStream", self._response.stream).aclose()
        finally:
            await free()
