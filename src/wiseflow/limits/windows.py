"""What was taken of a limit in the window that ends now; pure, time is an argument.

A log of what was taken is right for any kind of window that a provider may use. A stream with at
most L in each window of length W that may begin anywhere also has at most L in each window that
begins at fixed times, and never finds a bucket empty that holds L and is filled by L in W: in a
time T it has at most L * ceil(T / W), the bucket gives L + L * T / W.

The window here is longer than the provider's by ``GUARD``, as what is taken here is counted there
when it arrives: one call may need a new connection (slow) and the one a window later use it again
(fast), so that they arrive closer together than they were sent. At 60 a minute, 0.9 s are more than
the handshakes of TCP and TLS take over any usual line, and cost 1.5 % of the rate.

Source: the sliding window log; that it conforms to a bucket: Cruz, A Calculus for Network Delay I,
IEEE Transactions on Information Theory 37 (1), 1991.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

GUARD = 0.015  # of the window
# Entries within this share of a window are kept as one, at the later time: the log stays short.
GRAIN = 1 / 2000
PACED_SHARE = 0.9  # of the rate; the rest is left for those that are not paced
ROUNDING = 1e-9  # sums of floats may never quite meet


@dataclass(slots=True)
class Entry:
    """What was taken at about one time.

    Args:
        begun: when the first of it was taken, in seconds.
        at: when the last was.
        amount: of it all.
    """

    begun: float
    at: float
    amount: float


class Window:
    """A limit, and a log of what was taken of it.

    Args:
        limit: how much may be taken in a window, above 0; infinite when not known.
        window_s: how long it is, in seconds.
    """

    def __init__(self, limit: float, window_s: float) -> None:
        self.window_s = window_s
        self.taken = 0.0  # ever; for who wants to know what was taken since
        self.paced_until = -math.inf
        self._log: deque[Entry] = deque()
        self._used = 0.0
        self.resize(limit)

    def resize(self, limit: float) -> None:
        """Have another limit; what was taken stays taken."""
        self.told_limit = limit
        # Half a request a minute is one in two.
        stretch = 1 / limit if limit < 1 else 1.0
        self.limit = max(limit, 1.0)
        self.span_s = self.window_s * stretch * (1 + GUARD)

    def used(self, now: float) -> float:
        """How much was taken in the window that ends now."""
        self._forget(now)
        return self._used

    def used_since(self, then: float) -> float:
        """How much was taken after ``then``, of what is not forgotten yet."""
        total = 0.0
        for entry in reversed(self._log):
            if entry.at <= then:
                break
            total += entry.amount
        return total

    def when(self, amount: float, now: float) -> float:
        """The time from which ``amount`` fits: ``now`` if it does already.

        More than the limit is taken for all of it: it then goes alone.
        """
        self._forget(now)
        over = self._used + min(amount, self.limit) - self.limit
        if over <= ROUNDING:
            return now
        for entry in self._log:
            over -= entry.amount
            if over <= ROUNDING:
                return max(now, entry.at + self.span_s)
        return math.inf  # not reached: an empty window has room for all of the limit

    def take(self, amount: float, now: float) -> Entry:
        """Take ``amount``; what ``settle`` needs to correct it."""
        amount = min(amount, self.limit)
        self.taken += amount
        self._used += amount
        last = self._log[-1] if self._log else None
        if last is not None and now - last.begun < self.window_s * GRAIN:
            last.at = max(last.at, now)
            last.amount += amount
            return last
        entry = Entry(now, now, amount)
        self._log.append(entry)
        return entry

    def pace(self, amount: float, now: float) -> None:
        """Have the next one that is paced wait as long as ``amount`` takes at the usual rate."""
        pause_s = self.span_s * min(amount, self.limit) / self.limit / PACED_SHARE
        self.paced_until = max(self.paced_until, now) + pause_s

    def settle(self, entry: Entry, taken: float, used: float) -> None:
        """Count ``used`` in place of what was ``taken`` by an entry."""
        change = used - min(taken, self.limit)
        self.taken += change
        entry.amount += change
        if self._log and entry.begun >= self._log[0].begun:  # else it is forgotten already
            self._used += change

    def _forget(self, now: float) -> None:
        while self._log and self._log[0].at + self.span_s <= now + ROUNDING:
            self._used -= self._log.popleft().amount
        if not self._log:
            self._used = 0.0
