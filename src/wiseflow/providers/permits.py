"""Asks each host once what it lets be fetched, and remembers it for a day.

Source: RFC 9309, sections 2.3 and 2.4: a robots.txt that is not there forbids nothing; one that
cannot be reached forbids everything, but what it said before may hold on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from wiseflow.core.clock import Clock
from wiseflow.core.errors import AddressForbidden, BadRequest, CallError, ProviderDown
from wiseflow.providers.robots import Robots, read_robots

# Source: RFC 9309, section 2.4: no copy is to be used for longer than a day.
KEPT_S: Final = 86_400.0
UNREACHABLE_S: Final = 300.0
MOST_HOSTS: Final = 2_000
MOST_RULES: Final = 200_000  # of all hosts; a rule takes about 200 bytes
# A connection that breaks once says little; so the host is asked again after these seconds.
PAUSES_S: Final = (0.5, 2.0)
# Larger ones are read on a thread: half a megabyte of rules would hold the event loop up.
LARGE_BYTES: Final = 16_384
MANY_RULES: Final = 1_000  # are looked through there, too
_OK, _REDIRECTS_END, _SERVER_ERRORS = 200, 400, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsAnswer:
    """What a host gave for its robots.txt: the status of HTTP, and the body of a good one."""

    status: int
    body: bytes = b""


Ask = Callable[[str], Awaitable[RobotsAnswer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Rules of an origin, or why there are none, until a moment of the monotonic clock."""

    robots: Robots | None
    reason: str
    until_s: float


class Permits:
    """The rules of hosts, kept for this process; it belongs to one event loop.

    Pages of one host that are wanted at once wait for one request. When whoever makes it is
    cancelled, the next one makes it.

    Args:
        ask: gets the robots.txt of an origin (``https://host:port``); raises ``CallError``.
        product: the name that rules may be for.
        clock: tells when rules are too old, and sleeps between tries.
    """

    def __init__(self, ask: Ask, *, product: str, clock: Clock) -> None:
        self._ask = ask
        self._product = product
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._flights: dict[str, asyncio.Event] = {}

    async def check(self, origin: str, target: str) -> Robots:
        """The rules of a host, when they let a page be fetched.

        Args:
            origin: scheme, host and port of the page.
            target: its path and query.

        Raises:
            BadRequest: they do not, or cannot be asked for.
            AddressForbidden: the host is not on the public internet.
        """
        known = await self._fresh(origin)
        host = origin.partition("://")[2]
        if known.robots is None:
            raise BadRequest(
                f"the robots.txt of {host} cannot be read, so its pages are not: {known.reason}",
                provider="pages",
            )
        if not await self._allows(known.robots, target):
            raise BadRequest(
                f"the robots.txt of {host} does not let the page be fetched",
                provider="pages",
                cure="For hosts of your own, FETCH_ROBOTS=false leaves robots.txt unread",
            )
        return known.robots

    async def _allows(self, robots: Robots, target: str) -> bool:
        if len(robots.rules) <= MANY_RULES:
            return robots.allows(target)
        return await asyncio.to_thread(robots.allows, target)

    async def _fresh(self, origin: str) -> _Known:
        while True:
            known = self._known.get(origin)
            if known is not None and known.until_s > self._clock.monotonic():
                self._known.move_to_end(origin)
                return known
            flight = self._flights.get(origin)
            if flight is None:
                await self._fly(origin, known)
            else:
                await flight.wait()

    async def _fly(self, origin: str, before: _Known | None) -> None:
        flight = self._flights[origin] = asyncio.Event()
        try:
            self._known[origin] = await self._asked(origin, before)
            self._known.move_to_end(origin)
            self._forget()
        finally:
            del self._flights[origin]
            flight.set()

    def _forget(self) -> None:
        """Drop those used longest ago when there are too many, of them or of their rules."""
        rules = sum(len(one.robots.rules) for one in self._known.values() if one.robots)
        while len(self._known) > 1 and (len(self._known) > MOST_HOSTS or rules > MOST_RULES):
            _, dropped = self._known.popitem(last=False)
            rules -= len(dropped.robots.rules) if dropped.robots else 0

    async def _asked(self, origin: str, before: _Known | None) -> _Known:
        try:
            answer = await self._answered(origin)
        except AddressForbidden:
            raise
        except CallError as error:
            stale = before.robots if before is not None else None
            until_s = self._clock.monotonic() + UNREACHABLE_S
            return _Known(robots=stale, reason=error.message, until_s=until_s)
        robots = await self._read(answer)
        return _Known(robots=robots, reason="", until_s=self._clock.monotonic() + KEPT_S)

    async def _answered(self, origin: str) -> RobotsAnswer:
        """The answer of a host that is there. Raises ``CallError``."""
        for pause_s in PAUSES_S:
            try:
                return await self._answered_once(origin)
            except CallError as error:
                if not error.retryable:
                    raise
            await self._clock.sleep(pause_s)
        return await self._answered_once(origin)

    async def _answered_once(self, origin: str) -> RobotsAnswer:
        answer = await self._ask(origin)
        if answer.status >= _SERVER_ERRORS:
            raise ProviderDown(f"the host answers with HTTP {answer.status}", provider="pages")
        return answer

    async def _read(self, answer: RobotsAnswer) -> Robots:
        """The rules of an answer; none of one that is not good (4xx, or redirects without end)."""
        if not _OK <= answer.status < _REDIRECTS_END or not answer.body:
            return Robots()
        if len(answer.body) <= LARGE_BYTES:
            return read_robots(answer.body, self._product)
        return await asyncio.to_thread(read_robots, answer.body, self._product)
