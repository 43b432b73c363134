"""Whether more worker processes do as much more, while the providers allow it.

The same researches run on one, two and four processes, few at a time in each, over a simulator that
takes its time, so that this machine's cores are not what they wait for. Rates are taken while every
place was filled: by how busy the places were and how long a research took, both by the database's
clock, so that neither the start of processes nor the last researches of a level count.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wiseflow.app import Application
from wiseflow.bench.bed import bed_settings, open_bed, started
from wiseflow.bench.figures import Figure
from wiseflow.bench.processes import tree_cpu_s
from wiseflow.bench.service_process import WorkerProcess
from wiseflow.core.errors import WorkerError
from wiseflow.core.jobs import Job, JobRequest, JobStatus
from wiseflow.research.handler import KIND
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.latency import Latency
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

LEAST = 0.95
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPlan:
    """What to measure.

    Args:
        workers: how many processes, in turn; the first is what the others are held against.
        places: researches at a time in each.
        researches: how many run on each number of processes; the same topics.
        model_s: how long the simulated model takes for an answer, in seconds.
        limit_s: how long a level may take.
    """

    workers: tuple[int, ...] = (1, 2, 4)
    places: int = 1
    researches: int = 8
    model_s: float = 0.5
    limit_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a research ran, in seconds."""

    began: float
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    rate: float
    cpu_s: float


async def measure_scaling(plan: ScalingPlan, *, database: str = "") -> list[Figure]:
    """Researches a second on each number of worker processes, against as many times the first's.

    Args:
        plan: what to measure.
        database: the address of a server's database for this alone; a file's for "".

    Raises:
        WorkerError: a process did not start, or a research did not end well or in time.
    """
    latencies = {
        CallKind.MODEL: Latency(mean_s=plan.model_s),
        CallKind.SEARCH: Latency(mean_s=plan.model_s),
        CallKind.PAGE: Latency(mean_s=plan.model_s / 2),
    }
    figures: list[Figure] = []
    first: float | None = None
    async with started(SimulatorOptions(latencies=latencies)) as sim:
        for workers in plan.workers:
            level = await _level(sim, workers, plan, database)
            first = first or level.rate / workers
            share = level.rate / workers / first
            figures += _figures(workers, level, plan, share)
    return figures


def rate_when_full(spans: Sequence[Span], places: int) -> float:
    """Ends a second while every place was filled.

    From the start of the research that filled the last place to that of the last one. In between a
    place is empty only from the end of one research to the start of the next.

    Args:
        spans: of all researches; more than there are places.
        places: over all processes.
    """
    begins = sorted(one.began for one in spans)
    since, until = begins[places - 1], begins[-1]
    busy_s = sum(max(0.0, min(one.ended, until) - max(one.began, since)) for one in spans)
    took_s = statistics.fmean(one.ended - one.began for one in spans)
    return busy_s / (until - since) / took_s


def _figures(workers: int, level: _Level, plan: ScalingPlan, share: float) -> list[Figure]:
    subject = f"{plan.researches} researches, {workers} worker processes of {plan.places}"
    figures = [
        Figure(subject=subject, measure="researches a minute", value=60 * level.rate),
        Figure(subject=subject, measure="CPU, s a research", value=level.cpu_s / plan.researches),
    ]
    if workers != plan.workers[0]:
        figures.append(Figure(subject=subject, measure="rate ÷ linear", value=share, bar=LEAST))
    return figures


async def _level(sim: SimulatorProcess, workers: int, plan: ScalingPlan, database: str) -> _Level:
    places = workers * plan.places
    with tempfile.TemporaryDirectory() as name:
        settings = bed_settings(sim, Path(name))
        settings |= {"DATABASE_URL": database} if database else {}
        async with open_bed(sim, Path(name), settings) as bed:
            # The same topics on each level; the first of each place loads what all use.
            measured, loading = bed.requests(plan.researches), bed.requests(places)
            async with _working(settings, workers, plan.places):
                await _run(bed.app, loading, plan.limit_s)
                before_s = tree_cpu_s(without=sim.pid)
                jobs = await _run(bed.app, measured, plan.limit_s)
                cpu_s = tree_cpu_s(without=sim.pid) - before_s
    return _Level(rate=rate_when_full([_span(job) for job in jobs], places), cpu_s=cpu_s)


@asynccontextmanager
async def _working(settings: Mapping[str, str], workers: int, places: int) -> AsyncGenerator[None]:
    processes = [WorkerProcess(settings, parallel=places) for _ in range(workers)]
    with ExitStack() as stack:
        for process in processes:
            await asyncio.to_thread(stack.enter_context, process)
        yield
        # All at once, as each takes a moment to end.
        async with asyncio.TaskGroup() as group:
            for process in processes:
                group.create_task(asyncio.to_thread(process.stop), name="end of a worker")


async def _run(app: Application, requests: Sequence[JobRequest], limit_s: float) -> list[Job]:
    """The researches as they ended: run by others."""
    ids = await app.queue.submit(requests)
    try:
        async with asyncio.timeout(limit_s):
            while await _left(app):  # noqa: ASYNC110 - others end them, and tell nobody here
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise WorkerError(f"{len(ids)} researches took longer than {limit_s:g} s") from None
    jobs = [await app.queue.get(job_id) for job_id in ids]
    for job in jobs:
        if job.status is not JobStatus.COMPLETED:
            raise WorkerError(f"a research ended as {job.status}: {job.error}")
    return jobs


async def _left(app: Application) -> int:
    counts = await app.queue.counts(kind=KIND)
    return counts[JobStatus.PENDING] + counts[JobStatus.RUNNING]


def _span(job: Job) -> Span:
    assert job.started_at is not None
    assert job.completed_at is not None
    return Span(began=job.started_at, ended=job.completed_at)
