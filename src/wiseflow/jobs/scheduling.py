"""Which schedules run now: decided purely, then done once across instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from wiseflow.core.errors import StorageError, WiseflowError
from wiseflow.core.jobs import JobRequest
from wiseflow.core.schedules import Missed, Overlap, Schedule, ScheduleStore, Turn
from wiseflow.jobs.cron import next_time
from wiseflow.observability.logs import get_logger

# A tick comes each minute; a due time that is older than some of them came in a standstill.
LATE_S = 300.0
# At most so many are looked at in one tick; the others are due at the next.
MOST_AT_ONCE = 200

TAG_PREFIX = "schedule/"

_log = get_logger(__name__)


def turn_of(schedule: Schedule, now: float) -> Turn | None:
    """What becomes of a schedule's due time; ``None`` when it is not due.

    However many due times have passed, there is one turn: the next due time is after ``now``.

    Args:
        schedule: as it is stored.
        now: seconds since the epoch.
    """
    spec, due = schedule.spec, schedule.next_at
    if due is None or due > now or not spec.enabled:
        return None
    turn = Turn(due=due, next_at=next_time(spec.cron, spec.time_zone, now), runs=True)
    if now - due > LATE_S:
        turn = replace(turn, missed=True, runs=spec.missed is Missed.RUN_ONCE)
    if turn.runs and spec.overlap is Overlap.SKIP and _is_going_on(schedule):
        turn = replace(turn, overlapped=True, runs=False)
    return turn


def tag_of(schedule_id: str) -> str:
    """The label of a schedule's researches."""
    return f"{TAG_PREFIX}{schedule_id}"


def run_request(request: JobRequest, schedule: Schedule, due: float) -> JobRequest:
    """The research of a turn: whose it is, whence it comes, and a key that only this turn has."""
    return replace(
        request,
        tenant=schedule.tenant,
        submitter=schedule.submitter,
        tags=(*request.tags, tag_of(schedule.schedule_id)),
        idempotency_key=f"schedule/{schedule.schedule_id}/{due:.0f}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTick:
    """One look at the schedules.

    Args:
        store: where they are, and what submits their researches.
        request: gives the research that a schedule asks for; raises ``WiseflowError`` where it
            cannot be asked for any more.
    """

    store: ScheduleStore
    request: Callable[[Schedule], Awaitable[JobRequest]]
    name: str = "schedules"
    every_s: float = 60.0

    async def __call__(self) -> None:
        """Submit what is due. Raises ``StorageError``."""
        await self.store.settle()
        now, due = await self.store.due(limit=MOST_AT_ONCE)
        for schedule in due:
            turn = turn_of(schedule, now)
            if turn is not None:
                await self._take(schedule, turn)

    async def _take(self, schedule: Schedule, turn: Turn) -> None:
        requests, error = [], ""
        if turn.runs:
            try:
                asked = await self.request(schedule)
                requests = [run_request(asked, schedule, turn.due)]
            except StorageError:
                raise
            except WiseflowError as refused:
                error = str(refused)
        job_id = await self.store.take(schedule, turn, requests, error=error)
        if job_id is not None:
            _log.info(
                "A schedule had its turn",
                schedule_id=schedule.schedule_id,
                submitted=job_id,
                overlapped=turn.overlapped,
                missed=turn.missed,
                error=error,
            )


def _is_going_on(schedule: Schedule) -> bool:
    return schedule.last_status is not None and not schedule.last_status.final
