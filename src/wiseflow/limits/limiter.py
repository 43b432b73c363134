"""Who may be sent when, over all keys; pure: what happened comes in, who goes comes out.

A call goes when both the limits of its key and those of its model have room, so each call asks two
limiters: one of the provider's account as a whole, one of the model. Whoever goes is counted in the
same step, so nobody is woken to find nothing.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from wiseflow.core.errors import RateLimited
from wiseflow.core.limits import Allowance, LimitKey, Need, RateLimit
from wiseflow.limits.adaptive import AdaptiveRateLimiter, Taken, Turn
from wiseflow.limits.turns import Asked, Turns

MAX_WAITING = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A call whose deadline passes before it can be sent.

    Args:
        number: of the call.
        provider: who it was for.
        held_by: what it waited for, in words.
        wait_s: how long it would still have had to wait; infinite when not known.
    """

    number: int
    provider: str
    held_by: str
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What is to be done now.

    Args:
        admitted: the numbers of the calls to send.
        expired: those that will not be sent.
    """

    admitted: tuple[int, ...] = ()
    expired: tuple[Expired, ...] = ()


@dataclass(slots=True)
class Line:
    """Those that wait for one key, and the limiters they all ask."""

    key: LimitKey
    turns: Turns
    limiters: dict[LimitKey, AdaptiveRateLimiter]


# When a call may go by what instances share; and that it goes, and takes what was promised.
Lent = Callable[[Line, Asked, float], Turn]
Lend = Callable[[Line, Asked], None]


class LimitState:
    """All keys' limits, and who waits for them.

    Args:
        max_waiting: how many calls may wait; more are refused.
        lent: asks whether what instances share has room; always, when not given.
        lend: takes it.
    """

    def __init__(
        self, *, max_waiting: int = MAX_WAITING, lent: Lent | None = None, lend: Lend | None = None
    ) -> None:
        self._max_waiting = max_waiting
        self._lent = lent
        self._lend = lend
        self._rates: dict[tuple[str, str], RateLimit] = {}
        self._lines: dict[LimitKey, Line] = {}
        self._limiters: dict[LimitKey, AdaptiveRateLimiter] = {}
        self._accounts: dict[LimitKey, list[Line]] = {}
        self._waiting: dict[int, LimitKey] = {}
        self._under_way: dict[int, tuple[LimitKey, dict[LimitKey, Taken]]] = {}
        self._deadlines: list[tuple[float, int]] = []

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        """How many calls were sent and have not ended."""
        return len(self._under_way)

    def lines(self) -> Iterator[Line]:
        """All keys that were ever asked for."""
        yield from self._lines.values()

    # What happens.

    def set_rate(self, provider: str, rate: RateLimit, model: str, now: float) -> Decisions:
        """Keep a provider, or one model of it, to other limits from now on."""
        self._rates[provider, model] = rate
        for key, limiter in self._limiters.items():
            if (key.provider, key.model) == (provider, model):
                limiter.set_rate(rate, now)
        return self.tick(now)

    def ask(self, asked: Asked, now: float) -> Decisions:
        """A call wants to be sent.

        Raises:
            RateLimited: too many wait already.
        """
        if len(self._waiting) >= self._max_waiting:
            raise RateLimited(
                f"{self._max_waiting:,} calls wait for limits already",
                provider=asked.key.provider,
                cure="Run fewer researches at once, or raise the provider's limit",
            )
        line = self._line(asked.key, now)
        line.turns.add(asked)
        for limiter in line.limiters.values():
            limiter.asked(asked.priority, now)
        self._waiting[asked.number] = asked.key
        decisions = self._admit(_account(asked.key), now)
        if asked.number not in self._waiting:
            return decisions
        turn = self._turn(line, asked, now)
        if math.isfinite(turn.at) and turn.at > asked.deadline:
            return replace(decisions, expired=(self._expire(asked.number, turn, now),))
        if asked.deadline < math.inf:
            heapq.heappush(self._deadlines, (asked.deadline, asked.number))
        return decisions

    def settled(
        self, number: int, used: Need, allowances: tuple[Allowance, ...], now: float
    ) -> Decisions:
        """A call was answered: what it used, and what its headers told."""
        if number not in self._under_way:
            return Decisions()
        key, taken = self._under_way[number]
        for one, part in taken.items():
            # What headers tell is of the key and model that was asked for.
            self._limiters[one].settle(part, used, allowances if one == key else (), now)
        return self._admit(_account(key), now)

    def refused(
        self,
        number: int,
        retry_after_s: float | None,
        allowances: tuple[Allowance, ...],
        now: float,
        chance: float,
    ) -> tuple[float, float | None]:
        """A call was refused by a limit: its key is paused.

        Returns:
            For how many seconds, and the limit that is found by now, if one is.
        """
        if number not in self._under_way:
            return 0.0, None
        key, taken = self._under_way[number]
        for one, part in taken.items():
            if one != key:
                self._limiters[one].unsent(part, now)
        limiter = self._limiters[key]
        paused_s = limiter.refused(taken[key], retry_after_s, allowances, now, chance)
        return paused_s, limiter.found

    def unsent(self, number: int, now: float) -> Decisions:
        """A call that was let go was not sent after all: it used nothing, and is over."""
        if number in self._under_way:
            for one, part in self._under_way[number][1].items():
                self._limiters[one].unsent(part, now)
        return self.ended(number, now)

    def ended(self, number: int, now: float) -> Decisions:
        """A call is over, however: its place is free. A second time it does nothing."""
        found = self._under_way.pop(number, None)
        if found is None:
            return Decisions()
        key, taken = found
        for one in taken:
            self._limiters[one].in_flight -= 1
        return self._admit(_account(key), now)

    def give_up(self, number: int, now: float) -> Decisions:
        """A call that waits is not wanted any more."""
        key = self._waiting.pop(number, None)
        if key is None:
            return Decisions()
        self._lines[key].turns.remove(number)
        return self._admit(_account(key), now)

    def tick(self, now: float) -> Decisions:
        """Time has gone on."""
        expired: list[Expired] = []
        admitted: list[int] = []
        for account in self._accounts:
            admitted += self._admit(account, now).admitted
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number = heapq.heappop(self._deadlines)
            if number in self._waiting:
                line = self._lines[self._waiting[number]]
                head = line.turns.head()
                assert head is not None, "one waits"
                expired.append(self._expire(number, self._turn(line, head, now), now))
        return Decisions(admitted=tuple(admitted), expired=tuple(expired))

    def wake_at(self, now: float) -> float:
        """When to call ``tick`` next, if nothing happens before; infinite for never."""
        while self._deadlines and self._deadlines[0][1] not in self._waiting:
            heapq.heappop(self._deadlines)  # it was sent, or gave up
        times = [self._deadlines[0][0]] if self._deadlines else []
        for line in self._lines.values():
            head = line.turns.head()
            if head is not None:
                times.append(self._turn(line, head, now).at)
        return min(times, default=math.inf)

    # Who goes.

    def _admit(self, account: LimitKey, now: float) -> Decisions:
        """Send whom there is room for. Each line's head is waited for: else large calls starve."""
        admitted: list[int] = []
        while (line := self._next(account, now)) is not None:
            asked = line.turns.pop()
            del self._waiting[asked.number]
            taken = {
                key: one.take(asked.need, now, asked.priority, asked_for=key == asked.key)
                for key, one in line.limiters.items()
            }
            self._under_way[asked.number] = (asked.key, taken)
            if self._lend is not None:
                self._lend(line, asked)
            admitted.append(asked.number)
        return Decisions(admitted=tuple(admitted))

    def _next(self, account: LimitKey, now: float) -> Line | None:
        """The line whose head goes first of those that may."""
        best: tuple[int, int] | None = None
        found: Line | None = None
        for line in self._accounts.get(account, ()):
            head = line.turns.head()
            if head is None:
                continue
            rank = (head.priority.rank, head.number)
            if (best is None or rank < best) and self._turn(line, head, now).at <= now:
                best, found = rank, line
        return found

    def _turn(self, line: Line, asked: Asked, now: float) -> Turn:
        turns = [one.turn(asked.need, now, asked.priority) for one in line.limiters.values()]
        latest = max(turns, key=lambda turn: turn.at)
        if latest.at <= now and self._lent is not None:
            return self._lent(line, asked, now)
        return latest

    def _expire(self, number: int, turn: Turn, now: float) -> Expired:
        key = self._waiting.pop(number)
        self._lines[key].turns.remove(number)
        return Expired(
            number=number,
            provider=key.provider,
            held_by=turn.held_by,
            wait_s=max(0.0, turn.at - now),
        )

    # Keys.

    def _line(self, key: LimitKey, now: float) -> Line:
        line = self._lines.get(key)
        if line is None:
            account = _account(key)
            keys = dict.fromkeys((account, key))
            limiters = {one: self._limiter(one, now) for one in keys}
            line = self._lines[key] = Line(key=key, turns=Turns(), limiters=limiters)
            self._accounts.setdefault(account, []).append(line)
        return line

    def _limiter(self, key: LimitKey, now: float) -> AdaptiveRateLimiter:
        limiter = self._limiters.get(key)
        if limiter is None:
            account = self._limiters[_account(key)] if key.model else None
            limiter = self._limiters[key] = AdaptiveRateLimiter(now, account=account)
            rate = self._rates.get((key.provider, key.model))
            if rate is not None:
                limiter.set_rate(rate, now)
        return limiter


def _account(key: LimitKey) -> LimitKey:
    return replace(key, model="")
