"""Where most of many numbers lie, in little room, and how that changes.

Numbers are counted in buckets of one width, of which only those that hold something are kept. When
there are too many, neighbours are joined in pairs, so the buckets become as wide as the spread of
the numbers needs. Given logarithms, the error of a quantile is relative.

Source: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees" (VLDB 2019) for buckets of logarithms; I. Epicoco et al., "UDDSketch:
Accurate Tracking of Quantiles in Data Streams" (IEEE Access 2020) for joining all in pairs;
G. Cormode et al., "Forward Decay: A Practical Time Decay Model for Streaming Systems" (ICDE 2009)
for the newest weighing more instead of all others being made lighter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from operator import index
from typing import Any, Self

from wiseflow.engine.stored import numbers

# A power of two, so that joined buckets have exact edges. Logarithms that differ by less, 0.1 %,
# are as good as equal.
FINEST = 2.0**-10
# Some 2 % from one to the next when the numbers are spread over a factor of ten.
MOST_BUCKETS = 128
# The logarithms of all that a double can hold are nearer to zero.
FARTHEST = 745.0
# When the newest weighs so much, all are made lighter; far from where doubles end.
TOO_HEAVY = 1e100
# What weighs less than this against the newest is forgotten then.
NEGLIGIBLE = 1e-9


def growth(half_life: float) -> float:
    """How much more a number weighs than the one before, for it to weigh half after so many."""
    return 2.0 ** (1.0 / half_life)


class Sketch:
    """Counts numbers, newer ones weighing more.

    Args:
        half_life: after how many further numbers one weighs half.
        most: how many buckets there may be, at least 2.
    """

    __slots__ = ("_buckets", "_growth", "_most", "_unit", "_width")

    def __init__(self, half_life: float, *, most: int = MOST_BUCKETS) -> None:
        self._growth = growth(half_life)
        self._most = most
        self._width = FINEST
        self._unit = 1.0  # what the newest weighs
        # What the numbers from ``key * width`` up to ``(key + 1) * width`` weigh.
        self._buckets: dict[int, float] = {}

    def __len__(self) -> int:
        """How many buckets hold something."""
        return len(self._buckets)

    @property
    def weight(self) -> float:
        """What all numbers weigh together, where the newest weighs 1."""
        return sum(self._buckets.values()) / self._unit

    @property
    def width(self) -> float:
        """Of a bucket."""
        return self._width

    def add(self, number: float) -> None:
        """Count a number, no farther from zero than ``FARTHEST``."""
        key = math.floor(number / self._width)
        buckets = self._buckets
        unit = self._unit = self._unit * self._growth
        buckets[key] = buckets.get(key, 0.0) + unit
        if unit > TOO_HEAVY or len(buckets) > self._most:
            self._make_room()

    def merge(self, other: Sketch) -> None:
        """Count what another counted too, as if the newest of both were equally old."""
        scale = self._unit / other._unit
        theirs, width = other._buckets, other._width
        while self._width < width:
            self._widen()
        while width < self._width:
            theirs, width = _joined(theirs), width * 2
        for key, weight in theirs.items():
            self._buckets[key] = self._buckets.get(key, 0.0) + weight * scale
        self._make_room()

    def quantiles(self, levels: Sequence[float]) -> list[tuple[float, float]]:
        """The edges of the buckets that hold these quantiles; (0, 0) when nothing was counted.

        A level is taken as a rank among those counted and one more, so that the next number is
        below with that chance, also when few were counted.

        Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World" (2005).

        Args:
            levels: from 0 to 1, ascending.
        """
        keys = sorted(self._buckets)
        if not keys:
            return [(0.0, 0.0)] * len(levels)
        below = list(accumulate(map(self._buckets.__getitem__, keys)))
        edges: list[tuple[float, float]] = []
        at = 0
        for level in levels:
            rank = level * (below[-1] + self._unit)
            while at < len(keys) - 1 and below[at] < rank:
                at += 1
            edges.append((keys[at] * self._width, (keys[at] + 1) * self._width))
        return edges

    def mean_exponential(self) -> float:
        """The mean of e to the power of each: given logarithms, of what they are of; else 0."""
        total = mean = 0.0
        for key, weight in self._buckets.items():
            total += weight
            mean += weight * math.exp(min((key + 0.5) * self._width, FARTHEST / 2))
        return mean / total if total else 0.0

    def dump(self) -> dict[str, Any]:
        """What was counted, as JSON takes it; weights have four digits."""
        keys = sorted(self._buckets)
        return {
            "width": self._width,
            "steps": [after - before for before, after in pairwise([0, *keys])],
            "weights": [float(f"{self._buckets[key] / self._unit:.4g}") for key in keys],
        }

    def load(self, data: Mapping[str, Any]) -> Self:
        """Take what ``dump`` gave instead of what was counted so far.

        Raises:
            ValueError, KeyError, TypeError: it is nothing of that kind.
        """
        width, weights = data["width"], numbers(data["weights"], least=0.0)
        keys = list(accumulate(map(index, data["steps"])))
        if width not in _WIDTHS or len(keys) != len(weights) or sorted(set(keys)) != keys:
            raise ValueError("buckets of an unknown width, in disorder, or without a weight")
        if any(abs(key) * width > 2 * FARTHEST for key in keys):
            raise ValueError("a bucket is too far away")
        self._width, self._unit = width, 1.0
        self._buckets = dict(zip(keys, weights, strict=True))
        self._make_room()
        return self

    def _make_room(self) -> None:
        """Make all lighter, forget what weighs nothing, and join what are too many."""
        light = {key: weight / self._unit for key, weight in self._buckets.items()}
        self._buckets = {key: weight for key, weight in light.items() if weight > NEGLIGIBLE}
        self._unit = 1.0
        while len(self._buckets) > self._most:
            self._widen()

    def _widen(self) -> None:
        self._buckets = _joined(self._buckets)
        self._width *= 2


_WIDTHS = frozenset(FINEST * 2.0**power for power in range(24))


def _joined(buckets: Mapping[int, float]) -> dict[int, float]:
    joined: dict[int, float] = {}
    for key, weight in buckets.items():
        joined[key // 2] = joined.get(key // 2, 0.0) + weight
    return joined
