"""What a map costs and which way to do it is best: measured on its first items, never guessed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from wiseflow.core.tasks import TaskKind
from wiseflow.engine.calls import kind_of
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.chunks import ItemFailure
from wiseflow.engine.items import Items, length_of
from wiseflow.engine.machine import usable_cores
from wiseflow.engine.outcomes import Strategy
from wiseflow.engine.sampling import Measures, Sample
from wiseflow.engine.stages import Probe, Stage, lanes_for, stages_of
from wiseflow.engine.tasks import TaskManager

GAIN = 0.9  # share of the time of a plain loop that another way has to stay under
IO_SHARE = 0.5  # of an item's time that it waits, from which on threads are the way
START_S = 0.2  # for workers to start; 0.05–0.3 s were measured
DISPATCH_S = 300e-6  # until it was measured: a chunk's way to a worker and back
THREAD_S = 200e-6  # a task's way to a thread and back
HANDLED_S = 100e-9  # for an item to be put into a chunk and its result into its place
MOST_AT_ONCE = 32
HERE_S = 0.005  # so long a map of a function known as quick may keep the event loop to itself
QUIET = 0.01  # voluntary switches an item of a function that does not wait
SAMPLE_S = 0.005  # far over the clocks' resolution and the cost of a look at them
SAMPLE_SHARE = 0.03  # of the items of a known number


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a decision rests on beside the measures of the items.

    Args:
        left: how many items there are still; ``None`` when nobody knows.
        workers: how many processes work at once.
        start_s: seconds until they are ready; 0 when they are.
        dispatch_s: seconds for a chunk's way there and back.
    """

    left: int | None
    workers: int
    start_s: float = START_S
    dispatch_s: float = DISPATCH_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What is known of a job before it is done.

    Args:
        strategy: the way to do it.
        reason: why, as a sentence.
        measures: of an item, or of all stages for one item.
        predicted_s: the seconds what is left will take by each way that is open to it.
        depends: for each stage, the numbers of those whose results it needs; of a map, whose items
            are independent, it is empty.
        results: of the items that were measured; they need not be done again.
        failures: those of them that failed.
    """

    strategy: Strategy
    reason: str
    measures: Measures
    predicted_s: dict[Strategy, float]
    depends: tuple[tuple[int, ...], ...] = ()
    results: Sequence[Any] = field(default=(), repr=False)
    failures: Sequence[ItemFailure] = ()


def judged(measures: Measures, conditions: Conditions) -> Analysis:
    """The way for what is left of a map of a plain function, by the predicted times."""
    predicted = predictions(measures, conditions)
    best = best_of(predicted)
    return Analysis(
        strategy=best,
        reason=_reason(best, measures, predicted),
        measures=measures,
        predicted_s=predicted,
    )


def predictions(measures: Measures, conditions: Conditions) -> dict[Strategy, float]:
    """The seconds that what is left of a map will take by each way that is open to it."""
    # Of an unknown number it is expected that as many come again: at worst the half is waited for.
    left = measures.items if conditions.left is None else conditions.left
    here_s = left * measures.wall_s
    predicted = {Strategy.SEQUENTIAL_OPTIMIZED: here_s}
    if measures.io_share >= IO_SHARE:
        lanes = at_once(measures, left)
        predicted[Strategy.ASYNC_BATCHES] = here_s / lanes + THREAD_S
    elif not measures.obstacle and conditions.workers > 1:
        predicted[Strategy.PARALLEL_CHUNKS] = _in_processes(measures, conditions, left)
    return predicted


def best_of(predicted: dict[Strategy, float]) -> Strategy:
    """The quickest way, if it is enough quicker than a plain loop."""
    best = min(predicted, key=predicted.__getitem__)
    here_s = predicted[Strategy.SEQUENTIAL_OPTIMIZED]
    return best if predicted[best] < GAIN * here_s else Strategy.SEQUENTIAL_OPTIMIZED


def quick(measures: Measures, total: int | None) -> bool:
    """Whether a map is known not to wait, and to take next to no time on the event loop."""
    return total is not None and measures.waits < QUIET and total * measures.wall_s <= HERE_S


def foreknown(measures: Measures, conditions: Conditions) -> Analysis | None:
    """The way that an earlier map of the same function has shown to be better than a plain loop.

    ``None`` when it has shown none, or was never asked what sending its items costs.
    """
    best = best_of(predictions(measures, conditions))
    if best is Strategy.SEQUENTIAL_OPTIMIZED:
        return None
    if best is Strategy.PARALLEL_CHUNKS and not measures.weighed:
        return None
    return judged(measures, conditions)


def at_once(measures: Measures, left: int) -> int:
    """How many threads keep the interpreter busy while the others wait."""
    useful = measures.wall_s / max(measures.cpu_s, measures.wall_s / MOST_AT_ONCE, 1e-9)
    return max(1, min(MOST_AT_ONCE, math.ceil(useful), left))


def _in_processes(measures: Measures, conditions: Conditions, left: int) -> float:
    at_work = min(conditions.workers, max(left, 1))
    return (
        conditions.start_s
        + 2 * conditions.dispatch_s
        + left * (measures.wall_s + measures.pickle_s) / at_work
        + left * (measures.pickle_s + HANDLED_S)  # on our side, where nothing is done at once
    )


def _reason(best: Strategy, measures: Measures, predicted: dict[Strategy, float]) -> str:
    here_s = predicted[Strategy.SEQUENTIAL_OPTIMIZED]
    match best:
        case Strategy.ASYNC_BATCHES:
            return (
                f"An item waits {measures.io_share:.0%} of its time, so many wait at once: "
                f"{predicted[best]:.3g} s instead of {here_s:.3g} s"
            )
        case Strategy.PARALLEL_CHUNKS:
            return (
                f"An item computes for {measures.wall_s * 1e6:.3g} µs and pickles in "
                f"{measures.pickle_s * 1e6:.3g} µs, so processes share them: "
                f"{predicted[best]:.3g} s instead of {here_s:.3g} s"
            )
        case Strategy.SEQUENTIAL_OPTIMIZED if measures.obstacle:
            return f"It cannot be sent to a process: {measures.obstacle}"
        case Strategy.SEQUENTIAL_OPTIMIZED:
            return (
                f"All of it takes {here_s:.3g} s in a plain loop; no other way is quicker by 10 %"
            )
        case Strategy.PIPELINE_STAGES:  # pragma: no cover - a map has no stages
            return ""
    assert_never(best)


def judged_stages(
    stages: Sequence[Stage], measures: Sequence[Measures], conditions: Conditions
) -> tuple[Analysis, list[int]]:
    """The way for what is left of a pipeline, and how many lanes each stage gets then."""
    left = conditions.left if conditions.left is not None else measures[0].items
    most = [most_lanes(*pair, conditions) for pair in zip(stages, measures, strict=True)]
    lanes = lanes_for([one.wall_s for one in measures], most)
    whole = _sum_of(measures)
    slowest_s = max(one.wall_s / many for one, many in zip(measures, lanes, strict=True))
    # The event loop makes every hop of every item, one after the other.
    hops_s = sum(conditions.dispatch_s if one.cpu_bound else THREAD_S for one in stages)
    predicted = {
        Strategy.SEQUENTIAL_OPTIMIZED: left * whole.wall_s,
        Strategy.PIPELINE_STAGES: left * max(slowest_s, hops_s) + whole.wall_s,
    }
    here_s, lined_s = predicted.values()
    pays = lined_s < GAIN * here_s or any(stage.asynchronous for stage in stages)
    best = Strategy.PIPELINE_STAGES if pays else Strategy.SEQUENTIAL_OPTIMIZED
    analysis = Analysis(
        strategy=best,
        reason=(
            f"The slowest stage gives an item every {max(slowest_s, hops_s):.3g} s, "
            f"all stages one after the other every {whole.wall_s:.3g} s"
        ),
        measures=whole,
        predicted_s=predicted,
        depends=tuple((number - 1,) if number else () for number in range(len(stages))),
    )
    return analysis, lanes


def most_lanes(stage: Stage, measures: Measures, conditions: Conditions) -> int:
    """How many of a stage's lanes could be of use at once."""
    if stage.at_once is not None:
        return stage.at_once
    if stage.cpu_bound:
        return conditions.workers
    return at_once(measures, MOST_AT_ONCE)


def _sum_of(measures: Sequence[Measures]) -> Measures:
    return Measures(
        items=measures[0].items,
        wall_s=sum(one.wall_s for one in measures),
        cpu_s=sum(one.cpu_s for one in measures),
        waits=sum(one.waits for one in measures),
    )


def stays(sample: Sample, conditions: Conditions) -> bool:
    """Whether a plain loop is the way for what is left, too.

    What it costs to send items is measured only when that could decide.
    """
    best = best_of(predictions(sample.measures, conditions))
    if best is Strategy.PARALLEL_CHUNKS:
        sample.weigh()
        best = best_of(predictions(sample.measures, conditions))
    return best is Strategy.SEQUENTIAL_OPTIMIZED


class MultiDimensionalTaskAnalyzer:
    """Measures what a job costs on a few of its items, and says which way to do it is best.

    Args:
        tasks: the engine that the items are run by.
        workers: how many processes may work at once; as many as there are cores when ``None``.
    """

    def __init__(self, tasks: TaskManager, *, workers: int | None = None) -> None:
        self._carrier = Carrier(tasks=tasks, name="sample")
        self._workers = workers or usable_cores()

    async def analyze(self, func: Callable[[Any], Any], items: Iterable[Any]) -> Analysis:
        """What a map of ``func`` over ``items`` costs; its sample's results are in the answer.

        A few are done, one after the other: until 5 ms were measured, or 3 % of a known number.
        An iterator has lost those afterwards.

        Raises:
            InvalidInput: the function cannot be called.
        """
        total = length_of(items)
        most = None if total is None else max(1, int(total * SAMPLE_SHARE))
        sample = Sample(function=func, source=Items(itertools.islice(items, most)), lengths=True)
        asynchronous = kind_of(func, cpu_bound=False) is TaskKind.ASYNC
        if asynchronous:
            await self._carrier.call(sample.run_async, _short)
        else:
            await self._carrier.call(sample.run, _short)
            await self._carrier.call(sample.weigh)
        conditions = Conditions(
            left=None if total is None else total - len(sample.results),
            workers=1 if asynchronous else self._workers,
        )
        analysis = judged(sample.measures, conditions)
        return replace(analysis, results=sample.results, failures=sample.failures)

    async def analyze_stages(
        self, stages: Sequence[Callable[[Any], Any] | Stage], items: Iterable[Any]
    ) -> Analysis:
        """What a pipeline costs, measured on its first items.

        Raises:
            InvalidInput: there is no stage, or one cannot be called.
        """
        total = length_of(items)
        probe = Probe(carrier=self._carrier, stages=stages_of(stages))
        await probe.run(iter(items))
        left = None if total is None else total - len(probe.results)
        conditions = Conditions(left=left, workers=self._workers)
        analysis, _ = judged_stages(probe.stages, probe.measures, conditions)
        return replace(analysis, results=probe.results, failures=probe.failures)


def _short(sample: Sample) -> bool:
    return sample.wall_s < SAMPLE_S
