"""Downloads bounded in number, and in bytes a second over all of them."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.errors import Conflict, InvalidInput

MAX_CONCURRENT = 10
BYTES_PER_S = 5 * 1024 * 1024
BURST_S = 1.0  # what was left unused is kept for this long
MAX_WAITING = 10_000
# The longest nap of one that waits to be paid for: so soon a change of the rate reaches it.
NAP_S = 0.25
ROUNDING = 1e-3  # of a byte: sums of floats may never quite meet


class ByteBudget:
    """A token bucket in which bytes are booked as they come and paid as time goes on.

    Its two counts only grow: the bytes booked, and those that may have come by now. Bytes are paid
    once the second count has reached the place they were booked at, so they are paid in order.
    Time is an argument and must not go back.

    Source: the token bucket as a meter with debt, of the same results as the virtual scheduling of
    ITU-T Recommendation I.371 (GCRA).

    Args:
        bytes_per_s: what is paid each second.
        now: when it begins, with one burst (``BURST_S`` of bytes) at hand.

    Raises:
        InvalidInput: the rate is not a number above 0.
    """

    def __init__(self, bytes_per_s: float, now: float) -> None:
        self._rate = _checked_rate(bytes_per_s)
        self._at = now
        self._booked = 0.0
        self._allowed = self._rate * BURST_S

    def book(self, count: int, now: float) -> float:
        """Charge bytes that have come; the place to ask ``wait_s`` for."""
        self._go_on(now)
        self._booked += count
        return self._booked

    def wait_s(self, place: float, now: float) -> float:
        """How long until the bytes booked at a place are paid; 0 when they are."""
        self._go_on(now)
        left = place - self._allowed
        return left / self._rate if left > ROUNDING else 0.0

    def resize(self, bytes_per_s: float, now: float) -> None:
        """Pay at another rate from now on.

        Raises:
            InvalidInput: the rate is not a number above 0.
        """
        rate = _checked_rate(bytes_per_s)
        self._go_on(now)
        self._rate = rate
        self._allowed = min(self._allowed, self._booked + rate * BURST_S)

    def _go_on(self, now: float) -> None:
        more = max(0.0, now - self._at) * self._rate
        self._allowed = min(self._allowed + more, self._booked + self._rate * BURST_S)
        self._at = max(self._at, now)


class Downloads:
    """Lets only so many downloads be under way, and only so many bytes a second come.

    ::

        async with downloads.slot() as download:
            async for chunk in response:
                await download.took(len(chunk))

    A chunk has come when it is told, and the next is not asked for before it is paid; so what comes
    may be over the rate by one chunk of each download. Both queues are first come, first served.

    Args:
        max_concurrent: how many at once.
        bytes_per_s: over all of them.
        max_waiting: how many may wait for a slot; more are refused.
        clock: tells time and sleeps.

    Raises:
        InvalidInput: a bound that lets nothing through.
    """

    def __init__(
        self,
        max_concurrent: int = MAX_CONCURRENT,
        bytes_per_s: float = BYTES_PER_S,
        *,
        max_waiting: int = MAX_WAITING,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._max = _checked_number(max_concurrent)
        self._budget = ByteBudget(bytes_per_s, self._clock.monotonic())
        self._max_waiting = max_waiting
        self._running = 0
        self._turns: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def running(self) -> int:
        """How many hold a slot."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._turns)

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[Download]:
        """Wait for a slot, and hold it inside.

        Raises:
            Conflict: too many wait already.
        """
        await self._enter()
        try:
            yield Download(self._budget, self._clock)
        finally:
            self._leave()

    def resize(
        self, *, max_concurrent: int | None = None, bytes_per_s: float | None = None
    ) -> None:
        """Change bounds; downloads under way go on, and those that wait go by the new ones.

        Raises:
            InvalidInput: a bound that lets nothing through; then nothing is changed.
        """
        most = self._max if max_concurrent is None else _checked_number(max_concurrent)
        if bytes_per_s is not None:
            self._budget.resize(bytes_per_s, self._clock.monotonic())
        self._max = most
        self._admit()

    async def _enter(self) -> None:
        if self._running < self._max and not self._turns:
            self._running += 1
            return
        if len(self._turns) >= self._max_waiting:
            raise Conflict(
                f"{len(self._turns)} downloads wait already",
                cure="Ask again later, or raise MAX_CONCURRENT_DOWNLOADS",
            )
        turn = asyncio.get_running_loop().create_future()
        self._turns[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._turns.pop(turn, None)
            else:  # it had got its slot, and was cancelled before it could run
                self._leave()
            raise

    def _leave(self) -> None:
        self._running -= 1
        self._admit()

    def _admit(self) -> None:
        while self._turns and self._running < self._max:
            turn, _ = self._turns.popitem(last=False)
            if not turn.done():  # else it was cancelled just now
                self._running += 1
                turn.set_result(None)


class Download:
    """One download that holds a slot."""

    def __init__(self, budget: ByteBudget, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock

    async def took(self, count: int) -> None:
        """Tell of bytes that have come, and return when more may.

        Cancelled, they stay charged, as they have come.

        Args:
            count: how many since the last call.

        Raises:
            InvalidInput: a negative number.
        """
        if count < 0:
            raise InvalidInput(f"a download took {count} bytes", cure="Give what has come since")
        place = self._budget.book(count, self._clock.monotonic())
        while wait_s := self._budget.wait_s(place, self._clock.monotonic()):
            await self._clock.sleep(min(wait_s, NAP_S))


def _checked_number(count: int) -> int:
    if count < 1:
        raise InvalidInput(f"{count} downloads at once let none through", cure="Give at least 1")
    return count


def _checked_rate(bytes_per_s: float) -> float:
    if not 0 < bytes_per_s < math.inf:
        raise InvalidInput(
            f"{bytes_per_s:g} bytes a second let nothing through, or everything",
            cure="Give a number above 0",
        )
    return float(bytes_per_s)
