"""The arithmetic of a limit that instances share; pure, time is an argument.

The stores that run in this program work by it, so that they agree to the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from wiseflow.core.limits import LeaseAsk

# Found limits and pauses are of no use to anybody after that time without a call.
LEARNT_FOR_S = 3600.0
ROUNDING = 1e-6  # sums of floats may never quite meet


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """What was lent at one time.

    Args:
        at: when, in seconds by the store's clock.
        amount: how much.
    """

    at: float
    amount: float


def lent(loans: Sequence[Loan], ask: LeaseAsk, now: float) -> tuple[float, float]:
    """How much is lent, and when there may be room if it is nothing.

    Args:
        loans: of this limit, the oldest first.
        ask: what is wanted.
        now: the time by the store's clock.

    Returns:
        The amount, 0 or at least ``ask.least``; and in how many seconds to ask again, 0 if lent.
    """
    if ask.limit is None:
        return ask.most, 0.0
    counted = [loan for loan in loans if loan.at + ask.window_s > now]
    room = ask.limit - sum(loan.amount for loan in counted)
    least = min(ask.least, ask.limit)
    if room + ROUNDING >= least:
        return max(least, min(ask.most, room)), 0.0
    # All of the limit is free when the last of them is over, and ``least`` is no more than that.
    over = zip(counted, accumulate(loan.amount for loan in counted), strict=True)
    at = next(loan.at for loan, freed in over if room + freed + ROUNDING >= least)
    return 0.0, at + ask.window_s - now


def granted(in_use: int, wanted: int, limit: int, others: Sequence[tuple[int, int]]) -> int:
    """How many slots a holder gets: what is free, but only its part while another is short.

    Args:
        in_use: how many calls it has under way; it keeps these, if they are still free.
        wanted: how many it wants.
        limit: how many all may have together.
        others: how many each of the others has, and wants.
    """
    free = max(0, limit - sum(held for held, _ in others))
    part = math.ceil(limit / (1 + len(others)))
    short = any(held < min(want, part) for held, want in others)
    return min(free, max(in_use, min(wanted, part if short else limit)))


def taken_back(loans: Sequence[Loan], amount: float) -> list[float]:
    """What is left of each loan of a holder, the oldest first, when it gives back ``amount``.

    The newest are given back first, as what is lent next counts from now.
    """
    left = [loan.amount for loan in loans]
    for index in reversed(range(len(left))):
        back = min(left[index], amount)
        left[index] -= back
        amount -= back
    return left
