"""One map, from its first item to its last: what is measured decides how it goes on."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from wiseflow.core.errors import InvalidInput
from wiseflow.core.groups import task_group
from wiseflow.engine.analysis import (
    HERE_S,
    MOST_AT_ONCE,
    START_S,
    Analysis,
    Conditions,
    at_once,
    foreknown,
    judged,
    quick,
    stays,
)
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.chunks import ChunkSizes, run_chunk
from wiseflow.engine.items import Items
from wiseflow.engine.outcomes import Collected, JobOutcome, Strategy
from wiseflow.engine.sampling import Measures, Sample
from wiseflow.engine.spreading import Batches, Chunks

LEAST_S = 0.001  # measured before anything is decided; one call of a cold function misleads
KEPT_S = 50e-6  # measured in all, to be remembered
SOON_S = 0.001  # the first slice of a function that is known takes so long
OTHER_ITEMS = 4
ROUND_TRIPS = 5
DONE_HERE = "Done in a plain loop before any other way could have been quicker"
NOTHING = (b"\x80\x05N.", b"\x80\x05].")  # pickles of None and of an empty list


@dataclass(slots=True, kw_only=True)
class Map:
    """A map that was asked for; not frozen, as that takes a tiny one longer to make."""

    func: Callable[[Any], Any]
    source: Items
    strategy: Strategy | None
    into: Collected
    at_once: int | None


class Mapper:
    """Does maps, and keeps what it learns of the engine and of functions.

    Args:
        carrier: makes the calls.
        workers: how many processes work at once.
    """

    def __init__(self, carrier: Carrier, workers: int) -> None:
        self._carrier = carrier
        self._workers = workers
        self._dispatch_s: float | None = None
        self._known: WeakKeyDictionary[object, Measures] = WeakKeyDictionary()

    async def waiting(self, job: Map, most: int, *, asynchronous: bool) -> JobOutcome:
        """Many items wait beside each other."""
        one_by_one = job.strategy is Strategy.SEQUENTIAL_OPTIMIZED
        batches = Batches(
            carrier=self._carrier,
            function=job.func,
            source=job.source,
            into=job.into,
            at_once=1 if one_by_one else most,
        )
        await batches.run(asynchronous=asynchronous)
        if batches.spread:
            reason = f"Items wait, so up to {most} of them wait beside each other"
            return job.into.outcome(Strategy.ASYNC_BATCHES, reason)
        return job.into.outcome(
            Strategy.SEQUENTIAL_OPTIMIZED, "Nothing waited, or at most one item"
        )

    async def plain(self, job: Map) -> JobOutcome:
        """Do a map of a plain function: one after the other first, then as that has shown."""
        sample = Sample(
            function=job.func,
            source=job.source,
            stop_at_failure=job.into.raising,
            results=job.into.results,
            failures=job.into.failures,
        )
        known = self._measures_of(job.func) if job.strategy is None else None
        analysis = None
        if known is not None:
            analysis = self._foreknown(job, sample, known)
        if analysis is None and not sample.ended:
            analysis = await self._sampled(job, sample, known)
        if sample.stopped:
            raise sample.failures[0].error
        if analysis is None:
            return job.into.outcome(Strategy.SEQUENTIAL_OPTIMIZED, DONE_HERE)
        if (job.strategy or analysis.strategy) is Strategy.PARALLEL_CHUNKS:
            return await self._chunks(job, analysis)
        left = job.source.left
        lanes = at_once(analysis.measures, MOST_AT_ONCE if left is None else left)
        return await self.waiting(job, job.at_once or lanes, asynchronous=False)

    def _foreknown(self, job: Map, sample: Sample, known: Measures) -> Analysis | None:
        """What an earlier map of the function spares this one: the sample, or a hop to a thread."""
        if not quick(known, job.source.total):
            return foreknown(known, self.conditions(job.source.left))
        # A hop to a thread would cost more than all of it.
        sample.run_here(_first(known), HERE_S)
        return None

    async def _sampled(self, job: Map, sample: Sample, known: Measures | None) -> Analysis | None:
        """Do items one after the other until another way is found to be better, or to the end."""
        first = 1 if known is None else _first(known)
        await self._carrier.call(partial(sample.run, self._goes_on(job), first=first))
        measures = sample.measures
        if sample.wall_s >= KEPT_S:
            self._remember(job.func, measures)
        return None if sample.ended else judged(measures, self.conditions(job.source.left))

    def _goes_on(self, job: Map) -> Callable[[Sample], bool]:
        """Whether a plain loop is the way for the rest, too; asked on the sample's thread."""

        def goes_on(sample: Sample) -> bool:
            if job.strategy is Strategy.SEQUENTIAL_OPTIMIZED or sample.wall_s < LEAST_S:
                return True
            if job.strategy is not None:
                sample.weigh()
                return False
            return stays(sample, self.conditions(job.source.left))

        return goes_on

    async def _chunks(self, job: Map, analysis: Analysis) -> JobOutcome:
        measures = analysis.measures
        if measures.obstacle:
            raise InvalidInput(
                f"the map cannot go to worker processes: {measures.obstacle}",
                cure="Give a module's own function and plain data, or leave the strategy out",
            )
        dispatch_s = await self._ready()
        chunks = Chunks(
            carrier=self._carrier,
            function=job.func,
            source=job.source,
            into=job.into,
            sizes=ChunkSizes(workers=self._workers, dispatch_s=dispatch_s, total=job.source.left),
            item_s=measures.wall_s,
            item_bytes=measures.item_bytes + measures.result_bytes,
        )
        await chunks.run()
        if not measures.wall_s <= chunks.mean_s <= OTHER_ITEMS * measures.wall_s:
            # Other items than before. A little longer is what workers take from each other.
            measures = replace(measures, wall_s=chunks.mean_s)
        self._remember(job.func, measures)
        outcome = job.into.outcome(Strategy.PARALLEL_CHUNKS, analysis.reason)
        return replace(outcome, chunk_size=chunks.longest, crashes=chunks.crashes)

    async def _ready(self) -> float:
        """Seconds that a chunk's way to a worker and back takes; the workers have started then."""
        if self._dispatch_s is None:
            async with task_group() as starts:
                for number in range(self._workers):
                    starts.create_task(self._round_trip(), name=f"start worker {number}")
            self._dispatch_s = statistics.median(
                [await self._round_trip() for _ in range(ROUND_TRIPS)]
            )
        return self._dispatch_s

    async def _round_trip(self) -> float:
        begun = time.perf_counter()
        await self._carrier.call(run_chunk, *NOTHING, cpu_bound=True)
        return time.perf_counter() - begun

    def conditions(self, left: int | None) -> Conditions:
        """What is known of the engine."""
        if self._dispatch_s is None:
            return Conditions(left=left, workers=self._workers, start_s=START_S)
        return Conditions(
            left=left, workers=self._workers, start_s=0.0, dispatch_s=self._dispatch_s
        )

    def _measures_of(self, func: object) -> Measures | None:
        try:
            return self._known.get(func)
        except TypeError:  # it has no hash, or nothing may refer to it weakly
            return None

    def _remember(self, func: object, measures: Measures) -> None:
        with contextlib.suppress(TypeError):  # see above
            self._known[func] = measures


def _first(known: Measures) -> int:
    return max(1, int(SOON_S / max(known.wall_s, 1e-9)))
