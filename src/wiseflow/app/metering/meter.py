"""What a service counts while it runs: everything that happens is told here, and scrapes answered.

A meter belongs to one application. What several processes would tell differently is read from the
database when somebody asks; the rest is this process's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakSet

import psutil
from prometheus_client.registry import CollectorRegistry

from wiseflow.app.metering import samples
from wiseflow.app.metering.counting import TaskCounts
from wiseflow.app.metering.interval import Interval
from wiseflow.app.metering.limit_use import LimitUse, limit_use
from wiseflow.app.metering.series import Looked, PerformanceSample, PerformanceSeries
from wiseflow.app.metering.suggesting import Suggestion, suggestions
from wiseflow.app.metering.truth import Truth
from wiseflow.app.outside import Outside
from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.figures import JobFigures
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.tasks import TaskEvent
from wiseflow.core.version import VERSION
from wiseflow.engine.machine import Machine
from wiseflow.engine.tasks import TaskManager
from wiseflow.gateway.fronts import PAGES
from wiseflow.gateway.recording import AttemptRecord
from wiseflow.jobs.endings import Ending, Finish, in_words
from wiseflow.jobs.worker import Worker
from wiseflow.observability.metrics.exposition import Exposition, Sample
from wiseflow.observability.metrics.instruments import (
    JOB_KINDS,
    CallInstruments,
    CallSeen,
    HttpInstruments,
    JobInstruments,
)
from wiseflow.observability.metrics.labels import Bounded
from wiseflow.providers.registry import Registry
from wiseflow.research.handler import KIND
from wiseflow.settings.model import Settings

FIRST_CLAIM = 1
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What is looked at when somebody asks.

    Args:
        tasks: the engine.
        outside: the gateway.
        truth: what all instances come to.
    """

    tasks: TaskManager
    outside: Outside
    truth: Truth


class Meter:
    """Counts, and answers scrapes; made before its application, and handed to it.

    Args:
        settings: name the models that are told apart from the first.
        clock: the time of samples.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        registry = CollectorRegistry()
        providers = (*Registry().names, PAGES)
        self._providers = Bounded(providers)
        self._kinds = Bounded({KIND}, room=JOB_KINDS)
        self._calls = CallInstruments(registry, providers=providers, models=_models_of(settings))
        self._jobs = JobInstruments(registry)
        self.http = HttpInstruments(registry)
        self.tasks = TaskCounts()
        self.interval = Interval()
        self.exposition = Exposition(registry, self._look)
        self._workers: WeakSet[Worker] = WeakSet()
        self._metered: Metered | None = None
        self._machine = Machine(data_folder=settings.data_dir)
        self._clock = clock or SystemClock()
        self.series = PerformanceSeries(self._look_around, self._clock)

    @asynccontextmanager
    async def measuring(self, metered: Metered) -> AsyncGenerator[None]:
        """Hear and look at these inside, and take samples."""
        listeners = metered.outside.records.listeners
        listeners.append(self.attempted)
        self._metered = metered
        # Not a task group: it would wrap what is raised inside.
        sampling = asyncio.get_running_loop().create_task(self.series.run(), name="samples")
        try:
            yield
        finally:
            sampling.cancel()
            await asyncio.wait([sampling])
            self._metered = None
            listeners.remove(self.attempted)

    def watch(self, worker: Worker) -> None:
        """Tell of this worker, too, as long as it is there."""
        self._workers.add(worker)

    # What is told.

    def changed(self, event: TaskEvent) -> None:
        """Count a change of a task's state."""
        self.tasks.note(event)

    def attempted(self, record: AttemptRecord) -> None:
        """Count an attempt of a call."""
        used = record.usage
        seen = CallSeen(
            kind=record.kind.value,
            provider=record.provider,
            model=record.model,
            error=record.error,
            latency_s=record.latency_s,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cost=used.cost,
        )
        self._calls.saw(seen)
        provider = self._providers.of(record.provider, earned=False)
        self.interval.called(provider, record.latency_s, failed=bool(record.error))

    def began(self, job: Job) -> None:
        """See ``JobListener``."""
        first = job.kind == KIND and job.lease_token == FIRST_CLAIM
        if first and job.started_at is not None:
            self._jobs.waited(job.started_at - job.created_at)

    def left(self, job: Job, ending: Ending, run_s: float) -> None:
        """See ``JobListener``."""
        self._jobs.left(job.kind, in_words(ending))
        if not isinstance(ending, Finish) or not ending.outcome.status.final:
            return
        status = ending.outcome.status
        self.interval.ended(failed=status is JobStatus.FAILED)
        if job.kind == KIND:
            self._jobs.ended(status.value, run_s)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; see ``HttpInstruments.answered``."""
        self.http.answered(method, route, status, seconds)
        self.interval.answered(seconds, failed=status >= SERVER_ERROR)

    # What is looked up.

    def places(self) -> tuple[int, int]:
        """How many jobs run in this process, and how many may."""
        there = list(self._workers)
        return sum(one.running for one in there), sum(one.concurrency for one in there)

    def limits(self) -> dict[str, LimitUse]:
        """How much of the limits of each provider is used."""
        if self._metered is None:
            return {}
        return limit_use(self._metered.outside.limiter.state(), self._providers)

    async def figures(self) -> JobFigures | None:
        """What all instances come to; ``None`` when the database does not tell it in time."""
        return None if self._metered is None else (await self._metered.truth.read()).figures

    def samples(self, since: float = 0.0) -> list[PerformanceSample]:
        """Those taken after a time, in seconds since the epoch; an hour's at most."""
        return self.series.since(since)

    def suggestions(self) -> list[Suggestion]:
        """What the latest samples suggest."""
        return suggestions(self.series.since(0.0))

    async def _look_around(self) -> Looked:
        figures = await self.figures()
        running, places = self.places()
        return Looked(
            reading=self._machine.read(self._clock.monotonic()),
            memory_bytes=psutil.Process().memory_info().rss,
            running=running,
            places=places,
            happened=self.interval.take(),
            limits=self.limits(),
            figures=figures,
        )

    async def _look(self) -> Iterable[Sample]:
        own = [Sample("wiseflow_build_info", 1, (VERSION,))]
        own += [*samples.of_worker(*self.places()), *samples.of_tasks(self.tasks)]
        if self._metered is None:
            return own
        read = await self._metered.truth.read()
        own += [
            Sample("wiseflow_database_up", int(read.figures is not None)),
            Sample("wiseflow_database_read_seconds", read.took_s),
            Sample("wiseflow_gateway_calls_under_way", self._metered.outside.flights.under_way),
        ]
        if read.figures is not None:
            own += [*samples.of_researches(read.figures)]
            own += [*samples.of_queue(read.figures, self._kinds)]
        return [
            *own,
            *samples.of_limits(self.limits()),
            *samples.of_pools(self._metered.tasks.pools),
        ]


def _models_of(settings: Settings) -> set[str]:
    """The models that settings name, with and without their providers."""
    lists = (settings.primary_model, settings.secondary_model, settings.model_fallbacks)
    named = {name for text in lists for name in text.replace(";", ",").split(",")}
    names = {name.strip() for name in named if name.strip()}
    return names | {name.partition(":")[2] for name in names if ":" in name}
