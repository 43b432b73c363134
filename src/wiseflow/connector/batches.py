"""Runs a batch, the researches that one command asked for, side by side, and tells how it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from wiseflow.app import Application
from wiseflow.core.groups import task_group
from wiseflow.core.jobs import Event, Job, JobFilter, JobStatus
from wiseflow.jobs.submission import Batch
from wiseflow.jobs.worker import Worker

FINAL = tuple(status for status in JobStatus if status.final)
POLL_S = 0.25
PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a batch does at one moment.

    Args:
        running: the researches that run now, in this process or another.
        events: what happened to them since the moment before, when the listener asked for it.
        elapsed_s: since the batch began to run here.
    """

    running: Sequence[Job]
    events: Mapping[str, Sequence[Event]] = field(default_factory=dict[str, Sequence[Event]])
    elapsed_s: float = 0.0


class BatchListener(Protocol):
    """Who is told how a batch goes."""

    @property
    def details(self) -> bool:
        """Whether the events of running researches are worth reading."""
        ...

    async def ended(self, job: Job) -> None:
        """A research of the batch has ended; told once for each."""
        ...

    def moment(self, moment: Moment) -> None:
        """What the batch does now; told a few times a second."""
        ...


async def run_batch(
    app: Application,
    batch: Batch,
    listener: BatchListener,
    *,
    parallel: int,
    on_worker: Callable[[Worker], None] | None = None,
) -> None:
    """Run what is unfinished of a batch, and tell the listener until all of it has ended.

    When this is cancelled or the listener fails, what runs is given back to the queue before it
    raises; the first error is raised itself.

    Args:
        app: the application.
        batch: what to run.
        listener: is told what ends and what runs.
        parallel: how many researches run side by side in this process.
        on_worker: is given the worker before it starts, to resize it while it runs.
    """
    worker = app.worker(concurrency=parallel)
    if on_worker is not None:
        on_worker(worker)
    watcher = _Watcher(app, batch, listener)
    async with task_group() as group:
        work = group.create_task(
            worker.run(batch=batch.name, until_idle=True), name=f"worker of {batch.name}"
        )
        while not work.done():
            await asyncio.wait({work}, timeout=POLL_S)
            await watcher.look()
    await watcher.last_look()


def batch_of(job: Job) -> Batch:
    """A job that was submitted under a batch of its own, as that batch."""
    return Batch(name=job.batch, job_ids=(job.job_id,), resumed=True)


class Silent:
    """Listens to a batch and says nothing."""

    details = False

    async def ended(self, job: Job) -> None:
        """Nothing to tell."""

    def moment(self, moment: Moment) -> None:
        """Nothing to show."""


class _Watcher:
    """Reads the queue and tells a listener what is new."""

    def __init__(self, app: Application, batch: Batch, listener: BatchListener) -> None:
        self._app = app
        self._batch = batch
        self._listener = listener
        self._begun = time.monotonic()
        self._waited_for = set(batch.job_ids)
        self._since: float | None = None
        self._latest = 0.0
        self._read: dict[str, int] = {}

    async def look(self) -> None:
        """One look: what has ended since the last, and what runs."""
        await self._tell_ended()
        running = await self._app.queue.list(
            JobFilter(batch=self._batch.name, statuses=(JobStatus.RUNNING,), limit=PAGE)
        )
        events = await self._news(running) if self._listener.details else {}
        elapsed_s = time.monotonic() - self._begun
        self._listener.moment(Moment(running=running, events=events, elapsed_s=elapsed_s))

    async def last_look(self) -> None:
        """The look after all has ended: from the beginning, so that nothing is left untold.

        An end may be committed after a later one was seen, and a clock may be set back.
        """
        self._latest = 0.0
        await self.look()

    async def _tell_ended(self) -> None:
        if not self._waited_for:
            return
        if self._since is None:
            self._since = await self._first_made()
        # Another process that runs the same batch may have handed it over already: ids tell.
        ended = JobFilter(
            batch=self._batch.name,
            statuses=FINAL,
            since=self._since,
            completed_since=self._latest,
            limit=PAGE,
        )
        for job in sorted(await _all_pages(self._app, ended), key=_by_end):
            if job.job_id in self._waited_for:
                self._waited_for.remove(job.job_id)
                self._latest = max(self._latest, job.completed_at or 0.0)
                await self._listener.ended(job)

    async def _first_made(self) -> float:
        """When the first of the jobs waited for was made, by the database's clock.

        Earlier runs of the same command have the same batch name, and are none of this one's
        business. The time is read from the jobs, not from their ids: those have another clock.
        """
        listed = JobFilter(batch=self._batch.name, limit=min(PAGE, len(self._waited_for)))
        jobs = await _all_pages(self._app, listed, down_to=min(self._waited_for))
        made = (job.created_at for job in jobs if job.job_id in self._waited_for)
        return min(made, default=0.0)

    async def _news(self, running: Sequence[Job]) -> dict[str, Sequence[Event]]:
        news: dict[str, Sequence[Event]] = {}
        for job in running:
            seen = self._read.get(job.job_id, 0)
            news[job.job_id] = await self._app.events.events(job.job_id, after=seen)
            if news[job.job_id]:
                self._read[job.job_id] = news[job.job_id][-1].number
        return news


def _by_end(job: Job) -> tuple[float, str]:
    return job.completed_at or 0.0, job.job_id


async def _all_pages(app: Application, job_filter: JobFilter, *, down_to: str = "") -> list[Job]:
    """All jobs that match, newest first, over as many pages as it takes to come to ``down_to``."""
    found: list[Job] = []
    while True:
        page = await app.queue.list(job_filter)
        found += page
        if len(page) < job_filter.limit or page[-1].job_id <= down_to:
            return found
        job_filter = replace(job_filter, after=page[-1].job_id)
