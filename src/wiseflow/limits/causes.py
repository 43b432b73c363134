"""Errors of one class that strike many calls of a provider at once are one cause; pure.

They are logged once and waited for together: when a provider goes down under two hundred calls, two
hundred lines and two hundred backoffs say less than one, and the first calls that come back show
whether it is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wiseflow.core.errors import ErrorClass

TOGETHER_S = 5.0  # errors so close to the last one are of its cause
MANY = 5  # from so many on it is more than chance
# Those that say nothing of other calls: each is about what was sent.
OWN = frozenset(
    {
        ErrorClass.CONTEXT_LENGTH,
        ErrorClass.BAD_REQUEST,
        ErrorClass.CONTENT_POLICY,
        ErrorClass.MALFORMED_OUTPUT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What strikes calls of one provider.

    Args:
        provider: whose calls.
        error_class: how.
        begun, last: when it struck first and last, in monotonic seconds.
        count: how many calls it struck.
        again_at: when the calls it struck are sent again; until then they wait together.
    """

    provider: str
    error_class: ErrorClass
    begun: float
    last: float
    count: int = 1
    again_at: float = 0.0

    @property
    def shared(self) -> bool:
        """Whether it strikes many."""
        return self.count >= MANY


class Causes:
    """The causes of late."""

    def __init__(self) -> None:
        self._causes: dict[tuple[str, ErrorClass], Cause] = {}

    def strike(self, provider: str, error_class: ErrorClass, now: float) -> Cause:
        """The cause of an error that just happened; its count is 1 when it is a new one."""
        new = Cause(provider=provider, error_class=error_class, begun=now, last=now)
        known = self._causes.get((provider, error_class))
        if error_class in OWN:
            return new
        if known is not None and now - known.last <= TOGETHER_S:
            new = replace(known, last=now, count=known.count + 1)
        self._causes[provider, error_class] = new
        return new

    def wait(self, cause: Cause, seconds: float, now: float) -> float:
        """For how long a call waits that it struck; those of one that strikes many wait together.

        Args:
            cause: of its error.
            seconds: how long it would wait alone.
            now: the time.
        """
        if not cause.shared:
            return seconds
        again_at = cause.again_at if cause.again_at > now else now + seconds
        self._causes[cause.provider, cause.error_class] = replace(cause, again_at=again_at)
        return again_at - now

    def over(self, provider: str) -> None:
        """A call was answered: what struck before is over."""
        for key in [key for key in self._causes if key[0] == provider]:
            del self._causes[key]

    def shared(self) -> list[Cause]:
        """Those that strike many."""
        return [cause for cause in self._causes.values() if cause.shared]
