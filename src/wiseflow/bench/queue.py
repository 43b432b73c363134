"""What the durable queue costs a job, against the bare engines that it stands on.

A trivial job has everything a real one has: its row, a claim, a journalled step with an event and
progress, and its end. What it is held against is measured in the same rounds, in turn.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from wiseflow.app import Application
from wiseflow.bench.bare_queues import FEW, BareQueue, starts_s
from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.bench.processes import MIB, tree_memory_bytes
from wiseflow.core.jobs import JobFilter, JobRequest, JobStatus
from wiseflow.jobs.context import JobContext

KIND = "trivial"
PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlan:
    """What to measure.

    Args:
        jobs: how many are run each time.
        places: how many run at once, here and there.
        rounds: how often each is measured, in turn.
        tries: how many single submissions are timed.
        queued: how many jobs wait in the last measurement.
        least: the share of the bare engine's rate that there has to be.
    """

    jobs: int = 1000
    places: int = 32
    rounds: int = 3
    tries: int = 30
    queued: int = 10_000
    least: float = 0.7


async def measure_queue(app: Application, bare: BareQueue, plan: QueuePlan) -> list[Figure]:
    """Rates and latencies against ``bare``, and what a long queue changes."""
    await _drain(app, plan.places, plan.places)  # opens connections, prepares statements
    await bare.drain(plan.places, plan.places)
    rates: list[float] = []
    shares: list[float] = []
    for _ in range(plan.rounds):
        rate = await _drain(app, plan.jobs, plan.places)
        rates.append(rate)
        shares.append(rate / await bare.drain(plan.jobs, plan.places))
    figures = [
        spread_figure(f"{plan.jobs} trivial jobs", "jobs a second", rates),
        spread_figure(f"{plan.jobs} trivial jobs", f"rate ÷ {bare.name}", shares, bar=plan.least),
    ]
    figures += await _latency(app, bare, plan)
    return figures + await _long_queue(app, plan)


def requests(count: int, submitter: str = "") -> list[JobRequest]:
    """Trivial jobs."""
    return [JobRequest(kind=KIND, payload={}, submitter=submitter) for _ in range(count)]


async def trivial(context: JobContext) -> None:
    """Does nothing, durably."""

    async def step() -> int:
        await context.emit("done", {"what": "nothing"})
        await context.progress(0.5)
        return 1

    await context.journal.once("step", step, int)


async def _drain(app: Application, count: int, places: int) -> float:
    """Jobs a second, from the start of a worker until all have ended."""
    ids = await app.queue.submit(requests(count))
    worker = app.worker(concurrency=places, handlers={KIND: trivial})
    begun = time.perf_counter()
    await worker.run(until_idle=True)
    rate = count / (time.perf_counter() - begun)
    for job_id in (ids[0], ids[-1]):
        job = await app.queue.get(job_id)
        assert job.status is JobStatus.COMPLETED, job.error
    return rate


async def _latency(app: Application, bare: BareQueue, plan: QueuePlan) -> list[Figure]:
    """From a single submission to the start of its handler, while nothing else is to be done."""
    started = asyncio.Event()

    async def handler(_context: JobContext) -> None:
        started.set()

    async def submit() -> None:
        await app.queue.submit(requests(1))

    stop = asyncio.Event()
    worker = app.worker(concurrency=plan.places, handlers={KIND: handler}, service=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop=stop), name="worker of the measurement")
        ours_s = await starts_s(submit, started, plan.tries)
        stop.set()
    subject = "one job when idle"
    ours = statistics.median(ours_s)
    figures = [Figure(subject=subject, measure="submit to start, median ms", value=ours * 1000)]
    if bare.tells:
        figures.append(
            Figure(
                subject=subject,
                measure=f"submit to start ÷ {bare.name}",
                value=ours / statistics.median(await bare.starts_s(plan.tries)),
                samples=plan.tries,
                most=3.0,
            )
        )
    return figures


async def _long_queue(app: Application, plan: QueuePlan) -> list[Figure]:
    """What single submissions, a page and a claim cost with many in the queue, against with few."""
    await app.queue.submit(requests(FEW))
    few = await _costs(app, plan.tries)
    before = tree_memory_bytes()
    for _ in range(plan.queued // FEW):
        await app.queue.submit(requests(FEW))
    grown = tree_memory_bytes() - before
    many = await _costs(app, plan.tries)
    subject = f"{plan.queued} jobs queued ÷ {FEW}"
    figures = [
        Figure(subject=subject, measure=what, value=many[what] / few[what], most=1.3)
        for what in few
    ]
    return [
        *figures,
        Figure(subject=f"{plan.queued} jobs queued", measure="memory, MiB more", value=grown / MIB),
    ]


async def _costs(app: Application, tries: int) -> dict[str, float]:
    """Median seconds of each call that the length of a queue might slow down."""

    async def submit() -> None:
        await app.queue.submit(requests(1))

    async def page() -> None:
        await app.queue.list(JobFilter(kind=KIND, tenant="", limit=PAGE))

    async def claim() -> None:
        await app.queue.claim("bench", lease_s=600.0, limit=1, kinds=[KIND])

    calls = {"submission": submit, "page of a list": page, "claim": claim}
    return {what: statistics.median(await _times(call, tries)) for what, call in calls.items()}


async def _times(call: Callable[[], Awaitable[None]], tries: int) -> Sequence[float]:
    taken: list[float] = []
    for _ in range(tries):
        begun = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - begun)
    return taken
