"""Turns at a host: only so many requests at once, and not too soon after each other.

Who waits is served by research in turns, so that one which wants a hundred pages of a host does not
keep another from its first. No wait is without end.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from wiseflow.core.clock import Clock
from wiseflow.core.errors import BadRequest

MOST_WAITING: Final = 1_000
# Some hosts ask for minutes between requests; a research does not live as long as that takes.
LONGEST_DELAY_S: Final = 10.0
# So many hosts are remembered without anybody asking them, for the gap since the last request.
MOST_HOSTS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How hosts on the public internet are treated.

    Args:
        robots: whether robots.txt is heeded.
        connections: at once to one host.
        gap_s: seconds at least between the beginnings of two requests to one host; a host that asks
            for more (``Crawl-delay``) is given up to ten.
        longest_wait_s: seconds that a page waits for its turn at most; then it is not fetched.
    """

    robots: bool = True
    connections: int = 4
    gap_s: float = 0.0
    longest_wait_s: float = 30.0


class HostTurns:
    """Gives turns at hosts; it belongs to one event loop.

    Args:
        manners: how hosts are treated.
        clock: tells when the next request may begin, and sleeps until then.
    """

    def __init__(self, manners: Manners, clock: Clock) -> None:
        self._manners = manners
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, *, owner: str, delay_s: float) -> AsyncGenerator[None]:
        """Wait for a turn at a host, and hold it inside.

        Args:
            host: of the page.
            owner: the research that wants it.
            delay_s: what the host itself wants between two requests.

        Raises:
            BadRequest: too many wait, or the turn did not come in time.
        """
        state = self._hosts.setdefault(host, _Host())
        state.gap_s = max(self._manners.gap_s, min(delay_s, LONGEST_DELAY_S))
        limit = asyncio.timeout(self._manners.longest_wait_s)
        try:
            async with limit:
                await self._enter(state, host, owner)
        except TimeoutError:
            if not limit.expired():
                raise
            raise _no_turn(host, f"within {self._manners.longest_wait_s:g} s") from None
        try:
            yield
        finally:
            self._leave(state)

    async def _enter(self, state: _Host, host: str, owner: str) -> None:
        if state.waiting_count >= MOST_WAITING:
            raise _no_turn(host, f"before the {MOST_WAITING:,} others that wait")
        turn = state.wait(owner)
        self._admit(state)
        try:
            await turn
            await self._clock.sleep(max(0.0, state.next_s - self._clock.monotonic()))
        except BaseException:
            if state.withdraw(owner, turn):  # the turn had come
                self._paced(state, state.next_s)
                self._leave(state)
            raise
        self._paced(state, self._clock.monotonic() + state.gap_s)

    def _paced(self, state: _Host, next_s: float) -> None:
        state.pacing, state.next_s = False, next_s
        self._admit(state)

    def _leave(self, state: _Host) -> None:
        state.running -= 1
        self._admit(state)
        if len(self._hosts) > MOST_HOSTS:
            self._forget()

    def _admit(self, state: _Host) -> None:
        # One at a time waits for the gap, so that it is the next in turn who does.
        while not state.pacing and state.running < self._manners.connections:
            turn = state.next_turn()
            if turn is None:
                return
            state.running += 1
            state.pacing = True
            turn.set_result(None)

    def _forget(self) -> None:
        now_s = self._clock.monotonic()
        idle = [name for name, one in self._hosts.items() if one.is_idle(now_s)]
        for name in idle:
            del self._hosts[name]


@dataclass(slots=True)
class _Host:
    """Who is being served at a host and who waits, by research."""

    running: int = 0
    pacing: bool = False
    gap_s: float = 0.0
    next_s: float = 0.0
    waiting_count: int = 0
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(
        default_factory=OrderedDict[str, deque[asyncio.Future[None]]]
    )

    def wait(self, owner: str) -> asyncio.Future[None]:
        """A turn that is still to come."""
        turn = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(owner, deque()).append(turn)
        self.waiting_count += 1
        return turn

    def next_turn(self) -> asyncio.Future[None] | None:
        """The turn that is next, its research going to the end of the line."""
        while self.waiting:
            owner, turns = self.waiting.popitem(last=False)
            turn = turns.popleft()
            self.waiting_count -= 1
            if turns:
                self.waiting[owner] = turns
            if not turn.done():  # else it was cancelled just now
                return turn
        return None

    def withdraw(self, owner: str, turn: asyncio.Future[None]) -> bool:
        """Take back a turn that is not wanted any more; whether it had come already."""
        turns = self.waiting.get(owner)
        if turns is not None and turn in turns:
            turns.remove(turn)
            self.waiting_count -= 1
            if not turns:
                del self.waiting[owner]
        return turn.done() and not turn.cancelled()

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing is lost when it is forgotten."""
        return not self.running and not self.waiting and self.next_s <= now_s


def _no_turn(host: str, when: str) -> BadRequest:
    return BadRequest(
        f"too many pages of {host} are wanted at once: this one had no turn {when}",
        provider="pages",
        cure="Where the host allows it, raise FETCH_HOST_CONNECTIONS or FETCH_HOST_WAIT",
    )
