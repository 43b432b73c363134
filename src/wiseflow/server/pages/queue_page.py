"""What is under way and what waits, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import time

from fastapi import APIRouter, Response

from wiseflow.core.jobs import Job, JobStatus
from wiseflow.limits.states import KeyShown
from wiseflow.server.pages.research_page import mode_of
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.scopes import READ

# An idle worker looks for work more often than this; who waits longer waits for a worker.
TAKEN_WITHIN_S = 10.0
MOST_SHOWN = 200
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A research in the queue and what it waits for.

    Args:
        job: the research.
        mode: of it.
        kind: ``slot``, ``worker``, ``retry``, ``approval``, ``limit``, ``resource`` or "" for one
            that is at work.
        why: in a sentence.
    """

    job: Job
    mode: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What decides about those that wait.

    Args:
        instances: that run jobs now.
        at_once: how many researches each runs side by side.
        held: why no new task may start; "" when it may.
        limits: every key of a provider, as it is.
        now: seconds since the epoch.
    """

    instances: Sequence[str]
    at_once: int
    held: str
    limits: Sequence[KeyShown]
    now: float


@router.get("/dashboard/queue")
async def queue_page(visit: Visiting) -> Response:
    """The queue."""
    active = await visit.researches.active()
    around = Circumstances(
        instances=await visit.workings.instances(),
        at_once=visit.workings.researches_at_once,
        held=visit.workings.held(),
        limits=visit.workings.limits(),
        now=time(),
    )
    found = waiting(active, around)
    return visit.show(
        "queue.html",
        nav="queue",
        around=around,
        found=found[:MOST_SHOWN],
        more=max(0, len(found) - MOST_SHOWN),
        running=sum(one.job.status is JobStatus.RUNNING for one in found),
        busy=[one for one in around.limits if one.waiting or one.paused_s],
    )


def waiting(active: Sequence[Job], around: Circumstances) -> list[Waiting]:
    """Those at work, those to approve, then those that wait in about the order of their turns."""
    running = [job for job in active if job.status is JobStatus.RUNNING]
    to_approve = [job for job in active if job.status is JobStatus.AWAITING_APPROVAL]
    pending = [job for job in active if job.status is JobStatus.PENDING]
    pending.sort(key=lambda job: (job.priority.rank, job.created_at, job.job_id))
    found = [_running(job, around) for job in running]
    found += [
        Waiting(job=job, mode=mode_of(job), kind="approval", why="its plan is to be approved")
        for job in to_approve
    ]
    found += [
        _pending(job, place, len(running), around) for place, job in enumerate(pending, start=1)
    ]
    return found


def _running(job: Job, around: Circumstances) -> Waiting:
    kind, why = "", "at work"
    held = next((one for one in around.limits if one.waiting), None)
    paused = next((one for one in around.limits if one.paused_s), None)
    if job.cancel_requested:
        why = "stops after its step"
    elif around.held:
        kind, why = "resource", around.held
    elif paused is not None:
        kind, why = "limit", f"{paused.key.provider} asks for {paused.paused_s:.0f} s of silence"
    elif held is not None:
        kind, why = "limit", f"{held.waiting} calls wait for the limit of {held.key.provider}"
    return Waiting(job=job, mode=mode_of(job), kind=kind, why=why)


def _pending(job: Job, place: int, running: int, around: Circumstances) -> Waiting:
    kind, why = "slot", f"place {place}: {running} run now, {around.at_once} a process at most"
    if job.attempt and job.error:
        kind, why = "retry", f"tried again soon, as attempt {job.attempt} failed: {job.error}"
    elif not around.instances and around.now - job.created_at > TAKEN_WITHIN_S:
        kind, why = "worker", "no worker has taken it: start one with `wiseflow serve`"
    elif around.held:
        kind, why = "resource", around.held
    elif running < around.at_once and place <= around.at_once - running:
        why = "its turn is next"
    return Waiting(job=job, mode=mode_of(job), kind=kind, why=why)
