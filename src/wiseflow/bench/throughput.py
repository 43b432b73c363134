"""Researches a second over real questions, at several levels of parallelism, and their memory."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wiseflow.app import Application
from wiseflow.bench.data import read_rows
from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.bench.processes import MIB, tree_memory_bytes, two_process_speed_up
from wiseflow.connector.batches import Moment, run_batch
from wiseflow.core.errors import WiseflowError
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.jobs.submission import Batch, submit_or_resume

SAMPLE_S = 0.2
COLLECTION = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure.

    Args:
        levels: how many researches side by side; the first is the base of the speed-up.
        rounds: how often each level is measured, in turn.
        queued: how many topics wait in the queue in the last measurement.
        queued_s: for how long that measurement runs.
        loop_s: how long the bare loops run.
    """

    levels: tuple[int, ...] = (1, 2, 8, 32)
    rounds: int = 3
    queued: int = 10_000
    queued_s: float = 30.0
    loop_s: float = 3.0


@dataclass(slots=True, kw_only=True)
class Sample:
    """One run of one level."""

    rate: float
    memory_bytes: int
    statuses: list[JobStatus] = field(default_factory=list[JobStatus])


def read_topics(data_dir: Path) -> list[str]:
    """The questions of a data set's ``dev/queries.jsonl``; raises ``NotFound``."""
    return [str(row["text"]) for row in read_rows(data_dir / "dev" / "queries.jsonl")]


async def measure_research(app: Application, data_dir: Path, plan: Plan) -> list[Figure]:
    """Index ``data_dir/corpus.jsonl`` once, and research its questions at each level in turn."""
    topics = read_topics(data_dir)
    indexed = await app.ingest([data_dir / "corpus.jsonl"], collection=COLLECTION)
    figures = [
        Figure(
            subject=f"indexing, {indexed.passages} passages",
            measure="passages a second",
            value=indexed.passages / indexed.seconds if indexed.passages else 0.0,
        )
    ]
    await _run(app, topics[:20], max(plan.levels))  # starts the worker processes
    samples: dict[int, list[Sample]] = {level: [] for level in plan.levels}
    speed_ups: list[float] = []
    for _ in range(plan.rounds):
        speed_ups.append(await asyncio.to_thread(two_process_speed_up, plan.loop_s))
        for level in plan.levels:
            samples[level].append(await _run(app, topics, level))
    figures += _levels(samples, len(topics))
    figures += _ratios(samples, speed_ups)
    return figures + await _queued(app, topics, plan, samples[max(plan.levels)])


def _levels(samples: dict[int, list[Sample]], topics: int) -> list[Figure]:
    figures: list[Figure] = []
    for level, runs in samples.items():
        rates = [run.rate for run in runs]
        failed = sum(status is not JobStatus.COMPLETED for run in runs for status in run.statuses)
        figures += [
            spread_figure(f"--parallel {level}, {topics} topics", "researches a second", rates),
            spread_figure(
                f"--parallel {level}", "memory, MiB (PSS)", [run.memory_bytes / MIB for run in runs]
            ),
            Figure(subject=f"--parallel {level}", measure="failed", value=failed, most=0),
        ]
    return figures


def _ratios(samples: dict[int, list[Sample]], speed_ups: Sequence[float]) -> list[Figure]:
    base, *others = samples
    reached = [
        max(samples[level][turn].rate for level in others) / samples[base][turn].rate
        for turn in range(len(speed_ups))
    ]
    shares = [ours / bare for ours, bare in zip(reached, speed_ups, strict=True)]
    second, last = others[0], others[-1]
    memory = [
        many.memory_bytes / few.memory_bytes
        for many, few in zip(samples[last], samples[second], strict=True)
    ]
    return [
        spread_figure("two bare loops", "speed-up over one", speed_ups),
        spread_figure("researches", f"speed-up over --parallel {base}", reached),
        spread_figure("researches", "speed-up ÷ that of bare loops", shares, bar=0.85),
        spread_figure(f"--parallel {last} ÷ {second}", "memory ratio", memory, most=1.3),
    ]


async def _queued(
    app: Application, topics: Sequence[str], plan: Plan, short: Sequence[Sample]
) -> list[Figure]:
    """What a long queue costs: memory over that of a short one, and the rate against it."""
    if not plan.queued:
        return []
    before = tree_memory_bytes()
    many = [topics[number % len(topics)] for number in range(plan.queued)]
    sample = await _run(app, many, max(plan.levels), seconds=plan.queued_s)
    rate = statistics.median(run.rate for run in short)
    subject = f"{plan.queued} queued topics"
    return [
        Figure(
            subject=subject,
            measure="memory on top, MiB (PSS)",
            value=(sample.memory_bytes - before) / MIB,
            most=200,
        ),
        Figure(subject=subject, measure="rate ÷ that of a short queue", value=sample.rate / rate),
    ]


async def _run(
    app: Application, topics: Sequence[str], level: int, *, seconds: float | None = None
) -> Sample:
    """Research the topics, all of them or for so many seconds."""
    requests = [app.research_request(topic, {"collection": COLLECTION}) for topic in topics]
    batch = await submit_or_resume(app.queue, requests, name=f"bench-{new_id()}")
    listener = _Listener()
    begun = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            await run_batch(app, batch, listener, parallel=level)
    except TimeoutError:
        if seconds is None:
            raise
    rate = len(listener.statuses) / (time.monotonic() - begun)
    await _clear(app, batch)
    return Sample(rate=rate, memory_bytes=listener.peak_bytes, statuses=listener.statuses)


async def _clear(app: Application, batch: Batch) -> None:
    for job_id in batch.job_ids:
        try:
            await app.queue.delete(job_id)
        except WiseflowError:  # one that still runs; the folder goes with the benchmark
            continue


class _Listener:
    """Counts what ended, and watches the memory."""

    details = False

    def __init__(self) -> None:
        self.statuses: list[JobStatus] = []
        self.peak_bytes = 0
        self._sampled = 0.0

    async def ended(self, job: Job) -> None:
        self.statuses.append(job.status)

    def moment(self, moment: Moment) -> None:
        if moment.elapsed_s - self._sampled >= SAMPLE_S or not self.peak_bytes:
            self._sampled = moment.elapsed_s
            self.peak_bytes = max(self.peak_bytes, tree_memory_bytes())
