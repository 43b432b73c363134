"""A bucket that may be in debt: for what is known only when it is over, as bytes; pure."""

from __future__ import annotations

import math

BURST_S = 1.0  # what was left unused is kept for this long


class Bucket:
    """A rate, and until when what was used has it used up.

    A call may begin while the bucket is not in debt; what it used is booked when it is known, and
    the next one waits until that is paid. So the rate holds over any longer time, and no answer is
    too large to be asked for.

    Source: virtual scheduling of ITU-T Recommendation I.371 (GCRA), with debt.

    Args:
        rate: a second, above 0.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._paid_at = -math.inf

    def when(self, now: float) -> float:
        """The time from which a call may begin: ``now`` if it may already."""
        return max(now, self._paid_at - BURST_S)

    def book(self, amount: float, now: float) -> None:
        """Charge what was used, or give back what is negative."""
        self._paid_at = max(self._paid_at, now) + amount / self.rate

    def resize(self, rate: float, now: float) -> None:
        """Pay at another rate; a debt stays as large as it is."""
        if self._paid_at > now:
            self._paid_at = now + (self._paid_at - now) * self.rate / rate
        self.rate = rate

    def debt_s(self, now: float) -> float:
        """In how many seconds all that was booked is paid."""
        return max(0.0, self._paid_at - now)
