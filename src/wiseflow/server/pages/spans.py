"""Samples of an hour put together into equal spans of time, to be drawn and told. Pure.

The edges lie at whole multiples of a span's length, so that what is drawn does not change each time
the page is fetched anew, but for its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wiseflow.app.metering.series import PerformanceSample

Samples = Sequence[PerformanceSample]
MINUTE_S = 60.0
DRAWN = 60


class Range(StrEnum):
    """Over how long the page looks back."""

    QUARTER = "15m"
    HOUR = "1h"

    @property
    def seconds(self) -> float:
        """How long that is."""
        return 900.0 if self is Range.QUARTER else 3_600.0

    @property
    def rows(self) -> int:
        """How many rows its tables have: one for a minute, or for five."""
        return 15 if self is Range.QUARTER else 12

    @property
    def words(self) -> str:
        """As people say it."""
        return "15 min" if self is Range.QUARTER else "1 h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the time and what was sampled in it.

    Args:
        start: seconds since the epoch.
        samples: whose interval ended in it, oldest first.
    """

    start: float
    samples: tuple[PerformanceSample, ...]


def spans(samples: Samples, *, until: float, range_s: float, count: int) -> list[Span]:
    """The spans of a range, oldest first.

    Args:
        samples: oldest first; those before the range are left out.
        until: lies in the last span; seconds since the epoch.
        range_s: how long all of them are together.
        count: how many there are.
    """
    width = range_s / count
    first = math.ceil(until / width) * width - range_s
    parts: list[list[PerformanceSample]] = [[] for _ in range(count)]
    for one in samples:
        place = math.floor((one.at - first) / width)
        if place >= 0:
            parts[min(place, count - 1)].append(one)
    return [Span(start=first + at * width, samples=tuple(part)) for at, part in enumerate(parts)]


def mean(samples: Samples, of: Callable[[PerformanceSample], float | None]) -> float | None:
    """What a quantity was on average; ``None`` where it is not known."""
    known = [value for value in map(of, samples) if value is not None]
    return sum(known) / len(known) if known else None


def most(samples: Samples, of: Callable[[PerformanceSample], float | None]) -> float | None:
    """The most that a quantity was; ``None`` where it is not known."""
    return max((value for value in map(of, samples) if value is not None), default=None)


def total(samples: Samples, of: Callable[[PerformanceSample], int]) -> int:
    """How often something happened."""
    return sum(map(of, samples))


def per_minute(samples: Samples, of: Callable[[PerformanceSample], int]) -> float | None:
    """How often something happened in a minute; ``None`` without samples."""
    seconds = sum(one.interval_s for one in samples)
    return total(samples, of) / seconds * MINUTE_S if seconds else None
