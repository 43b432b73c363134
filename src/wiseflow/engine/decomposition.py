"""The front of decomposition: a job over many items, done in the way that measuring finds best."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput, TimeLimit
from wiseflow.core.tasks import TaskKind
from wiseflow.engine.analysis import MOST_AT_ONCE, judged_stages
from wiseflow.engine.calls import kind_of
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.items import Items
from wiseflow.engine.machine import usable_cores
from wiseflow.engine.mapping import Map, Mapper
from wiseflow.engine.outcomes import Collected, JobOutcome, OnError, Strategy, collected
from wiseflow.engine.pipeline import Joined, Pipeline, as_of_stage
from wiseflow.engine.sampling import Sample
from wiseflow.engine.stages import Probe, Stage, stages_of
from wiseflow.engine.tasks import TaskManager

BUFFER = 16


class IntelligentTaskDecomposer:
    """Does a job over many items in the way that is best by what its first items cost.

    What it has learnt of the engine and of functions it keeps, so one that lives long decides
    sooner than several that live short.

    Args:
        tasks: the engine that does the work.
        workers: how many processes work at once; as many as there are cores when ``None``.
        name, priority, run: of the tasks that it registers, see ``TaskRequest``.
    """

    def __init__(
        self,
        tasks: TaskManager,
        *,
        workers: int | None = None,
        name: str = "map",
        priority: TaskPriority = TaskPriority.NORMAL,
        run: str = "",
    ) -> None:
        carrier = Carrier(tasks=tasks, name=name, priority=priority, run=run)
        self._carrier = carrier
        self._mapper = Mapper(carrier, workers or usable_cores())

    async def map(
        self,
        func: Callable[[Any], Any],
        items: Iterable[Any],
        *,
        strategy: Strategy | str | None = None,
        on_error: OnError | str = OnError.COLLECT,
        at_once: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as that of a task
    ) -> JobOutcome:
        """Do ``func`` with each item.

        A plain function runs on a thread at first; where processes pay it goes on there, so it
        must not rely on what it changes outside. Items may be any iterable; they are taken as they
        are needed, on the event loop or on a thread.

        Args:
            func: asynchronous or plain.
            items: independent of each other.
            strategy: do it so, whatever was measured.
            on_error: whether a failed item costs itself only.
            at_once: how many items wait beside each other, at most, where they wait.
            timeout: how long all of it may take, in seconds.

        Raises:
            InvalidInput: a map cannot be done so, or the function cannot be called.
            TimeLimit: it took longer than ``timeout``.
            Exception: what the first item that failed raised, when that is wanted.
        """
        asynchronous = kind_of(func, cpu_bound=False) is TaskKind.ASYNC
        if at_once is not None and at_once < 1:
            raise InvalidInput(f"{at_once} items at once are none", cure="Give at least 1")
        job = Map(
            func=func,
            source=Items(items),
            strategy=_way(strategy, asynchronous=asynchronous, map_=True),
            into=collected(on_error),
            at_once=at_once,
        )
        async with _limited(timeout):
            if asynchronous:
                return await self._mapper.waiting(job, at_once or MOST_AT_ONCE, asynchronous=True)
            return await self._mapper.plain(job)

    async def pipeline(
        self,
        stages: Sequence[Callable[[Any], Any] | Stage],
        items: Iterable[Any],
        *,
        buffer: int = BUFFER,
        strategy: Strategy | str | None = None,
        on_error: OnError | str = OnError.COLLECT,
        timeout: float | None = None,  # noqa: ASYNC109 - as that of a task
    ) -> JobOutcome:
        """Take each item through all stages, several stages at the same time.

        Args:
            stages: functions, or ``Stage`` for one that is CPU-bound or bounded by the caller.
            items: independent of each other; taken as there is room for them.
            buffer: how many items wait before each stage, at most.
            strategy: do it so, whatever was measured.
            on_error: as of ``map``. A failure names its stage.
            timeout: as of ``map``.

        Raises:
            InvalidInput, TimeLimit, Exception: as ``map``.
        """
        line = stages_of(stages)
        if buffer < 1:
            raise InvalidInput(f"a buffer of {buffer} lets no item through", cure="Give 1 or more")
        asynchronous = any(stage.asynchronous for stage in line)
        way = _way(strategy, asynchronous=asynchronous, map_=False)
        async with _limited(timeout):
            return await self._line(line, items, buffer, way, collected(on_error))

    async def _line(
        self,
        line: list[Stage],
        items: Iterable[Any],
        buffer: int,
        strategy: Strategy | None,
        into: Collected,
    ) -> JobOutcome:
        source = Items(items)
        probe = Probe(carrier=self._carrier, stages=line)
        await probe.run(source)
        into.results, into.failures = probe.results, probe.failures
        if into.raising and probe.failures:
            raise probe.failures[0].error
        conditions = self._mapper.conditions(source.left)
        analysis, lanes = judged_stages(line, probe.measures, conditions)
        strategy = strategy or analysis.strategy
        if strategy is Strategy.SEQUENTIAL_OPTIMIZED or probe.exhausted:
            await self._joined(line, source, into)
            return into.outcome(Strategy.SEQUENTIAL_OPTIMIZED, analysis.reason)
        pipeline = Pipeline(
            carrier=self._carrier, stages=line, lanes=lanes, buffer=buffer, into=into
        )
        await pipeline.run(source)
        return into.outcome(Strategy.PIPELINE_STAGES, analysis.reason)

    async def _joined(self, line: Sequence[Stage], source: Items, into: Collected) -> None:
        """Do the rest of a pipeline one item after the other, on a thread."""
        sample = Sample(
            function=Joined(stages=line),
            source=source,
            stop_at_failure=into.raising,
            results=into.results,
            failures=into.failures,
        )
        done = len(into.failures)
        await self._carrier.call(sample.run, _always)
        into.failures[done:] = [as_of_stage(failure) for failure in into.failures[done:]]
        if into.raising and into.failures:
            raise into.failures[0].error


def _always(_: Sample) -> bool:
    return True


def _limited(timeout_s: float | None) -> AbstractAsyncContextManager[None]:
    # The plain way costs a tiny map several percent.
    return nullcontext() if timeout_s is None else _time_limit(timeout_s)


@asynccontextmanager
async def _time_limit(timeout_s: float) -> AsyncGenerator[None]:
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise TimeLimit(f"the job took longer than {timeout_s:g} s") from None


def _way(strategy: Strategy | str | None, *, asynchronous: bool, map_: bool) -> Strategy | None:
    """A strategy that was asked for. Raises ``InvalidInput`` when a job cannot be done so."""
    if strategy is None:
        return None
    sensible = [Strategy.ASYNC_BATCHES, Strategy.SEQUENTIAL_OPTIMIZED]
    if not map_:
        sensible = [Strategy.PIPELINE_STAGES]
    if not asynchronous:
        sensible.append(Strategy.PARALLEL_CHUNKS if map_ else Strategy.SEQUENTIAL_OPTIMIZED)
    if strategy not in sensible:
        raise InvalidInput(
            f"this job cannot be done by the strategy {strategy!r}",
            cure=f"Give one of: {', '.join(sensible)}",
        )
    return Strategy(strategy)
