"""What this instance was lent of limits that several share; pure, time is an argument.

Little is lent at once, about what a second allows, and only for calls that wait: so the sum of all
instances never exceeds a limit, hardly anything is lost when one dies, and while it lasts no call
has to ask the store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wiseflow.core.limits import Dimension, LeaseAsk, Leased, LeaseReturn, LimitKey, SlotAsk
from wiseflow.limits.adaptive import MINUTE_S, AdaptiveRateLimiter, Turn
from wiseflow.limits.limiter import Line
from wiseflow.limits.turns import Asked

# What is lent is used within that time, of at most that share of its window: so long later than it
# was lent it may be counted by the provider, so the store counts it for so long more.
SLICE_S, SLICE_SHARE, SLICE_LEAST_S = 1.0, 0.02, 0.25
SLOTS_TTL_S, RENEW_S, SHORT_S = 10.0, 2.5, 0.25
HELD_BY_OTHERS = "what other instances use of the limit"

Name = tuple[LimitKey, Dimension, float]


@dataclass(slots=True)
class Credit:
    """What is left of what was lent for an ask: an amount, to be used by a time."""

    ask: LeaseAsk
    amount: float
    use_by: float


@dataclass(slots=True)
class Slots:
    """How many calls may be under way, until when, and when to ask for others."""

    count: int = 0
    until: float = -math.inf
    ask_at: float = -math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a line needs to be lent so that its head can go."""

    line: Line
    names: tuple[Name, ...]
    asks: tuple[LeaseAsk, ...]


class Shares:
    """What this instance was lent, and what it wants."""

    def __init__(self) -> None:
        self._credits: dict[Name, Credit] = {}
        self._retry_at: dict[LimitKey, float] = {}
        self._slots: dict[LimitKey, Slots] = {}
        self._taken: dict[int, list[tuple[Name, float, LeaseReturn]]] = {}
        self._returns: list[LeaseReturn] = []

    # What calls ask.

    def turn(self, line: Line, asked: Asked, now: float) -> Turn:
        """When a call may go, by what was lent."""
        for key, limiter in line.limiters.items():
            if limiter.rate.concurrency is not None and limiter.in_flight >= self._held(key, now):
                return Turn(at=math.inf, held_by=HELD_BY_OTHERS)
        if self._covers(line, asked, now):
            return Turn(at=now)
        at = self._retry_at.get(line.key, -math.inf)
        return Turn(at=at if at > now else math.inf, held_by=HELD_BY_OTHERS)

    def take(self, line: Line, asked: Asked) -> None:
        """A call goes: take what it may use."""
        taken: list[tuple[Name, float, LeaseReturn]] = []
        for name, ask in _asks(line, asked, 1):
            self._credits[name].amount -= ask.least
            taken.append((name, ask.least, _return(ask, ask.least)))
        self._taken[asked.number] = taken

    def settled(self, number: int, tokens: int) -> None:
        """A call was answered: tokens it did not use go back to the store."""
        for name, amount, back in self._taken.pop(number, ()):
            if name[1] is Dimension.TOKENS and tokens < amount:
                self._give_back(back, amount - tokens)

    def refused(self, number: int) -> None:
        """A call was refused, or not sent: all it took goes back."""
        for _, amount, back in self._taken.pop(number, ()):
            self._give_back(back, amount)

    def ended(self, number: int) -> None:
        """A call is over: what it may have used stays used."""
        self._taken.pop(number, None)

    # What the store is asked.

    def wish(self, line: Line, now: float) -> Wish | None:
        """What the head of a line needs to be lent now; ``None`` when it is nothing."""
        head = line.turns.head()
        if head is None or self._retry_at.get(line.key, -math.inf) > now:
            return None
        if any(one.turn(head.need, now, head.priority).at > now for one in line.limiters.values()):
            return None
        if self._covers(line, head, now):
            return None
        pairs = list(_asks(line, head, len(line.turns)))
        return Wish(line=line, names=tuple(n for n, _ in pairs), asks=tuple(a for _, a in pairs))

    def granted(self, wish: Wish, leased: Leased, asked_at: float, now: float) -> None:
        """The store has answered a wish that was sent at ``asked_at``."""
        for name, ask, amount in zip(wish.names, wish.asks, leased.amounts, strict=True):
            if amount > 0:
                self._lapse(name)
                self._credits[name] = Credit(ask, amount, asked_at + _use_within(name[2]))
        if leased.retry_in_s > 0:
            self._retry_at[wish.line.key] = now + leased.retry_in_s

    def returns(self, now: float) -> list[LeaseReturn]:
        """What is to go back to the store, once."""
        for name, credit in list(self._credits.items()):
            if credit.use_by <= now:
                self._lapse(name)
        returns, self._returns = self._returns, []
        return returns

    def returns_at(self) -> float:
        """When something will have to go back; infinite for never."""
        if self._returns:
            return -math.inf
        return min((c.use_by for c in self._credits.values() if c.amount > 0), default=math.inf)

    def slot_asks(self, lines: Sequence[Line], now: float) -> Iterator[SlotAsk]:
        """What is to be asked of the concurrency that instances share, now."""
        for key, limiter, waiting in _shared_concurrency(lines):
            if self._slots_at(key, limiter, waiting) <= now:
                yield _slot_ask(key, limiter, waiting)

    def slots_at(self, lines: Sequence[Line]) -> float:
        """When something is to be asked of it; infinite for never."""
        times = [self._slots_at(*one) for one in _shared_concurrency(lines)]
        return min(times, default=math.inf)

    def held(self, ask: SlotAsk, count: int, asked_at: float) -> None:
        """The store has answered how many calls may be under way."""
        short = count < ask.wanted
        self._slots[ask.key] = Slots(
            count=count,
            until=asked_at + ask.ttl_s if ask.wanted else -math.inf,
            ask_at=asked_at + (SHORT_S if short else RENEW_S),
        )

    # What there is.

    def _covers(self, line: Line, asked: Asked, now: float) -> bool:
        for name, ask in _asks(line, asked, 1):
            credit = self._credits.get(name)
            if credit is None or credit.use_by <= now or credit.amount + 1e-9 < ask.least:
                return False
        return True

    def _held(self, key: LimitKey, now: float) -> int:
        slots = self._slots.get(key)
        return slots.count if slots is not None and slots.until > now else 0

    def _slots_at(self, key: LimitKey, limiter: AdaptiveRateLimiter, waiting: int) -> float:
        slots = self._slots.get(key, Slots())
        if waiting and limiter.in_flight >= slots.count:
            return slots.ask_at
        # What is held is kept up while calls are under way, and given back soon after.
        return max(slots.ask_at, slots.until - SLOTS_TTL_S + RENEW_S) if slots.count else math.inf

    def _lapse(self, name: Name) -> None:
        credit = self._credits.pop(name, None)
        if credit is not None and credit.amount > 0:
            self._give_back(_return(credit.ask, credit.amount), credit.amount)

    def _give_back(self, back: LeaseReturn, amount: float) -> None:
        self._returns.append(replace(back, amount=amount))


def _asks(line: Line, asked: Asked, waiting: int) -> Iterator[tuple[Name, LeaseAsk]]:
    """What a call needs of each limit that is known, and of the one on requests in any case.

    The latter also when it is not known: with it come pauses and what others found.
    """
    for key, limiter in line.limiters.items():
        for (dimension, window_s), window in limiter.windows.items():
            known = math.isfinite(window.limit)
            always = key == line.key and (dimension, window_s) == (Dimension.REQUESTS, MINUTE_S)
            if not known and not always:
                continue
            one = 1.0 if dimension is Dimension.REQUESTS else float(asked.need.tokens)
            least = min(one, window.limit)
            slice_of = window.limit * SLICE_S / window_s if known else math.inf
            yield (
                (key, dimension, window_s),
                LeaseAsk(
                    key=key,
                    dimension=dimension,
                    window_s=window.span_s + _use_within(window_s),
                    limit=window.limit if known else None,
                    least=least,
                    most=max(least, min(one * waiting, slice_of)),
                ),
            )


def _use_within(window_s: float) -> float:
    return min(SLICE_S, max(SLICE_SHARE * window_s, SLICE_LEAST_S))


def _return(ask: LeaseAsk, amount: float) -> LeaseReturn:
    return LeaseReturn(key=ask.key, dimension=ask.dimension, window_s=ask.window_s, amount=amount)


def _shared_concurrency(
    lines: Sequence[Line],
) -> Iterator[tuple[LimitKey, AdaptiveRateLimiter, int]]:
    """Each limiter with a limit on concurrency, and how many calls wait for it."""
    waiting: dict[LimitKey, int] = {}
    limiters: dict[LimitKey, AdaptiveRateLimiter] = {}
    for line in lines:
        for key, limiter in line.limiters.items():
            if limiter.rate.concurrency is not None:
                limiters[key] = limiter
                waiting[key] = waiting.get(key, 0) + len(line.turns)
    return ((key, limiter, waiting[key]) for key, limiter in limiters.items())


def _slot_ask(key: LimitKey, limiter: AdaptiveRateLimiter, waiting: int) -> SlotAsk:
    limit = limiter.rate.concurrency
    assert limit is not None, "only those with a limit are asked for"
    return SlotAsk(
        key=key,
        in_use=limiter.in_flight,
        wanted=min(limit, limiter.in_flight + waiting),
        limit=limit,
        ttl_s=SLOTS_TTL_S,
    )
