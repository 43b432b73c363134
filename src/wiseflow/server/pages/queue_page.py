"""What is under way and what waits, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import time

from fastapi import APIRouter, Response

from wiseflow.app.services.workings import WorkingsPages
from wiseflow.core.access import Scope
from wiseflow.core.instances import Instance
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.limits.states import KeyShown
from wiseflow.server.pages.research_page import mode_of
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.pages.turns import Turn, turns
from wiseflow.server.scopes import READ

MOST_SHOWN = 200
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A research in the queue and what it waits for.

    Args:
        job: the research.
        mode: of it.
        kind: ``slot``, ``bound``, ``share``, ``worker``, ``retry``, ``approval``, ``limit``,
            ``resource`` or "" for one that is at work, or next.
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
        instances: of the service, the dead ones too.
        everywhere: how many researches may run at once in all instances; 0 for no such bound.
        running: how many researches run in all instances, whoever submitted them.
        ageing_s: who has waited so long goes as if it were one priority more urgent.
        held: why no new task may start on this machine; "" when it may.
        limits: every key of a provider, as it is.
        now: seconds since the epoch.
    """

    instances: Sequence[Instance]
    everywhere: int
    running: int
    ageing_s: float
    held: str
    limits: Sequence[KeyShown]
    now: float

    @property
    def working(self) -> list[Instance]:
        """The instances that are alive and run jobs."""
        return [one for one in self.instances if one.alive and one.sign.capacity]

    @property
    def places(self) -> int:
        """How many jobs may run at once in the instances that are alive."""
        return sum(one.sign.capacity for one in self.working)

    @property
    def taken(self) -> int:
        """How many of these places had a job when their instances last told."""
        return sum(one.sign.running for one in self.working)


@router.get("/dashboard/queue")
async def queue_page(visit: Visiting) -> Response:
    """The queue; which instances there are is for administrators."""
    active = await visit.researches.active()
    around = await circumstances(visit.workings, active)
    found = waiting(active, around)
    return visit.show(
        "queue.html",
        nav="queue",
        around=around,
        found=found[:MOST_SHOWN],
        more=max(0, len(found) - MOST_SHOWN),
        running=sum(one.job.status is JobStatus.RUNNING for one in found),
        busy=[one for one in around.limits if one.waiting or one.paused_s],
        admin=visit.principal.scope.holds(Scope.ADMIN),
    )


async def circumstances(workings: WorkingsPages, active: Sequence[Job]) -> Circumstances:
    """What decides now about those that wait."""
    seen = sum(job.status is JobStatus.RUNNING for job in active)
    return Circumstances(
        instances=await workings.instances(),
        everywhere=workings.researches_everywhere,
        # What all instances run is told some seconds late; what is seen here is seen now.
        running=max(seen, await workings.researches_running()),
        ageing_s=workings.ageing_s,
        held=workings.held(),
        limits=workings.limits(),
        now=time(),
    )


def waiting(active: Sequence[Job], around: Circumstances) -> list[Waiting]:
    """Those at work, those to approve, then those that wait in the order of their turns."""
    found = [_running(job, around) for job in active if job.status is JobStatus.RUNNING]
    found += [
        Waiting(job=job, mode=mode_of(job), kind="approval", why="its plan is to be approved")
        for job in active
        if job.status is JobStatus.AWAITING_APPROVAL
    ]
    return found + [_pending(turn, around) for turn in turns(active, ageing_s=around.ageing_s)]


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


def _pending(turn: Turn, around: Circumstances) -> Waiting:
    kind, why = _why(turn, around)
    return Waiting(job=turn.job, mode=mode_of(turn.job), kind=kind, why=why)


def _why(turn: Turn, around: Circumstances) -> tuple[str, str]:
    """What a pending research waits for: the first of these that keeps it."""
    job, place = turn.job, f"place {turn.place}"
    if not around.places:
        return "worker", "no process takes it: start one with `wiseflow serve` or `wiseflow worker`"
    if job.attempt and job.error:
        return "retry", f"tried again soon, as attempt {job.attempt} failed: {job.error}"
    if around.everywhere and around.running + turn.place > around.everywhere:
        bound = f"at most {around.everywhere} run at once in all (MAX_RESEARCH_EVERYWHERE)"
        return "bound", f"{place}: {bound}"
    if around.taken + turn.place <= around.places:
        return "", "its turn is next"
    if turn.passed:
        return "share", (
            f"{place}: keys share the places, and {turn.passed} of other keys go first, as its own "
            f"has {turn.held} at work and {turn.ahead} waiting before it"
        )
    return "slot", f"{place}: {around.taken} of {around.places} places are taken"
