"""The door: calls wait here until they may be sent. Decisions are those of ``limiter``."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from wiseflow.core.clock import Clock
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput, ProviderDown, RateLimited
from wiseflow.core.limits import Allowance, LimitKey, Need, RateLimit
from wiseflow.core.ports import LimitStore
from wiseflow.limits.lending import Lending
from wiseflow.limits.limiter import MAX_WAITING, Decisions, Expired, LimitState
from wiseflow.limits.shares import Shares
from wiseflow.limits.states import KeyShown, shown
from wiseflow.limits.turns import Asked


class Ticket:
    """The right to send one call, and the way to tell what became of it."""

    def __init__(self, limiter: Limiter, number: int, key: LimitKey) -> None:
        self._limiter = limiter
        self._number = number
        self._key = key

    def settle(self, used: Need, allowances: tuple[Allowance, ...] = ()) -> None:
        """The call was answered.

        Args:
            used: what it took, in place of the most that it might have taken.
            allowances: what its headers told.
        """
        self._limiter.settled(self._number, used, allowances)

    def refused(self, error: RateLimited | ProviderDown) -> None:
        """The call was refused; its key is paused when the provider is the one that says so."""
        self._limiter.refused(self._number, self._key, error)


class Limiter:
    """Sends no call before all limits of its key and model have room for it.

    ::

        async with limiter.admitted(key, need, priority=p, run=run_id, deadline=None) as ticket:
            reply = await provider.complete(request)
            ticket.settle(Need(tokens=reply.usage.tokens), reply.allowances)

    It belongs to one event loop. What it starts in the background ends by itself when nobody waits
    and nothing is lent to it.

    Args:
        clock: tells time and sleeps.
        store: what instances share their limits by; ``None`` when there is only this one.
        holder: names this instance in the store, and no other.
        max_waiting: how many calls may wait; more are refused.
        chance: gives numbers from 0 to 1 for the jitter.

    Raises:
        InvalidInput: a store without a holder's name.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        store: LimitStore | None = None,
        holder: str = "",
        max_waiting: int = MAX_WAITING,
        chance: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, guards nothing
        shares = Shares() if store else None
        self._core = LimitState(
            max_waiting=max_waiting, lent=shares and shares.turn, lend=shares and shares.take
        )
        self._lending: Lending | None = None
        if store and shares:
            self._lending = Lending(
                self._core, shares, clock=clock, store=store, holder=holder, went_on=self._go_on
            )
        self._numbers = itertools.count(1)
        self._waiters: dict[int, asyncio.Future[None]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = math.inf

    def set_rate(self, provider: str, limit: RateLimit, *, model: str = "") -> None:
        """Keep a provider, or one model of it, to other limits from now on.

        Raises:
            InvalidInput: a limit is not a number above 0.
        """
        check_rate(provider, limit)
        self._act(self._core.set_rate(provider, limit, model, self._clock.monotonic()))

    @asynccontextmanager
    async def admitted(
        self, key: LimitKey, need: Need, *, priority: TaskPriority, run: str, deadline: float | None
    ) -> AsyncGenerator[Ticket]:
        """The right to send one call; it is free again when the block is left.

        Args:
            key: whose limit it is.
            need: the most it may take.
            priority: who goes first.
            run: whose call it is; runs of one priority take turns.
            deadline: it is not sent later, in monotonic seconds of the clock; ``None`` for none.

        Raises:
            RateLimited: its deadline passes before it can be sent, or too many wait.
        """
        number = next(self._numbers)
        asked = Asked(
            number=number,
            key=key,
            need=need,
            priority=priority,
            run=run,
            deadline=math.inf if deadline is None else deadline,
        )
        await self._wait(asked)
        try:
            yield Ticket(self, number, key)
        finally:
            self._end(number)

    def state(self) -> list[KeyShown]:
        """All keys that were asked for, as they are now."""
        now = self._clock.monotonic()
        return [shown(line, now) for line in self._core.lines()]

    # What tickets tell.

    def settled(self, number: int, used: Need, allowances: tuple[Allowance, ...]) -> None:
        """See ``Ticket.settle``."""
        now = self._clock.monotonic()
        if self._lending:
            self._lending.shares.settled(number, used.tokens)
        self._act(self._core.settled(number, used, allowances, now))

    def refused(self, number: int, key: LimitKey, error: RateLimited | ProviderDown) -> None:
        """See ``Ticket.refused``."""
        if isinstance(error, ProviderDown) and error.retry_after_s is None:
            return  # no limit: whether to go on is the circuit breaker's question
        now = self._clock.monotonic()
        paused_s, found = self._core.refused(
            number, error.retry_after_s, error.allowances, now, self._chance.random()
        )
        if self._lending:
            self._lending.shares.refused(number)
            self._lending.tell(key, paused_s=paused_s, found=found)
        self._act(Decisions())

    # Waiting.

    async def _wait(self, asked: Asked) -> None:
        now = self._clock.monotonic()
        decisions = self._core.ask(asked, now)
        if asked.number in decisions.admitted:
            self._act(decisions)
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[asked.number] = waiter
        self._act(decisions)
        try:
            await waiter
        except BaseException:
            # It may have been admitted and cancelled in one turn of the loop.
            if self._lending:
                self._lending.shares.refused(asked.number)
            now = self._clock.monotonic()
            self._act(self._core.give_up(asked.number, now))
            self._act(self._core.unsent(asked.number, now))
            raise
        finally:
            self._waiters.pop(asked.number, None)

    def _end(self, number: int) -> None:
        if self._lending:
            self._lending.shares.ended(number)
        self._act(self._core.ended(number, self._clock.monotonic()))

    def _act(self, decisions: Decisions) -> None:
        """Wake those that go, tell those that cannot, and set the timer for the next."""
        for number in decisions.admitted:
            waiter = self._waiters.get(number)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        for expired in decisions.expired:
            waiter = self._waiters.get(expired.number)
            if waiter is not None and not waiter.done():
                waiter.set_exception(_too_late(expired))
        if self._lending:
            self._lending.look(self._clock.monotonic())
        self._arm()

    def _arm(self) -> None:
        """Have a timer for the next time at which something is to be done, and no other."""
        now = self._clock.monotonic()
        wake_at = self._core.wake_at(now) if self._core.waiting else math.inf
        if self._lending:
            wake_at = min(wake_at, self._lending.wake_at(now))
        if self._timer_at <= wake_at < math.inf:
            return  # it looks again by itself
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, math.inf
        if wake_at < math.inf:
            self._timer_at = wake_at
            self._timer = asyncio.get_running_loop().create_task(
                self._tick_after(max(0.0, wake_at - now)), name="timer of limits"
            )

    async def _tick_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        # It is over: ``_arm`` must not cancel the task it runs in.
        self._timer, self._timer_at = None, math.inf
        self._go_on()

    def _go_on(self) -> None:
        self._act(self._core.tick(self._clock.monotonic()))


def check_rate(provider: str, limit: RateLimit) -> None:
    """Refuse a limit that no call could keep to.

    Raises:
        InvalidInput: a limit is not a number above 0.
    """
    for name in ("requests_per_minute", "tokens_per_minute", "concurrency", "bytes_per_s"):
        value: object = getattr(limit, name)
        if value is not None and not _is_limit(value):
            shown = f"{value:g}" if isinstance(value, float) else repr(value)
            raise InvalidInput(
                f"{name} of {provider} is {shown}",
                cure="Give a number above 0, or leave it out to have the limit found",
            )


def _is_limit(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > 0 and math.isfinite(value)


def _too_late(expired: Expired) -> RateLimited:
    known = math.isfinite(expired.wait_s)
    wait = f" for {expired.wait_s:.1f} s more" if known else ""
    return RateLimited(
        f"the deadline of a call to {expired.provider} passes before it can be sent: "
        f"{expired.held_by} holds it{wait}",
        provider=expired.provider,
        cure="Give it more time, raise the limit, or run fewer researches at once",
        retry_after_s=expired.wait_s if known else None,
    )
