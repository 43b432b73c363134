"""What headers told is left of a limit; pure, time is an argument.

Source: draft-ietf-httpapi-ratelimit-headers (limit, remaining, reset) and the ``x-ratelimit-*``
headers that providers had before it.
"""

from __future__ import annotations

from dataclasses import dataclass

# A reset is told in whole seconds by some, and is counted from when the answer was sent.
MARGIN = 0.005  # of the window


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How much an answer told is left.

    The provider counts other instances' calls, too, so this is the truth about its window. It does
    not know of the calls that were sent after the one it answers: those are taken off here.

    Args:
        remaining: after the call that was answered.
        mark: how much had been taken ever, with that call.
        until: when it is whole again and this is out of date, in monotonic seconds.
    """

    remaining: float
    mark: float
    until: float

    def when(self, amount: float, taken: float, now: float) -> float:
        """The time from which ``amount`` may be taken, when ``taken`` has been taken ever."""
        if now >= self.until or self.remaining - (taken - self.mark) >= amount:
            return now
        return self.until

    def newer(self, other: Told | None, now: float) -> Told:
        """The one of the two to go by: answers may come in another order than they were made."""
        if other is None or now >= other.until or self.mark >= other.mark:
            return self
        return other
