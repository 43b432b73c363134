"""Finds a limit on requests that nobody told, with few refusals and no loss where there is none.

A refusal comes at once, an answer takes its time: a call that was not refused within the time that
a refusal takes has been accepted. So a call can be a scout: the next ones are held until it cannot
be refused any more. To send each call as a scout would cost much where there is no limit; but
limits are round numbers. Scouts are sent where the count in the window passes one, and closer just
above it, as a bucket has been filled a little meanwhile. All holding together is bounded by a share
of the time gone, so that a run without limits is slowed by no more than that.

After a refusal, what the provider accepted in its window is the limit. From then on calls are sent
one by one as far as the window has time for it; later a little more is tried, seldom, and twice as
much each time it succeeds.

Source: additive increase, multiplicative decrease: Chiu and Jain, Analysis of the Increase and
Decrease Algorithms for Congestion Avoidance, Computer Networks and ISDN Systems 17, 1989. Scouts,
round numbers and bounds are our own; figures in ADR 72.
"""

from __future__ import annotations

import bisect
import math

WINDOW_S = 60.0
ROUND_NUMBERS = tuple(
    step * scale for scale in (10, 100, 1_000, 10_000) for step in (1, 2, 3, 5, 6)
)
# Above a round number, as a share of it, and up to which one: a larger bucket is found by refusals.
NEAR, NEAR_UP_TO = 0.1, 60
SCOUT_EVERY = 3  # calls there
# So many are sent before the first answer, which may tell the limit: it is waited for once.
FIRST_WAVE, FIRST_ANSWER_S = 50, 5.0
# How long a scout is waited for: a share of what an answer takes, in bounds.
HOLD_SHARE = 0.006
HOLD_MIN_S, HOLD_MAX_S = 0.008, 0.3
REFUSAL_TIMES = 2.0  # a refusal that was seen took half as long as the next may
# All holding: a share of the time since the first call, and something to begin with.
HELD_SHARE, HELD_FIRST_S, HELD_MAX_S = 0.01, 0.08, 1.0
SPACING_SHARE = 0.5  # of a window, over which the calls of a found limit are spread at most
FIRST_TRIAL_WINDOWS = 5.0  # a found limit is believed for so long, then twice as long, …
MAX_TRIAL_WINDOWS = 80.0
FORGETTING = 0.2  # the weight of the last answer in what an answer takes


def is_scout(count: float) -> bool:
    """Whether the call that makes it ``count`` in the window is one that the next ones wait for."""
    below = ROUND_NUMBERS[bisect.bisect_left(ROUND_NUMBERS, count) - 1]
    above = count - below - 1
    near = NEAR * below if below <= NEAR_UP_TO else 0
    return above == 0 or (0 < above < near and above % SCOUT_EVERY == 0)


class Finder:
    """What is known of the limit on requests of one key, by what became of its calls.

    Args:
        now: when it begins, in monotonic seconds.
    """

    def __init__(self, now: float) -> None:
        self.limit = math.inf
        self.hold_until = now
        self._begun = now
        self._held_s = 0.0
        self._proven = 0.0
        self._answer_s = 0.0
        self._refusal_s = 0.0
        self._refused_at = -math.inf
        self._trial_at = math.inf
        self._trial_windows = FIRST_TRIAL_WINDOWS
        self._step = 1.0
        self._tried_above = math.inf

    @property
    def found(self) -> bool:
        """Whether there is a limit."""
        return self.limit < math.inf

    def took(self, count: float, now: float) -> None:
        """A call was sent, which made it ``count`` in the window: the next ones may be held."""
        if self.found:
            spacing = min(self._hold_s, SPACING_SHARE * WINDOW_S / self.limit)
            self.hold_until = now + spacing
            return
        if count >= FIRST_WAVE and not self._answer_s:
            self.hold_until = now + FIRST_ANSWER_S
            return
        if count <= self._proven or not is_scout(count):
            return
        allowed = min(HELD_FIRST_S + HELD_SHARE * (now - self._begun), HELD_MAX_S + self._held_s)
        if self._held_s + self._hold_s <= allowed:
            self._held_s += self._hold_s
            self.hold_until = now + self._hold_s
            self._proven = max(self._proven, count)

    def answered(self, latency_s: float) -> None:
        """A call was accepted and answered."""
        if not self._answer_s:
            self.hold_until = -math.inf
        weight = FORGETTING if self._answer_s else 1.0
        self._answer_s += weight * (latency_s - self._answer_s)

    def refused(self, sent_at: float, accepted: float, now: float) -> None:
        """A call was refused.

        Args:
            sent_at: when it was sent; one sent before the last refusal belongs to that one's cause.
            accepted: how many calls the provider took in its window.
            now: the time.
        """
        self._refusal_s = max(self._refusal_s / 2, now - sent_at)
        if sent_at <= self._refused_at:
            # Each more of a burst was counted as accepted when the first of it was refused.
            self.limit = max(1.0, min(self.limit, accepted))
            return
        self._refused_at = now
        self.hold_until = now
        trial = self.limit if accepted > self._tried_above else math.inf
        if trial < math.inf:
            self.limit = self._tried_above
            self._trial_windows = min(2 * self._trial_windows, MAX_TRIAL_WINDOWS)
        elif self.found:
            self.limit = max(1.0, self.limit / 2, min(self.limit - 1, accepted))
        else:
            self.limit = max(1.0, accepted)
        self._step = 1.0
        self._tried_above = math.inf
        self._trial_at = now + self._trial_windows * WINDOW_S

    def adopt(self, limit: float, now: float) -> None:
        """Another instance found the limit; what is refused of calls sent before is no news."""
        self.limit = limit
        self._refused_at = now
        self.hold_until = now
        self._tried_above = math.inf
        self._trial_at = now + self._trial_windows * WINDOW_S

    def tick(self, now: float) -> None:
        """Raise a found limit a little when it has held for long."""
        if not self.found or now < self._trial_at:
            return
        self._tried_above = self.limit
        self.limit += self._step
        self._step *= 2
        self._trial_at = now + WINDOW_S

    @property
    def _hold_s(self) -> float:
        if self._refusal_s:
            return min(max(REFUSAL_TIMES * self._refusal_s, HOLD_MIN_S), HOLD_MAX_S)
        return min(max(HOLD_SHARE * self._answer_s, HOLD_MIN_S), HOLD_MAX_S)
