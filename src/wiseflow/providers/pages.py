"""Fetches web pages and files from addresses that anybody may have written.

Only from the public internet and from networks that are opened on purpose, checked on every hop;
only what robots.txt allows, and no faster than a host likes; bounded in time, in bytes after
unpacking, and in redirects.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
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
from wiseflow.core.ports import Downloads
from wiseflow.providers.bodies import Pace, first_bytes, whole_body
from wiseflow.providers.headers import retry_after_s
from wiseflow.providers.hops import Hops
from wiseflow.providers.http import MAX_CONNECTIONS, TIMEOUT_S, USER_AGENT
from wiseflow.providers.media import PDF_BEGINS, check_kind, media_of, true_kind
from wiseflow.providers.network import Network
from wiseflow.providers.page_addresses import (
    PROVIDER,
    host_of,
    led_to,
    origin_of,
    parsed,
    target_of,
)
from wiseflow.providers.permits import Permits, RobotsAnswer
from wiseflow.providers.pinning import Resolve, resolve
from wiseflow.providers.politeness import HostTurns, Manners
from wiseflow.providers.robots import MOST_BYTES
from wiseflow.providers.statuses import status_kind

MAX_REDIRECTS: Final = 5
ROBOTS_S: Final = 10.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLimits:
    """What one fetch may take, besides the bytes that its request names.

    Args:
        total_s: from its beginning to its last byte, all redirects in it; what is waited for a
            robots.txt, a turn at the host, a place among the downloads, or for the bytes a second,
            does not count.
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
        manners: how hosts are treated. Those in networks that are opened on purpose are not spared,
            as they are the user's own, but their robots.txt is heeded, too.
        downloads: bounds how many are under way, and the bytes a second of all.
        look_up: gives the addresses of a host.
        clock: tells when a date in a header comes, and when a host may be asked again.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        limits: PageLimits | None = None,
        manners: Manners | None = None,
        downloads: Downloads | None = None,
        look_up: Resolve = resolve,
        clock: Clock | None = None,
    ) -> None:
        self._limits = limits or PageLimits()
        self._manners = manners or Manners()
        self._downloads = downloads
        self._clock = clock or SystemClock()
        self._hops = Hops(
            network or Network(),
            look_up,
            timeout_s=self._limits.total_s,
            connections=self._limits.connections,
        )
        product = USER_AGENT.partition("/")[0]
        self._permits = Permits(self._robots, product=product, clock=self._clock)
        self._turns = HostTurns(self._manners, self._clock)

    async def fetch(self, request: FetchRequest, *, owner: str = "") -> Reply[Page]:
        """What an address gives, redirects followed.

        Args:
            request: the page.
            owner: the research that wants it; those that want pages of one host take turns.

        Raises:
            AddressForbidden: it, or one it leads to, is not on the public internet.
            BadRequest: there is no page, or none that can be read, or it is too large; or its host
                does not let it be fetched, or too many of its pages are wanted at once.
            CallError: another leaf says what happened.
        """
        timer = asyncio.timeout(self._limits.total_s)
        try:
            async with timer:
                return await self._followed(request, owner, Pace(timer))
        except TimeoutError:
            if not timer.expired():
                raise
            raise CallTimeout(
                f"the page did not come whole within {self._limits.total_s:g} s", provider=PROVIDER
            ) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._hops.aclose()

    async def _followed(self, request: FetchRequest, owner: str, pace: Pace) -> Reply[Page]:
        url = parsed(request.url)
        for _ in range(self._limits.redirects + 1):
            async with self._turn(url, owner, pace), self._hops.asked(url) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._read(response, url, request.max_bytes, pace)
                url = led_to(url, response)
        raise BadRequest(
            f"the page redirects more than {self._limits.redirects} times", provider=PROVIDER
        )

    @asynccontextmanager
    async def _turn(self, url: httpx2.URL, owner: str, pace: Pace) -> AsyncGenerator[None]:
        """Wait until a hop is allowed and due, and hold its places inside."""
        async with AsyncExitStack() as stack:
            with pace.waiting():
                delay_s = 0.0
                if self._manners.robots:
                    robots = await self._permits.check(origin_of(url), target_of(url))
                    delay_s = robots.delay_s
                host = host_of(url)
                if not self._hops.is_opened(host):
                    turn = self._turns.turn(host.rstrip("."), owner=owner, delay_s=delay_s)
                    await stack.enter_async_context(turn)
                if self._downloads is not None:
                    pace.download = await stack.enter_async_context(self._downloads.slot())
            yield

    async def _robots(self, origin: str) -> RobotsAnswer:
        """What a host gives for its robots.txt. Raises ``CallError``."""
        total_s = min(ROBOTS_S, self._limits.total_s)
        timer = asyncio.timeout(total_s)
        try:
            async with timer:
                return await self._robots_followed(parsed(f"{origin}/robots.txt"))
        except TimeoutError:
            if not timer.expired():
                raise
            raise CallTimeout(f"it did not come within {total_s:g} s", provider=PROVIDER) from None

    async def _robots_followed(self, first: httpx2.URL) -> RobotsAnswer:
        url, status = first, 0
        for _ in range(self._limits.redirects + 1):
            try:
                async with self._hops.asked(url) as response:
                    status = response.status_code
                    if status not in _REDIRECTS:
                        body = await first_bytes(response, MOST_BYTES) if status == 200 else b""  # noqa: PLR2004
                        return RobotsAnswer(status=status, body=body)
                    url = led_to(url, response)
            except AddressForbidden as error:
                if url == first:
                    raise
                raise BadRequest(f"it leads elsewhere, and {error.message}") from error
        # Source: RFC 9309, section 2.3.1.2: with more redirects it may be taken for absent.
        return RobotsAnswer(status=404)

    async def _read(
        self, response: httpx2.Response, url: httpx2.URL, max_bytes: int, pace: Pace
    ) -> Reply[Page]:
        if not response.is_success:
            raise _refused(response, url, self._clock.now())
        media = media_of(response.headers)
        check_kind(media.kind)
        body = await whole_body(response, media, max_bytes, pace)
        page = Page(
            url=str(url),
            content_type=true_kind(media.kind, body[: len(PDF_BEGINS)]),
            charset=media.charset,
            body=body,
        )
        return Reply(value=page, usage=Usage(bytes=pace.taken))


def _refused(response: httpx2.Response, url: httpx2.URL, now: float) -> CallError:
    status = response.status_code
    told = status_kind(status)
    kind = told if told in {CallTimeout, ProviderDown, RateLimited} else BadRequest
    return kind(
        f"{host_of(url)} does not give the page (HTTP {status})",
        provider=PROVIDER,
        retry_after_s=retry_after_s(response.headers, now),
    )
