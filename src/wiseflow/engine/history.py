"""The past of one kind of task: what its tasks took, and how good expectations of them were.

Telling it of a task is an append to a list. What was told is learned when somebody asks, or when
the list is full; of a kind that fills its list again and again, only a sample is learned.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from wiseflow.core.statistics import Estimate, PredictionError
from wiseflow.engine.forecast import LEAST, MOST, Forecast, Spread
from wiseflow.engine.sketch import Sketch
from wiseflow.engine.stored import counts, numbers

# A full list; so long that learning a sample of it is little for each task told.
FULL = 512
# So many of a full list are learned, once ``PLENTY`` tasks of its kind were: of 100,000 a second
# still 800, so changes are followed within a tenth of a second.
SAMPLE = 4
PLENTY = 1_024
# As many as the spread of durations rests on; a median needs fewer buckets than the ends.
ERROR_HALF_LIFE = 200.0
ERROR_BUCKETS = 64
# Failures come in spells, so they are forgotten sooner.
FAILURE_HALF_LIFE = 50.0
# What is believed of failures before anything was seen: 1 in 20, with the weight of two tasks.
PRIOR_FAILED, PRIOR_TASKS = 0.1, 2.0
# Of what ``dump`` gives: to be raised when that changes its meaning.
VERSION = 1

# duration_s, failed, size, memory_bytes, cost: a bare tuple, as one is made for each task.
Told = tuple[float, bool, float | None, float | None, float | None]
_FAILED = itemgetter(1)


class KindHistory:
    """What was seen of one kind of task. To be got from ``Predictor.history``.

    Args:
        kind: of task.
        chance: draws samples.
    """

    def __init__(self, kind: str, chance: random.Random) -> None:
        self.kind = kind
        self.told: list[Told] = []  # and not learned yet
        self._chance = chance
        self._samples = 0
        self._duration, self._memory, self._cost = Forecast(), Forecast(), Forecast()
        self._failures = _Failures()
        self._judged = _Judged()

    def observe(
        self,
        duration_s: float,
        failed: bool = False,  # noqa: FBT001, FBT002 - by position, as keywords take longer
        size: float | None = None,
        memory_bytes: float | None = None,
        cost: float | None = None,
    ) -> None:
        """See ``Predictor.observe``."""
        told = self.told
        told.append((duration_s, failed, size, memory_bytes, cost))
        if len(told) >= FULL:
            self.learn()

    def learn(self) -> None:
        """Learn what was told."""
        told, self.told = self.told, []
        if not told:
            return
        self._samples += len(told)
        self._failures.learn(told)
        if len(told) >= FULL and self._duration.learned >= PLENTY:
            # By chance, as every n-th might be always the same step of a pattern; in order.
            told = [told[at] for at in sorted(self._chance.sample(range(len(told)), SAMPLE))]
        for duration_s, failed, size, memory_bytes, cost in told:
            if not failed:
                self._learn_one(duration_s, size, memory_bytes, cost)

    def estimate(self, size: float | None = None) -> Estimate | None:
        """See ``Predictor.estimate``."""
        self.learn()
        size = _known(size)
        duration = self._duration.spread(size)
        if duration is None:
            return None
        memory, cost = self._memory.spread(size), self._cost.spread(size)
        return Estimate(
            kind=self.kind,
            expected_s=duration.mean,
            p50_s=duration.p50,
            p90_s=duration.p90,
            low_s=duration.low,
            high_s=duration.high,
            failure_probability=self._failures.probability(),
            memory_bytes=memory and memory.p90,
            cost=cost and cost.mean,
            model=duration.model,
            samples=self._samples,
        )

    def error(self) -> PredictionError | None:
        """See ``Predictor.error``."""
        self.learn()
        return self._judged.error(self.kind)

    def dump(self) -> dict[str, Any]:
        """What was learned, as JSON takes it."""
        self.learn()
        return {
            "version": VERSION,
            "samples": self._samples,
            "failures": [self._failures.failed, self._failures.tasks],
            "judged": self._judged.dump(),
            "forecasts": [one.dump() if one.learned else None for one in self._forecasts()],
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """Take what ``dump`` gave instead of what was learned.

        Raises:
            ValueError, KeyError, TypeError: it is nothing of that kind, or of another version.
        """
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}, not {VERSION}")
        (self._samples,) = counts([data["samples"]])
        self._failures.failed, self._failures.tasks = numbers(data["failures"], least=0.0)
        self._judged.load(data["judged"])
        for forecast, state in zip(self._forecasts(), data["forecasts"], strict=True):
            if state is not None:
                forecast.load(state)

    def _forecasts(self) -> tuple[Forecast, Forecast, Forecast]:
        return self._duration, self._memory, self._cost

    def _learn_one(
        self, duration_s: float, size: float | None, memory_bytes: float | None, cost: float | None
    ) -> None:
        size = _known(size)
        if 0.0 <= duration_s <= MOST:
            self._judged.judge(duration_s, self._duration.learn(duration_s, size))
        if memory_bytes is not None and 0.0 <= memory_bytes <= MOST:
            self._memory.learn(memory_bytes, size)
        if cost is not None and 0.0 <= cost <= MOST:
            self._cost.learn(cost, size)


class _Failures:
    """How often tasks fail, lately."""

    __slots__ = ("failed", "tasks")

    def __init__(self) -> None:
        self.failed = self.tasks = 0.0

    def learn(self, told: Sequence[Told]) -> None:
        """These ended, in this order."""
        kept = _FAILURES_KEPT ** len(told)
        self.tasks = self.tasks * kept + (1.0 - kept) / (1.0 - _FAILURES_KEPT)
        self.failed *= kept
        if any(map(_FAILED, told)):
            ages = (age for age, one in enumerate(reversed(told)) if one[1])
            self.failed += sum(_FAILURES_KEPT**age for age in ages)

    def probability(self) -> float:
        """The mean of the beta distribution that follows from what was believed and seen."""
        return (self.failed + PRIOR_FAILED) / (self.tasks + PRIOR_TASKS)


class _Judged:
    """How far expectations were off that were made before the task had ended."""

    __slots__ = ("_far", "_judged", "_mean", "_means", "_seen", "_share", "_weight")

    def __init__(self) -> None:
        # Logarithms of how far off: in the value's unit, and as a share of it.
        self._far = Sketch(ERROR_HALF_LIFE, most=ERROR_BUCKETS)
        self._share = Sketch(ERROR_HALF_LIFE, most=ERROR_BUCKETS)
        self._judged, self._weight = 0, 0.0
        # Means: of being inside the range, of how far off, of how far "always the mean" was off.
        self._means = [0.0, 0.0, 0.0]
        self._seen, self._mean = 0, 0.0

    def judge(self, value: float, expected: Spread | None) -> None:
        """Compare a value with what was expected of it, and with the mean of all before."""
        if expected is not None:
            far = abs(value - expected.p50)
            logarithm = math.log(max(far, _NO_ERROR))
            self._far.add(logarithm)
            self._share.add(logarithm - math.log(max(value, LEAST)))
            inside = expected.low <= max(value, LEAST) <= expected.high
            self._weigh(float(inside), far, abs(value - self._mean))
        self._seen += 1
        self._mean += (value - self._mean) / self._seen

    def error(self, kind: str) -> PredictionError | None:
        """All of it, or ``None`` before anything was compared."""
        if not self._judged:
            return None
        inside, mean, mean_of_mean = self._means
        return PredictionError(
            kind=kind,
            samples=self._judged,
            median_s=_median(self._far),
            median_share=_median(self._share),
            inside=inside,
            mean_s=mean,
            mean_s_of_mean=mean_of_mean,
        )

    def dump(self) -> dict[str, Any]:
        return {
            "far": self._far.dump(),
            "share": self._share.dump(),
            "counts": [self._judged, self._seen],
            "state": [self._weight, self._mean, *self._means],
        }

    def load(self, data: Mapping[str, Any]) -> None:
        self._far.load(data["far"])
        self._share.load(data["share"])
        self._judged, self._seen = counts(data["counts"])
        self._weight, self._mean, *means = numbers(data["state"], least=0.0)
        _, _, _ = self._means = means

    def _weigh(self, *values: float) -> None:
        self._judged += 1
        self._weight = self._weight * _ERRORS_KEPT + 1.0
        self._means = [
            mean + (value - mean) / self._weight
            for mean, value in zip(self._means, values, strict=True)
        ]


_ERRORS_KEPT = 0.5 ** (1.0 / ERROR_HALF_LIFE)
_FAILURES_KEPT = 0.5 ** (1.0 / FAILURE_HALF_LIFE)
# What no prediction is nearer to; as logarithms have no zero.
_NO_ERROR = 1e-15


def _known(size: float | None) -> float | None:
    return size if size is not None and LEAST <= size <= MOST else None


def _median(logarithms: Sketch) -> float:
    ((low, high),) = logarithms.quantiles([0.5])
    return math.exp((low + high) / 2)
