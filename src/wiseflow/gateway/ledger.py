"""What one run has used and may use: money, tokens and seconds.

Before each attempt the most it may use is set aside; after it the true use is counted. So the sum
of what was used and what is under way is never above the budget, whatever comes back. A part of
the budget is kept for writing up, so that a run that stops for money still ends with a report.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from wiseflow.core.calls import Totals, Usage
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Budget
from wiseflow.core.errors import BudgetSpent, ConfigurationError

KEPT_FOR_CLOSING = 0.15
# Of the seconds, for what comes after the last call: citations are checked, the report is kept.
KEPT_AFTER_CLOSING = 0.05
# Sums of floats: a budget that is met exactly is not spent.
ROUNDING = 1e-9


@dataclass(slots=True, eq=False)
class _Waiter:
    worst: Usage
    closing: bool
    turn: asyncio.Future[Reserved]


class Ledger:
    """The account of one run; see ``Spending``.

    Args:
        budget: what it may use; ``None`` in it is no bound.
        clock: for the seconds.
        currency: as messages call it, for instance ``USD``.
    """

    def __init__(self, budget: Budget, clock: Clock, *, currency: str = "USD") -> None:
        self._budget = budget
        self._clock = clock
        self._currency = currency
        self._begun = clock.monotonic()
        self._calls = 0
        self._tokens = 0
        self._cost = 0.0
        self._unpriced = False
        self._reserved: set[Reserved] = set()
        self._waiting: deque[_Waiter] = deque()

    @property
    def totals(self) -> Totals:
        """What was used so far."""
        cost = None if self._unpriced else self._cost
        return Totals(calls=self._calls, tokens=self._tokens, cost=cost)

    async def reserve(self, worst: Usage, *, closing: bool = False) -> Reserved:
        """Set aside the most that an attempt may use; waits where others may leave enough.

        Raises:
            BudgetSpent: there is not so much left, even if what is under way used nothing.
            ConfigurationError: money is bounded, and the price is not known.
        """
        self._check_price(worst)
        if self._waiting or self._lack(worst, closing=closing):
            return await self._wait(worst, closing=closing)
        return self._set_aside(worst)

    def left_s(self, *, closing: bool = False) -> float | None:
        """How many seconds a call may still take; ``None`` for no bound."""
        if self._budget.seconds is None:
            return None
        kept = KEPT_AFTER_CLOSING if closing else KEPT_FOR_CLOSING
        return self._budget.seconds * (1 - kept) - (self._clock.monotonic() - self._begun)

    def count(self, used: Usage) -> None:
        """Count an answer: what it used is spent."""
        self._calls += 1
        self.spend(used)

    def spend(self, used: Usage) -> None:
        """Count what an attempt used that gave no answer."""
        self._tokens += used.tokens
        if used.cost is None:
            self._unpriced = True
        else:
            self._cost += used.cost

    def give_back(self, reserved: Reserved) -> None:
        """Let others have what is left of a reservation."""
        self._reserved.discard(reserved)
        self._admit()

    def _set_aside(self, worst: Usage) -> Reserved:
        reserved = Reserved(self, worst)
        self._reserved.add(reserved)
        return reserved

    async def _wait(self, worst: Usage, *, closing: bool) -> Reserved:
        self._refuse_hopeless(worst, closing=closing)
        waiter = _Waiter(worst, closing, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                self._admit()
            elif not waiter.turn.cancelled() and waiter.turn.exception() is None:
                self.give_back(waiter.turn.result())  # it came together with the cancellation
            raise

    def _admit(self) -> None:
        """Let those go on for whom there is enough now, and send away for whom there never is."""
        while self._waiting:
            waiter = self._waiting[0]
            try:
                self._refuse_hopeless(waiter.worst, closing=waiter.closing)
            except BudgetSpent as error:
                self._waiting.popleft()
                _tell(waiter.turn, error)
                continue
            if self._lack(waiter.worst, closing=waiter.closing):
                return
            self._waiting.popleft()
            if not waiter.turn.done():
                waiter.turn.set_result(self._set_aside(waiter.worst))

    def _refuse_hopeless(self, worst: Usage, *, closing: bool) -> None:
        lack = self._lack(worst, closing=closing, under_way=False)
        if lack:
            raise BudgetSpent(
                f"the budget of the research is spent: {lack}",
                resource=lack.resource,
                cure="Give it more and resume it; finished steps are kept",
            )

    def _lack(self, worst: Usage, *, closing: bool, under_way: bool = True) -> Lack | None:
        """What there is too little of for an attempt, or ``None``."""
        kept = 0.0 if closing else KEPT_FOR_CLOSING
        others = [one.worst for one in self._reserved] if under_way else []
        budget = self._budget
        if budget.money is not None:
            left = budget.money * (1 - kept) - self._cost - sum(one.cost or 0.0 for one in others)
            if (worst.cost or 0.0) > left + ROUNDING * budget.money:
                return Lack("money", f"{max(left, 0):.4f} of {budget.money:g} {self._currency}")
        if budget.tokens is not None:
            tokens = budget.tokens * (1 - kept) - self._tokens - sum(one.tokens for one in others)
            if worst.tokens > tokens:
                return Lack("tokens", f"{max(int(tokens), 0):,} of {budget.tokens:,} tokens")
        seconds = self.left_s(closing=closing)
        if seconds is not None and seconds <= 0:
            return Lack("seconds", f"0 of {budget.seconds:g} seconds")
        return None

    def _check_price(self, worst: Usage) -> None:
        if self._budget.money is not None and worst.cost is None:
            raise ConfigurationError(
                "the research has a budget of money, and a price is not known",
                cure="Name the price in MODEL_FACTS, or bound its tokens instead",
            )


def _tell(turn: asyncio.Future[Reserved], error: Exception) -> None:
    if not turn.done():
        turn.set_exception(error)


@dataclass(frozen=True, slots=True)
class Lack:
    """What there is too little of: the resource, and what is left in words."""

    resource: str
    left: str

    def __str__(self) -> str:
        return f"{self.left} are left beside what is kept for writing up"


class Reserved:
    """What was set aside for one attempt."""

    def __init__(self, ledger: Ledger, worst: Usage) -> None:
        self.worst = worst
        self._ledger: Ledger | None = ledger

    def settle(self, used: Usage, *, answered: bool = True) -> None:
        """Count what was used, and give the rest back. The second time it does nothing.

        Args:
            used: by the attempt.
            answered: whether it gave an answer; else it was only paid for.
        """
        ledger, self._ledger = self._ledger, None
        if ledger is None:
            return
        if answered:
            ledger.count(used)
        else:
            ledger.spend(used)
        ledger.give_back(self)
