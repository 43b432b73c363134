"""What a benchmark says: named figures with their range and the bar they are held against."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    Args:
        subject: what was measured on: a data set, a level of parallelism.
        measure: what was measured, with its unit.
        value: the figure.
        low, high: the ends of its 95 % range, or of what was seen over repeats; ``None`` where
            there is none.
        samples: how many questions, documents or repeats it rests on.
        bar: the least it has to be, or ``None``.
        most: the most it may be, or ``None``.
    """

    subject: str
    measure: str
    value: float
    low: float | None = None
    high: float | None = None
    samples: int = 1
    bar: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the figure is within its bar, or ``None`` when it has none."""
        if self.bar is None and self.most is None:
            return None
        enough = self.bar is None or self.value >= self.bar
        return enough and (self.most is None or self.value <= self.most)


def mean_with_range(values: Sequence[float], *, seed: int = 0) -> tuple[float, float, float]:
    """The mean of ``values`` and the ends of its 95 % bootstrap range.

    Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife" (1979), percentile method.
    """
    if not values:
        return math.nan, math.nan, math.nan
    chance = random.Random(seed)  # noqa: S311 - a seeded resample, not a secret
    means = sorted(
        statistics.fmean(chance.choices(values, k=len(values))) for _ in range(RESAMPLES)
    )
    return (
        statistics.fmean(values),
        means[int(RESAMPLES * 0.025)],
        means[int(RESAMPLES * 0.975) - 1],
    )


def mean_figure(
    subject: str, measure: str, values: Sequence[float], *, bar: float | None = None
) -> Figure:
    """The mean of ``values`` with its 95 % range."""
    value, low, high = mean_with_range(values)
    return Figure(
        subject=subject,
        measure=measure,
        value=value,
        low=low,
        high=high,
        samples=len(values),
        bar=bar,
    )


def spread_figure(
    subject: str,
    measure: str,
    values: Sequence[float],
    *,
    bar: float | None = None,
    most: float | None = None,
) -> Figure:
    """The median of repeats, with the least and the greatest."""
    return Figure(
        subject=subject,
        measure=measure,
        value=statistics.median(values),
        low=min(values),
        high=max(values),
        samples=len(values),
        bar=bar,
        most=most,
    )
