"""Batches: what one command submits, and what a rerun of the same command takes up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wiseflow.core.jobs import Job, JobFilter, JobRequest
from wiseflow.core.ports import JobQueue

_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The jobs that a command has to see through.

    Args:
        name: of the batch.
        job_ids: oldest first.
        resumed: whether they are an earlier run's.
    """

    name: str
    job_ids: tuple[str, ...]
    resumed: bool = False


async def undelivered(queue: JobQueue, name: str) -> list[Job]:
    """The jobs of a batch whose results no command has handed over yet, oldest first."""
    wanted = JobFilter(batch=name, undelivered=True, limit=_PAGE)
    found = page = await queue.list(wanted)
    while len(page) == _PAGE:
        page = await queue.list(replace(wanted, after=page[-1].job_id))
        found = found + page
    return found[::-1]


async def submit_or_resume(queue: JobQueue, requests: Sequence[JobRequest], *, name: str) -> Batch:
    """The undelivered jobs of an earlier run of the same command, or else new ones.

    Args:
        queue: where the jobs are.
        requests: what to submit when nothing is left of an earlier run.
        name: of the batch; the same for every run of the same command.
    """
    left = await undelivered(queue, name)
    if left:
        return Batch(name=name, job_ids=tuple(job.job_id for job in left), resumed=True)
    # Two equal commands at once see the same past, so they make the same keys and share the jobs.
    past = sum((await queue.counts(batch=name)).values())
    made = await queue.submit(
        [
            replace(request, batch=name, idempotency_key=f"{name}/{past}/{number}")
            for number, request in enumerate(requests)
        ]
    )
    return Batch(name=name, job_ids=tuple(made), resumed=False)
