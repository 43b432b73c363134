"""What comes of a job over many items: results in their order, and failures one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wiseflow.core.errors import InvalidInput
from wiseflow.engine.chunks import ItemFailure


class Strategy(StrEnum):
    """How a job is done."""

    PARALLEL_CHUNKS = "parallel_chunks"
    PIPELINE_STAGES = "pipeline_stages"
    ASYNC_BATCHES = "async_batches"
    SEQUENTIAL_OPTIMIZED = "sequential_optimized"


class OnError(StrEnum):
    """What a failed item does to the others."""

    COLLECT = "collect"  # nothing
    RAISE = "raise"  # they are given up, and its error is raised


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What came of a job.

    Args:
        results: in the order of the items; ``None`` for one that failed.
        failures: in the order of the items.
        strategy: how it was done in the end.
        reason: why, as a sentence.
        chunk_size: the greatest number of items sent at once; 1 where none were sent.
        crashes: how many workers died.
    """

    results: list[Any]
    failures: list[ItemFailure]
    strategy: Strategy
    reason: str
    chunk_size: int = 1
    crashes: int = 0


@dataclass(slots=True, kw_only=True)
class Collected:
    """Results in the order of the items, whoever did them and whenever.

    Args:
        raising: whether the first failure is raised.
    """

    raising: bool
    results: list[Any] = field(default_factory=list[Any])
    failures: list[ItemFailure] = field(default_factory=list[ItemFailure])

    def place(self, count: int) -> int:
        """Keep places for the next items; the first of them."""
        start = len(self.results)
        self.results.extend([None] * count)
        return start

    def fail(self, index: int, error: Exception, *, stage: str = "") -> None:
        """Note that an item failed."""
        self.failures.append(ItemFailure(index=index, error=error, stage=stage))
        if self.raising:
            raise error

    def outcome(self, strategy: Strategy, reason: str) -> JobOutcome:
        """What came of the job."""
        failures = sorted(self.failures, key=lambda failure: failure.index)
        return JobOutcome(results=self.results, failures=failures, strategy=strategy, reason=reason)


_WAYS = frozenset(OnError)


def collected(on_error: OnError | str) -> Collected:
    """Where results go. Raises ``InvalidInput`` when there is no such way with errors."""
    if on_error not in _WAYS:
        raise InvalidInput(f"{on_error!r} is no way with errors", cure="Give collect or raise")
    return Collected(raising=on_error == OnError.RAISE)
