"""Limits shared by instances of one process, as in tests; see ``LimitStore``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from wiseflow.core.clock import Clock
from wiseflow.core.lending import LEARNT_FOR_S, Loan, granted, lent, taken_back
from wiseflow.core.limits import Dimension, LeaseAsk, Leased, LeaseReturn, LimitKey, SlotAsk

LimitName = tuple[LimitKey, Dimension, float]


class MemoryLimitStore:
    """Keeps what was lent in this process; each verb is one step of the event loop.

    Args:
        clock: the store's time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loans: dict[LimitName, list[tuple[str, Loan]]] = {}
        self._slots: dict[LimitKey, dict[str, tuple[int, int, float]]] = {}
        self._paused: dict[LimitKey, float] = {}
        self._learnt: dict[tuple[LimitKey, Dimension], tuple[float, float]] = {}

    async def lease(self, asks: Sequence[LeaseAsk], *, holder: str) -> Leased:
        """Lend of several limits at once: at least what is needed of each, or nothing."""
        now = self._clock.monotonic()
        for ask in asks:
            self._forget(_name(ask), now)
        answers = [lent(self._of(ask), ask, now) for ask in asks]
        pauses = [self._paused.get(ask.key, -math.inf) - now for ask in asks]
        retry_in_s = max(0.0, *pauses, *(wait for _, wait in answers))
        if retry_in_s == 0:
            for ask, (amount, _) in zip(asks, answers, strict=True):
                self._loans[_name(ask)].append((holder, Loan(at=now, amount=amount)))
        return Leased(
            amounts=tuple(0.0 if retry_in_s else amount for amount, _ in answers),
            retry_in_s=retry_in_s,
            used=tuple(sum(loan.amount for loan in self._of(ask)) for ask in asks),
            learnt=tuple(self._known(ask, now) for ask in asks),
        )

    async def give_back(self, returns: Sequence[LeaseReturn], *, holder: str) -> None:
        """Take back what its holder did not use."""
        for back in returns:
            name = (back.key, back.dimension, back.window_s)
            loans = self._loans.get(name, [])
            own = [index for index, (owner, _) in enumerate(loans) if owner == holder]
            left = taken_back([loans[index][1] for index in own], back.amount)
            for index, amount in zip(own, left, strict=True):
                loans[index] = (holder, replace(loans[index][1], amount=amount))

    async def hold(self, ask: SlotAsk, *, holder: str) -> int:
        """How many calls of a key a holder may have under way from now on."""
        now = self._clock.monotonic()
        slots = self._slots.setdefault(ask.key, {})
        slots.pop(holder, None)
        others = [(held, wanted) for held, wanted, until in slots.values() if until > now]
        count = granted(ask.in_use, ask.wanted, ask.limit, others)
        if ask.wanted:
            slots[holder] = (count, ask.wanted, now + ask.ttl_s)
        return count if ask.wanted else 0

    async def pause(self, key: LimitKey, seconds: float) -> None:
        """Lend nothing of a key for so long; a longer pause stays."""
        until = self._clock.monotonic() + seconds
        self._paused[key] = max(self._paused.get(key, until), until)

    async def learn(self, key: LimitKey, dimension: Dimension, limit: float) -> None:
        """Keep a limit that was found, for the other instances."""
        self._learnt[key, dimension] = (limit, self._clock.monotonic() + LEARNT_FOR_S)

    def _of(self, ask: LeaseAsk) -> list[Loan]:
        return [loan for _, loan in self._loans[_name(ask)]]

    def _forget(self, name: LimitName, now: float) -> None:
        loans = self._loans.get(name, [])
        self._loans[name] = [(owner, loan) for owner, loan in loans if loan.at + name[2] > now]

    def _known(self, ask: LeaseAsk, now: float) -> float | None:
        limit, until = self._learnt.get((ask.key, ask.dimension), (0.0, -math.inf))
        return limit if until > now else None


def _name(ask: LeaseAsk) -> LimitName:
    return (ask.key, ask.dimension, ask.window_s)
