"""What happened since the last sample was taken, at most so much of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

# Beyond it latencies are only counted: 2,000 tell a P95 well enough.
KEPT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """How long a number of things took.

    Args:
        count: how many there were.
        failed: how many of them failed.
        p50_s, p95_s: what half, and 19 of 20, stayed under, in seconds; ``None`` without any.
    """

    count: int = 0
    failed: int = 0
    p50_s: float | None = None
    p95_s: float | None = None


@dataclass(slots=True)
class _Times:
    count: int = 0
    failed: int = 0
    taken_s: list[float] = field(default_factory=list[float])

    def add(self, seconds: float, *, failed: bool) -> None:
        self.count += 1
        self.failed += failed
        if len(self.taken_s) < KEPT:
            self.taken_s.append(seconds)

    def told(self) -> Latencies:
        ordered = sorted(self.taken_s)
        return Latencies(
            count=self.count,
            failed=self.failed,
            p50_s=quantile(ordered, 0.5),
            p95_s=quantile(ordered, 0.95),
        )


def quantile(ordered: list[float], share: float) -> float | None:
    """The least value that at least this share of the values does not exceed.

    Source: the nearest-rank method.
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What happened in an interval.

    Args:
        jobs_ended, jobs_failed: how many jobs ended, and how many of these failed.
        api: answers of the HTTP API; those that failed are the server's own errors.
        calls: attempts of calls, by provider.
    """

    jobs_ended: int
    jobs_failed: int
    api: Latencies
    calls: dict[str, Latencies]


class Interval:
    """Collects until it is taken."""

    def __init__(self) -> None:
        self._begin()

    def called(self, provider: str, seconds: float, *, failed: bool) -> None:
        """An attempt of a call came back."""
        self._calls.setdefault(provider, _Times()).add(seconds, failed=failed)

    def answered(self, seconds: float, *, failed: bool) -> None:
        """A request was answered."""
        self._api.add(seconds, failed=failed)

    def ended(self, *, failed: bool) -> None:
        """A job ended."""
        self._jobs_ended += 1
        self._jobs_failed += failed

    def take(self) -> Happened:
        """What happened since it was last taken."""
        happened = Happened(
            jobs_ended=self._jobs_ended,
            jobs_failed=self._jobs_failed,
            api=self._api.told(),
            calls={provider: times.told() for provider, times in self._calls.items()},
        )
        self._begin()
        return happened

    def _begin(self) -> None:
        self._jobs_ended = 0
        self._jobs_failed = 0
        self._api = _Times()
        self._calls: dict[str, _Times] = {}
