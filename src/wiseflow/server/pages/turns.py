"""Whose turn it is among the researches that wait, as the claim of a worker decides it. Pure.

Each place goes to the key with the fewest jobs at work; of several, to the one whose last start is
the longest ago; within a key to the most urgent research, by priority with ageing. See
``docs/adr/0084-jobs-on-many-machines.md``. Jobs that are not known here, such as another tenant's,
may come between.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wiseflow.core.jobs import Job, JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A research that waits, and its place.

    Args:
        job: the research.
        place: from 1 for the next one.
        held: how many of its key's are at work.
        ahead: how many of its key's go before it.
        passed: how many of other keys go before it though they would not by priority and age.
    """

    job: Job
    place: int
    held: int
    ahead: int
    passed: int


def turns(active: Sequence[Job], *, ageing_s: float) -> list[Turn]:
    """The pending ones of these researches, in the order of their turns.

    Args:
        active: those at work and those that wait.
        ageing_s: a research that has waited so long goes as if it were one priority more urgent.
    """
    running = Counter(job.submitter for job in active if job.status is JobStatus.RUNNING)
    latest = _latest(active)
    pending = [job for job in active if job.status is JobStatus.PENDING]
    urgent = sorted(pending, key=lambda job: (_due(job, ageing_s), job.job_id))
    ranks = {job.job_id: rank for rank, job in enumerate(urgent)}
    share = _shares(urgent, running)
    ordered = sorted(
        urgent,
        key=lambda job: (share[job.job_id], latest.get(job.submitter, 0.0), ranks[job.job_id]),
    )
    found: list[Turn] = []
    before: list[int] = []  # the ranks of those before it, in order
    for job in ordered:
        rank, held = ranks[job.job_id], running[job.submitter]
        found.append(
            Turn(
                job=job,
                place=len(before) + 1,
                held=held,
                ahead=share[job.job_id] - held - 1,
                # Of its own key nobody is: these keep their order.
                passed=len(before) - bisect_left(before, rank),
            )
        )
        insort(before, rank)
    return found


def _due(job: Job, ageing_s: float) -> float:
    return job.created_at + job.priority.rank * ageing_s


def _latest(active: Sequence[Job]) -> dict[str, float]:
    """When a research of each key began last."""
    found: dict[str, float] = {}
    for job in active:
        if job.started_at is not None:
            found[job.submitter] = max(job.started_at, found.get(job.submitter, 0.0))
    return found


def _shares(urgent: Sequence[Job], running: Counter[str]) -> dict[str, int]:
    """How many of its key's are at work once a research is, all before it of that key included."""
    count = Counter(running)
    found: dict[str, int] = {}
    for job in urgent:
        count[job.submitter] += 1
        found[job.job_id] = count[job.submitter]
    return found
