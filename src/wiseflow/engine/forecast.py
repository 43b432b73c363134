"""What one quantity of a kind of task will be: a few simple models, and the best of them counts.

Each model gives a point; how the real values lie around it is counted as the logarithm of the real
value over the point. The model with the narrowest spread is used, so size matters where it helps.
Everything forgets, so what changes is followed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from wiseflow.core.statistics import PredictionModel
from wiseflow.engine.sketch import Sketch
from wiseflow.engine.stored import counts, numbers

# A spread needs some hundred numbers to have ends; with these, some 570 count. Twice as many would
# take as long again to see a change.
SPREAD_HALF_LIFE = 200.0
# A line has two numbers to learn, a level one, so the level may follow faster: it is then off by a
# twelfth of the spread, which widens the range by less than half a percent.
LINE_HALF_LIFE = 100.0
LEVEL_HALF_LIFE = 25.0
# With fewer values a range of 90 % would be a guess.
LEAST_SAMPLES = 5
# A model with more to it has to be so much better (in variance), so that chance does not choose.
BETTER_BY = 0.95
# What a slope is held to zero with, in squared units of what sizes vary by: sizes that hardly vary
# say nothing of other sizes.
RIDGE = 0.01
# Durations in seconds, bytes and costs all lie between; a value of 0 counts as the least.
LEAST, MOST = 1e-9, 1e18
# After so many more values than before (a sixteenth, at most 16) quantiles are taken anew: finding
# them takes longer than learning ten values.
STALE_SHARE, STALE_MOST = 16, 16
LEVELS = (0.05, 0.5, 0.9, 0.95)


class Spread(NamedTuple):
    """Where values lie; in the unit of the values.

    Args:
        low, p50, p90, high: the 5 %, 50 %, 90 % and 95 % quantiles.
        mean: of all.
        model: that gave them.
    """

    low: float
    p50: float
    p90: float
    high: float
    mean: float
    model: PredictionModel


class Forecast:
    """Learns values of a quantity, some with the size of their task."""

    def __init__(self) -> None:
        self.learned = 0
        self._level = _Line(LEVEL_HALF_LIFE)
        self._linear = _Line(LINE_HALF_LIFE)
        self._power = _Line(LINE_HALF_LIFE)
        self._mean_size = 0.0
        self._around = {model: _Around() for model in PredictionModel}
        self._fresh_until = 0
        self._best: dict[bool, PredictionModel] = {}

    def learn(self, value: float, size: float | None = None) -> Spread | None:
        """Learn a value, and give what was expected of it before.

        Args:
            value: from 0 to ``MOST``.
            size: of its task, from ``LEAST`` to ``MOST``, or ``None``.

        Returns:
            What ``spread`` would have given.
        """
        value = max(value, LEAST)
        points = self._points(size)
        expected = self._spread(points)
        logarithm = math.log(value)
        for model, point in points.items():
            self._around[model].count(logarithm - point)
        self._level.learn(0.0, logarithm, 1.0)
        if size is not None:
            self._learn_size(value, logarithm, size)
        self.learned += 1
        if self.learned >= self._fresh_until:
            self._go_stale()
        return expected

    def spread(self, size: float | None = None) -> Spread | None:
        """Where the value of a task will lie; ``None`` while too little is known."""
        return self._spread(self._points(size))

    def dump(self) -> dict[str, Any]:
        """What was learned, as JSON takes it."""
        return {
            "learned": self.learned,
            "mean_size": self._mean_size,
            "lines": [line.state() for line in self._lines()],
            "around": {model.value: around.dump() for model, around in self._around.items()},
        }

    def load(self, data: Mapping[str, Any]) -> Self:
        """Take what ``dump`` gave instead of what was learned so far.

        Raises:
            ValueError, KeyError, TypeError: it is nothing of that kind.
        """
        (self.learned,) = counts([data["learned"]])
        (self._mean_size,) = numbers([data["mean_size"]], least=0.0)
        for line, state in zip(self._lines(), data["lines"], strict=True):
            line.restore(state)
        for model, around in self._around.items():
            around.load(data["around"][model.value])
        self._go_stale()
        return self

    def _lines(self) -> tuple[_Line, _Line, _Line]:
        return self._level, self._linear, self._power

    def _points(self, size: float | None) -> dict[PredictionModel, float]:
        """The logarithm of what each model says that can say something."""
        points = {PredictionModel.STEADY: 0.0}
        if self._level.weight:
            points[PredictionModel.FOLLOWING] = self._level.centre_y
        if size is not None and self._power.weight:
            # A straight line may go below nothing where no sizes were; yet there it takes a little.
            least = max(self._linear.centre_y / 100, LEAST)
            linear = math.log(min(max(self._linear.at(size), least), MOST))
            power = self._power.at(math.log(size))
            points[PredictionModel.LINEAR] = linear
            points[PredictionModel.POWER] = min(max(power, _LOG_LEAST), _LOG_MOST)
        return points

    def _learn_size(self, value: float, logarithm: float, size: float) -> None:
        power = self._power
        power.learn(math.log(size), logarithm, 1.0)
        self._mean_size += (size - self._mean_size) / power.weight
        # Great values are off by more, so they weigh less.
        self._linear.learn(size, value, (size + self._mean_size) ** -2)

    def _spread(self, points: Mapping[PredictionModel, float]) -> Spread | None:
        if self.learned < LEAST_SAMPLES:
            return None
        sized = PredictionModel.POWER in points
        model = self._best.get(sized)
        if model is None:
            model = self._best[sized] = self._choose(points)
        ratios, mean = self._around[model].view()
        point = points[model]
        low, p50, p90, high = (_exp(point + ratio) for ratio in ratios)
        return Spread(low, p50, p90, high, _exp(point) * mean, model)

    def _choose(self, points: Mapping[PredictionModel, float]) -> PredictionModel:
        best, least = PredictionModel.STEADY, math.inf
        for model in points:
            around = self._around[model]
            if around.learned >= LEAST_SAMPLES and around.variance() < least:
                best, least = model, around.variance() * BETTER_BY
        return best

    def _go_stale(self) -> None:
        self._fresh_until = self.learned + min(self.learned // STALE_SHARE + 1, STALE_MOST)
        self._best.clear()
        for around in self._around.values():
            around.seen = None


class _Around:
    """How values lie around the points of one model, as logarithms of their ratios."""

    __slots__ = ("_mean", "_ratios", "_square", "_weight", "learned", "seen")

    def __init__(self) -> None:
        self.learned = 0
        self.seen: tuple[list[float], float] | None = None
        self._ratios = Sketch(SPREAD_HALF_LIFE)
        self._weight = self._mean = self._square = 0.0

    def count(self, ratio: float) -> None:
        self.learned += 1
        self._ratios.add(ratio)
        self._weight = self._weight * _LINE_DECAY + 1.0
        off = ratio - self._mean
        rate = 1.0 / self._weight
        self._mean += off * rate
        self._square += (off * off * (1.0 - rate) - self._square) * rate

    def variance(self) -> float:
        return self._square

    def view(self) -> tuple[list[float], float]:
        """The ratios at ``LEVELS`` as logarithms, and the mean ratio."""
        if self.seen is None:
            (low, _), median, p90, (_, high) = self._ratios.quantiles(LEVELS)
            # The outer edges at the ends: nothing finer than a bucket is claimed.
            ratios = [low, sum(median) / 2, sum(p90) / 2, high]
            self.seen = ratios, self._ratios.mean_exponential()
        return self.seen

    def dump(self) -> dict[str, Any]:
        return {
            "learned": self.learned,
            "weights": [self._weight, self._square],
            "mean": self._mean,
            "ratios": self._ratios.dump(),
        }

    def load(self, data: Mapping[str, Any]) -> None:
        (self.learned,) = counts([data["learned"]])
        self._weight, self._square = numbers(data["weights"], least=0.0)
        (self._mean,) = numbers([data["mean"]])
        self._ratios.load(data["ratios"])


class _Line:
    """The straight line through points, the newer ones weighing more."""

    __slots__ = ("_decay", "_xx", "_xy", "centre_x", "centre_y", "weight")

    def __init__(self, half_life: float) -> None:
        self._decay = 0.5 ** (1.0 / half_life)
        self.weight = self.centre_x = self.centre_y = self._xx = self._xy = 0.0

    def at(self, x: float) -> float:
        return self.centre_y + self._xy / (self._xx + RIDGE) * (x - self.centre_x)

    def learn(self, x: float, y: float, weight: float) -> None:
        """Moments around the centre, as sums of squares of great numbers would lose digits.

        Source: B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
        Products" (1962).
        """
        decay = self._decay
        before = self.weight * decay
        self.weight = before + weight
        off = x - self.centre_x
        share = weight / self.weight
        self.centre_x += off * share
        self._xx = self._xx * decay + before * share * off * off
        self._xy = self._xy * decay + before * share * off * (y - self.centre_y)
        self.centre_y += (y - self.centre_y) * share

    def state(self) -> list[float]:
        return [self.weight, self._xx, self.centre_x, self.centre_y, self._xy]

    def restore(self, state: Sequence[float]) -> None:
        self.weight, self._xx = numbers(state[:2], least=0.0)
        self.centre_x, self.centre_y, self._xy = numbers(state[2:])


_LINE_DECAY = 0.5 ** (1.0 / LINE_HALF_LIFE)
_LOG_LEAST, _LOG_MOST = math.log(LEAST), math.log(MOST)


def _exp(logarithm: float) -> float:
    # Far beyond ``MOST``, and far from where doubles end.
    return math.exp(min(max(logarithm, -100.0), 100.0))
