"""Fetches web pages and files from addresses that anybody may have written.

Only from the public internet and from networks that are opened on purpose, checked on every hop;
bounded in time, in bytes after unpacking, and in redirects.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx2

from wiseflow.core.asking import FetchRequest, Page
from wiseflow.core.calls import Reply, Usage
from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.errors import (
    AddressForbidden,
    BadRequest,
    CallError,
    CallTimeout,
    ProviderDown,
    RateLimited,
)
from wiseflow.core.ports import Download, Downloads
from wiseflow.observability.logs import get_logger
from wiseflow.providers.addresses import literal, may_fetch_from
from wiseflow.providers.failures import CLIENT_ERRORS, Way, failure_on, shown_proxy
from wiseflow.providers.headers import retry_after_s
from wiseflow.providers.http import CONNECT_S, MAX_CONNECTIONS, TIMEOUT_S, USER_AGENT
from wiseflow.providers.media import ACCEPT, PDF_BEGINS, Media, check_kind, media_of, true_kind
from wiseflow.providers.network import Network, forbidden, is_loopback
from wiseflow.providers.pinning import (
    KEEPALIVE_S,
    CheckedBackend,
    CheckedTransport,
    Resolve,
    address_forbidden,
    resolve,
)
from wiseflow.providers.spread import SpreadTransport, one_connection
from wiseflow.providers.statuses import status_kind
from wiseflow.providers.unpacking import Unpacker

PROVIDER: Final = "pages"
MAX_REDIRECTS = 5
LONGEST_URL = 8_192
MAX_PORT = 65_535
_HEADERS: Final = {"User-Agent": USER_AGENT, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"}
# A name in ASCII, or an address; a zone is none of the public internet.
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLimits:
    """What one fetch may take, besides the bytes that its request names.

    Args:
        total_s: from its beginning to its last byte, all redirects in it; what is waited for a
            place among the downloads, or for the bytes a second, does not count.
        redirects: at most so many.
        connections: at once, over all fetches.
    """

    total_s: float = TIMEOUT_S
    redirects: int = MAX_REDIRECTS
    connections: int = MAX_CONNECTIONS


class PageFetcher:
    """Fetches pages; it belongs to one event loop, and ``aclose`` ends it.

    Args:
        network: how requests go out, and which private networks are opened.
        limits: what one fetch may take.
        downloads: bounds how many are under way, and the bytes a second of all.
        look_up: gives the addresses of a host.
        clock: tells when a date in a header comes.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        limits: PageLimits | None = None,
        downloads: Downloads | None = None,
        look_up: Resolve = resolve,
        clock: Clock | None = None,
    ) -> None:
        self._network = network or Network()
        self._limits = limits or PageLimits()
        self._downloads = downloads
        self._clock = clock or SystemClock()
        self._backend = CheckedBackend(self._network.networks, look_up)
        self._transports: dict[str, httpx2.AsyncBaseTransport] = {}

    async def fetch(self, request: FetchRequest) -> Reply[Page]:
        """What an address gives, redirects followed.

        Raises:
            AddressForbidden: it, or one it leads to, is not on the public internet.
            BadRequest: there is no page, or none that can be read, or it is too large.
            CallError: another leaf says what happened.
        """
        async with AsyncExitStack() as stack:
            download = None
            if self._downloads is not None:
                download = await stack.enter_async_context(self._downloads.slot())
            timer = asyncio.timeout(self._limits.total_s)
            try:
                async with timer:
                    return await self._followed(request, _Pace(download, timer))
            except TimeoutError:
                if not timer.expired():
                    raise
                raise CallTimeout(
                    f"the page did not come whole within {self._limits.total_s:g} s",
                    provider=PROVIDER,
                ) from None

    async def aclose(self) -> None:
        """Close all connections."""
        transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            await transport.aclose()

    async def _followed(self, request: FetchRequest, pace: _Pace) -> Reply[Page]:
        url = _parsed(request.url)
        for _ in range(self._limits.redirects + 1):
            self._check(url)
            async with self._asked(url) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._read(response, url, request.max_bytes, pace)
                url = _led_to(url, response)
        raise BadRequest(
            f"the page redirects more than {self._limits.redirects} times", provider=PROVIDER
        )

    def _check(self, url: httpx2.URL) -> None:
        # Every hop comes through here before anything is looked up or sent. What a host allows
        # (robots.txt) and how often it is asked belongs here, too.
        host = url.raw_host.decode("ascii")
        if self._network.local_only and not is_loopback(host):
            raise forbidden(host, provider=PROVIDER)
        if self._network.proxy_for(host):
            # The proxy looks names up, so only what is written as an address can be checked.
            address = literal(host)
            if address and not may_fetch_from(address, self._network.networks):
                raise address_forbidden(host)

    @asynccontextmanager
    async def _asked(self, url: httpx2.URL) -> AsyncGenerator[httpx2.Response]:
        host = url.raw_host.decode("ascii")
        proxy = self._network.proxy_for(host)
        way = Way(provider=PROVIDER, subject=f"{url.scheme}://{host}", proxy=shown_proxy(proxy))
        total = self._limits.total_s
        timeout = httpx2.Timeout(total, connect=min(CONNECT_S, total)).as_dict()
        request = httpx2.Request("GET", url, headers=_HEADERS, extensions={"timeout": timeout})
        try:
            response = await self._transport(proxy).handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        except CLIENT_ERRORS as error:
            raise failure_on(way, error) from error

    async def _read(
        self, response: httpx2.Response, url: httpx2.URL, max_bytes: int, pace: _Pace
    ) -> Reply[Page]:
        if not response.is_success:
            raise _refused(response, url, self._clock.now())
        media = media_of(response.headers)
        check_kind(media.kind)
        body = await _body(response, media, max_bytes, pace)
        page = Page(
            url=str(url),
            content_type=true_kind(media.kind, body[: len(PDF_BEGINS)]),
            charset=media.charset,
            body=body,
        )
        return Reply(value=page, usage=Usage(bytes=pace.taken))

    def _transport(self, proxy: str) -> httpx2.AsyncBaseTransport:
        if proxy not in self._transports:
            self._transports[proxy] = self._proxied(proxy) if proxy else self._direct()
        return self._transports[proxy]

    def _direct(self) -> httpx2.AsyncBaseTransport:
        ssl_context = self._network.ssl_context
        return self._spread(lambda: CheckedTransport(self._backend, ssl_context, 1))

    def _proxied(self, proxy: str) -> httpx2.AsyncBaseTransport:
        _log.warning(
            "Pages are fetched through a proxy, which looks their hosts up: that they are not on a"
            " private network cannot be checked here",
            proxy=shown_proxy(proxy),
        )
        ssl_context = self._network.ssl_context
        return self._spread(lambda: one_connection(ssl_context, proxy, KEEPALIVE_S))

    def _spread(self, new: Callable[[], httpx2.AsyncBaseTransport]) -> SpreadTransport:
        return SpreadTransport(new, most=self._limits.connections, keepalive_s=KEEPALIVE_S)


class _Pace:
    """Counts the bytes of one fetch, and waits when they come too fast."""

    def __init__(self, download: Download | None, timer: asyncio.Timeout) -> None:
        self._download = download
        self._timer = timer
        self.taken = 0

    async def took(self, count: int) -> None:
        self.taken += count
        if self._download is None:
            return
        loop = asyncio.get_running_loop()
        due, began = self._timer.when(), loop.time()
        self._timer.reschedule(None)  # what we wait for on purpose is not the page's time
        try:
            await self._download.took(count)
        finally:
            if due is not None:
                self._timer.reschedule(due + loop.time() - began)


async def _body(response: httpx2.Response, media: Media, max_bytes: int, pace: _Pace) -> bytes:
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


def _parsed(text: str) -> httpx2.URL:
    """An address as the client itself reads it, so that what is checked is what is asked."""
    try:
        url = httpx2.URL(text) if len(text) <= LONGEST_URL else httpx2.URL()
        usable = url.scheme in {"http", "https"} and bool(_HOST.fullmatch(url.raw_host))
        usable = usable and (url.port is None or 0 < url.port <= MAX_PORT)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        usable, url = False, httpx2.URL()
    if not usable:
        raise BadRequest("the page's address is not a web address", provider=PROVIDER)
    if url.userinfo:
        raise AddressForbidden(
            "the page's address holds a user or a password",
            provider=PROVIDER,
            cure="Give the address without what stands before the @",
        )
    return url.copy_with(fragment=None)


def _led_to(url: httpx2.URL, response: httpx2.Response) -> httpx2.URL:
    try:
        target = str(url.join(response.headers.get("location", "")))
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        target = ""
    return _parsed(target)


def _refused(response: httpx2.Response, url: httpx2.URL, now: float) -> CallError:
    status = response.status_code
    told = status_kind(status)
    kind = told if told in {CallTimeout, ProviderDown, RateLimited} else BadRequest
    host = url.raw_host.decode("ascii")
    return kind(
        f"{host} does not give the page (HTTP {status})",
        provider=PROVIDER,
        retry_after_s=retry_after_s(response.headers, now),
    )


def _too_large(max_bytes: int) -> BadRequest:
    return BadRequest(f"the page is larger than {max_bytes:,} bytes", provider=PROVIDER)
