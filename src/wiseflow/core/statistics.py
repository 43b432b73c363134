"""Records of what is expected of a task, and of how good such expectations were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PredictionModel(StrEnum):
    """How what a task takes is thought to come about."""

    STEADY = "steady"  # always the same spread
    FOLLOWING = "following"  # a level that moves, and a spread around it
    LINEAR = "linear"  # a fixed part and a part for each unit of size
    POWER = "power"  # a power of the size


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is expected of a task of some kind.

    Args:
        kind: of task.
        expected_s: the mean of how long it takes, in seconds.
        p50_s, p90_s: the time within which half and nine tenths of such tasks end.
        low_s, high_s: nine tenths of such tasks take a time between these (5 % to 95 %).
        failure_probability: from 0 to 1; never quite either.
        memory_bytes: what nine tenths of such tasks stay below at their peak, or ``None`` where
            none was measured.
        cost: the mean, or ``None`` where none was told.
        model: where the durations come from.
        samples: how many tasks of this kind were seen.
    """

    kind: str
    expected_s: float
    p50_s: float
    p90_s: float
    low_s: float
    high_s: float
    failure_probability: float
    memory_bytes: float | None
    cost: float | None
    model: PredictionModel
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionError:
    """How good the expected durations of a kind of task were, each made before its task ended.

    Args:
        kind: of task.
        samples: how many predictions this rests on; recent ones count more.
        median_s: half of them were off by no more than this, in seconds.
        median_share: the same as a share of what the task really took.
        inside: the share of tasks that ended inside the range of 90 %.
        mean_s: the mean of how far they were off.
        mean_s_of_mean: the same of saying "the mean of all so far" each time.
    """

    kind: str
    samples: int
    median_s: float
    median_share: float
    inside: float
    mean_s: float
    mean_s_of_mean: float
