"""Connections to checked addresses only.

A name that is looked up twice may give two answers (DNS rebinding): one for the check, another for
the connection. So both use one: the name is looked up where the connection is made, every address
is checked, and the connection goes to one of those. Host header and TLS keep the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from itertools import chain, zip_longest
from typing import cast

import httpcore2
import httpx2

from wiseflow.core.errors import AddressForbidden
from wiseflow.providers.addresses import literal, may_fetch_from
from wiseflow.providers.network import AnyNetwork

MOST_TRIES = 4
MOST_HOSTS = 10_000
KEEPALIVE_S = 5.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as this machine's resolver gives them.

    Raises:
        OSError: it has none, or nobody can be asked.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def address_forbidden(host: str) -> AddressForbidden:
    """The error of a page on an address that pages are not fetched from."""
    return AddressForbidden(
        f"the page is on {host}, an address that is not on the public internet",
        provider="pages",
        cure="To open a network of your own, add it to FETCH_ALLOWED_NETWORKS",
    )


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Looks names up, checks every address, and connects to one of those.

    Args:
        allowed: networks that are opened on purpose.
        look_up: gives the addresses of a host.
    """

    def __init__(self, allowed: Sequence[AnyNetwork], look_up: Resolve = resolve) -> None:
        self._allowed = tuple(allowed)
        self._look_up = look_up
        # Hosts whose addresses were all in networks that are opened on purpose.
        self._opened: OrderedDict[str, None] = OrderedDict()
        self._below = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the port of the library
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the host. Raises ``AddressForbidden``, or what the library does."""
        try:
            async with asyncio.timeout(timeout):
                found = await self._checked(host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        tries = _in_turns(found)[:MOST_TRIES]
        share = timeout / len(tries) if timeout else None
        for address in tries[:-1]:
            try:
                return await self._below.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._below.connect_tcp(tries[-1], port, share, local_address, socket_options)

    def is_opened(self, host: str) -> bool:
        """Whether a host is known to be in a network that is opened on purpose.

        A name is known when it has been connected to; an address always.
        """
        return host in self._opened or self._are_opened((literal(host),))

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await self._below.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            found = await self._look_up(host, port)
        except UnicodeError as error:  # a label that is too long, or empty
            raise httpcore2.ConnectError(error) from error
        except OSError as error:
            raise httpcore2.ConnectError(error) from error
        if not found:
            raise httpcore2.ConnectError(host)
        # One private address among public ones is a trap, too: which is taken is left to chance.
        if not all(may_fetch_from(address, self._allowed) for address in found):
            raise address_forbidden(host)
        self._remember(host, found)
        return found

    def _remember(self, host: str, found: Sequence[str]) -> None:
        self._opened.pop(host, None)
        if self._are_opened(found):
            self._opened[host] = None
            if len(self._opened) > MOST_HOSTS:
                self._opened.popitem(last=False)

    def _are_opened(self, addresses: Sequence[str]) -> bool:
        return all(
            may_fetch_from(one, self._allowed) and not may_fetch_from(one) for one in addresses
        )


class CheckedTransport(httpx2.AsyncBaseTransport):
    """Sends requests over connections to checked addresses.

    It is written over the library's public connection pool, as its own transport takes no backend.

    Args:
        backend: makes the connections.
        ssl_context: checks certificates.
        max_connections: at once; more requests wait.
    """

    def __init__(
        self, backend: CheckedBackend, ssl_context: ssl.SSLContext, max_connections: int
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, its body still to come. Raises the errors of ``httpcore2``."""
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=cast("AsyncIterable[bytes]", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            status_code=answer.status, headers=answer.headers, stream=_Body(answer)
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for part in cast("AsyncIterable[bytes]", self._answer.stream):
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


def _in_turns(addresses: Sequence[str]) -> Sequence[str]:
    """IPv6 and IPv4 in turns, the resolver's first choice first.

    Source: RFC 8305, section 4 (without racing them: a page can wait for the next).
    """
    first = [one for one in addresses if (":" in one) == (":" in addresses[0])]
    other = [one for one in addresses if (":" in one) != (":" in addresses[0])]
    return [one for one in chain.from_iterable(zip_longest(first, other)) if one]
