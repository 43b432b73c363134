"""Stages of a pipeline: what they are, how one does an item, and what each costs."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wiseflow.core.errors import InvalidInput, WorkerError
from wiseflow.core.tasks import TaskKind
from wiseflow.engine.calls import kind_of
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.chunks import ItemFailure, Timed, timed
from wiseflow.engine.sampling import Measures

PROBED = 4  # items that go through all stages one after the other, and are measured
PROBE_S = 0.05  # or fewer, when these take longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a pipeline.

    Args:
        func: gets what the stage before gave: asynchronous, plain, or plain and CPU-bound.
        cpu_bound: whether it runs in worker processes.
        at_once: how many items it may have in hand; found by measuring when ``None``.
        name: what failures call it; the function's when "".
    """

    func: Callable[[Any], Any]
    cpu_bound: bool = False
    at_once: int | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """What it is called."""
        return self.name or str(getattr(self.func, "__name__", repr(self.func)))

    @property
    def asynchronous(self) -> bool:
        """Whether it runs on the event loop."""
        return kind_of(self.func, cpu_bound=self.cpu_bound) is TaskKind.ASYNC

    async def done(self, carrier: Carrier, item: object) -> Timed:
        """What becomes of one item."""
        if self.asynchronous:
            result: Timed = await carrier.call(_timed_async, self.func, item)
            return result
        try:
            return await carrier.call(timed, self.func, item, cpu_bound=self.cpu_bound)
        except (WorkerError, InvalidInput) as error:  # its worker died, or it cannot be sent
            if not self.cpu_bound:
                raise
            return Timed(value=None, error=error, wall_s=0.0, cpu_s=0.0, waits=0)


def stages_of(given: Sequence[Callable[[Any], Any] | Stage]) -> list[Stage]:
    """Stages of what a caller gave.

    Raises:
        InvalidInput: there is none, or one cannot be run.
    """
    stages = [one if isinstance(one, Stage) else Stage(func=one) for one in given]
    if not stages:
        raise InvalidInput("a pipeline without stages does nothing", cure="Give at least one")
    for stage in stages:
        kind_of(stage.func, cpu_bound=stage.cpu_bound)
        if stage.at_once is not None and stage.at_once < 1:
            raise InvalidInput(
                f"the stage {stage.label!r} may have {stage.at_once} items in hand",
                cure="Give at least 1",
            )
    return stages


def lanes_for(costs: Sequence[float], most: Sequence[int]) -> list[int]:
    """How many items each stage has in hand, so that none is slower than the slowest has to be.

    Args:
        costs: seconds an item takes in each stage.
        most: how many at once could be of use in each.
    """
    slowest = max(cost / many for cost, many in zip(costs, most, strict=True))
    if slowest <= 0:
        return [1] * len(costs)
    return [
        # A hair less, as a quotient of floats may be over the whole number that it is.
        max(1, min(many, math.ceil(cost / slowest - 1e-9)))
        for cost, many in zip(costs, most, strict=True)
    ]


@dataclass(slots=True, kw_only=True)
class Probe:
    """The first items of a pipeline, taken through all stages one after the other."""

    carrier: Carrier
    stages: Sequence[Stage]
    results: list[Any] = field(default_factory=list[Any])
    failures: list[ItemFailure] = field(default_factory=list[ItemFailure])
    exhausted: bool = False
    _took: list[list[Timed]] = field(default_factory=list[list[Timed]])

    @property
    def measures(self) -> list[Measures]:
        """What each stage costs."""
        return [_mean(took) for took in self._took]

    async def run(self, source: Iterator[Any]) -> None:
        """Take items from the source and do them."""
        self._took = [[] for _ in self.stages]
        until = time.perf_counter() + PROBE_S
        for item in itertools.islice(source, PROBED):
            await self._through(item)
            if time.perf_counter() >= until:
                return
        self.exhausted = len(self.results) < PROBED

    async def _through(self, item: object) -> None:
        value = item
        for stage, took in zip(self.stages, self._took, strict=True):
            done = await stage.done(self.carrier, value)
            took.append(done)
            value = done.value
            if done.error is not None:
                self.failures.append(
                    ItemFailure(index=len(self.results), error=done.error, stage=stage.label)
                )
                break
        self.results.append(value)


async def _timed_async(function: Callable[[Any], Any], item: object) -> Timed:
    cpu, wall = time.thread_time(), time.perf_counter()
    value, error = None, None
    try:
        value = await function(item)
    except Exception as raised:  # noqa: BLE001 - a boundary: an item's failure is its own
        error = raised
    wall_s, cpu_s = time.perf_counter() - wall, time.thread_time() - cpu
    return Timed(value=value, error=error, wall_s=wall_s, cpu_s=cpu_s, waits=1)


def _mean(took: Sequence[Timed]) -> Measures:
    done = max(len(took), 1)
    return Measures(
        items=len(took),
        wall_s=sum(one.wall_s for one in took) / done,
        cpu_s=sum(one.cpu_s for one in took) / done,
        waits=sum(one.waits for one in took) / done,
    )
