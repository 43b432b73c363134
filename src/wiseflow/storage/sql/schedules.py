"""Schedules in SQL: a due time is taken, and its research submitted, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Row, case, delete, or_, select, update

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, NotFound
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import JobRequest, JobStatus
from wiseflow.core.schedules import Missed, Overlap, Schedule, ScheduleSpec, Turn
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.job_rows import as_json
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedule_tables import schedules
from wiseflow.storage.sql.tables import jobs

MOST_LISTED = 1_000
_FINAL = [status.value for status in JobStatus if status.final]
# A schedule with how its last research is now, where that is still there.
_WITH_LAST = select(schedules, jobs.c.status.label("job_status")).select_from(
    schedules.outerjoin(jobs, jobs.c.job_id == schedules.c.last_job_id)
)


class SqlScheduleStore:
    """Schedules; see ``ScheduleStore``.

    Args:
        database: where they are kept.
        queue: of the same database: takes their researches.
    """

    def __init__(self, database: Database, queue: SqlJobQueue) -> None:
        self._database = database
        self._queue = queue

    async def now(self) -> float:
        """The time by the database's clock."""

        async def unit(connection: Connection) -> float:
            return float(await connection.scalar(select(now())))

        return await self._database.read(unit)

    async def add(
        self, spec: ScheduleSpec, *, tenant: str, submitter: str, next_at: float | None
    ) -> Schedule:
        """A new schedule. Raises ``Conflict``."""
        schedule_id = new_id()

        async def unit(connection: Connection) -> Schedule | None:
            statement = upsert(connection, schedules).values(
                schedule_id=schedule_id,
                tenant=tenant,
                submitter=submitter,
                created_at=now(),
                next_at=next_at,
                last_job_id="",
                settled=True,
                failures=0,
                overlaps=0,
                missed=0,
                error="",
                **_columns(spec),
            )
            statement = statement.on_conflict_do_nothing(index_elements=["tenant", "name"])
            await connection.execute(statement)
            return await _read(connection, schedule_id, tenant)

        added = await self._database.write(unit)
        if added is None:
            raise _taken(spec.name)
        return added

    async def get(self, schedule_id: str, *, tenant: str) -> Schedule:
        """One schedule, by its id or its name. Raises ``NotFound``."""

        async def unit(connection: Connection) -> Schedule | None:
            return await _read(connection, schedule_id, tenant)

        return _found(await self._database.read(unit), schedule_id)

    async def list(self, *, tenant: str, after: str = "", limit: int = 100) -> list[Schedule]:
        """A tenant's schedules, newest first."""
        statement = _WITH_LAST.where(schedules.c.tenant == tenant)
        if after:
            statement = statement.where(schedules.c.schedule_id < after)
        statement = statement.order_by(schedules.c.schedule_id.desc())
        statement = statement.limit(max(1, min(limit, MOST_LISTED)))

        async def unit(connection: Connection) -> list[Schedule]:
            return [_schedule(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def change(
        self, schedule_id: str, spec: ScheduleSpec, *, tenant: str, next_at: float | None
    ) -> Schedule:
        """Have a schedule be as given from now on. Raises ``NotFound``, ``Conflict``."""
        own = schedules.c.tenant == tenant
        named = select(schedules.c.schedule_id).where(
            own, schedules.c.name == spec.name, schedules.c.schedule_id != schedule_id
        )
        statement = (
            update(schedules)
            .where(own, schedules.c.schedule_id == schedule_id)
            .values(next_at=next_at, **_columns(spec))
        )

        async def unit(connection: Connection) -> Schedule | None:
            if (await connection.execute(named)).first() is not None:
                raise _taken(spec.name)
            await connection.execute(statement)
            return await _read(connection, schedule_id, tenant)

        return _found(await self._database.write(unit), schedule_id)

    async def delete(self, schedule_id: str, *, tenant: str) -> None:
        """Forget a schedule. Raises ``NotFound``."""
        statement = delete(schedules).where(
            schedules.c.tenant == tenant, schedules.c.schedule_id == schedule_id
        )

        async def unit(connection: Connection) -> int:
            return (await connection.execute(statement)).rowcount

        if not await self._database.write(unit):
            raise _missing(schedule_id)

    async def settle(self) -> int:
        """Note how last runs ended that have ended since; how many."""
        over = or_(jobs.c.status.in_(_FINAL), jobs.c.job_id.is_(None))
        statement = _WITH_LAST.where(schedules.c.settled.is_(False), over)

        async def look(connection: Connection) -> list[Row[Any]]:
            return list(await connection.execute(statement))

        ended = await self._database.read(look)
        if not ended:
            return 0

        async def unit(connection: Connection) -> int:
            return sum([await _settle(connection, row) for row in ended])

        return await self._database.write(unit)

    async def due(self, *, limit: int) -> tuple[float, list[Schedule]]:
        """The time, and the schedules that are due then, the one due longest first."""

        async def unit(connection: Connection) -> tuple[float, list[Schedule]]:
            at = float(await connection.scalar(select(now())))
            statement = (
                _WITH_LAST.where(schedules.c.enabled.is_(True), schedules.c.next_at <= at)
                .order_by(schedules.c.next_at)
                .limit(limit)
            )
            return at, [_schedule(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def take(
        self, schedule: Schedule, turn: Turn, requests: Sequence[JobRequest], *, error: str = ""
    ) -> str | None:
        """Take a turn, as one; ``None`` when it is somebody else's."""
        row = schedules.c
        values: dict[str, Any] = {
            "next_at": turn.next_at,
            "overlaps": row.overlaps + int(turn.overlapped),
            "missed": row.missed + int(turn.missed),
        }
        if error:
            values |= {"last_at": turn.due, "error": error, "failures": row.failures + 1}
        # The due time is the token: of all who saw it, one finds it still there.
        statement = (
            update(schedules)
            .where(row.schedule_id == schedule.schedule_id, row.next_at == turn.due)
            .where(row.enabled.is_(True))
            .values(**values)
        )

        async def unit(connection: Connection) -> str | None:
            if not (await connection.execute(statement)).rowcount:
                return None
            if not requests:
                return ""
            [job_id] = await self._queue.submitting(requests)(connection)
            await _note_run(connection, schedule.schedule_id, job_id, turn.due)
            return job_id

        return await self._database.write(unit)

    async def run_now(self, schedule: Schedule, request: JobRequest) -> str:
        """Submit a research outside its turn. Raises ``NotFound``."""

        async def unit(connection: Connection) -> str:
            [job_id] = await self._queue.submitting([request])(connection)
            if not await _note_run(connection, schedule.schedule_id, job_id, now()):
                raise _missing(schedule.schedule_id)
            return job_id

        return await self._database.write(unit)


async def _note_run(connection: Connection, schedule_id: str, job_id: str, at: Any) -> int:
    statement = (
        update(schedules)
        .where(schedules.c.schedule_id == schedule_id)
        .values(
            last_at=at,
            last_job_id=job_id,
            last_status=JobStatus.PENDING.value,
            settled=False,
            error="",
        )
    )
    return (await connection.execute(statement)).rowcount


async def _settle(connection: Connection, ended: Row[Any]) -> int:
    """Note the end of a run, unless another was begun meanwhile or somebody noted it."""
    failed = ended.job_status == JobStatus.FAILED.value
    statement = (
        update(schedules)
        .where(schedules.c.schedule_id == ended.schedule_id, schedules.c.settled.is_(False))
        .where(schedules.c.last_job_id == ended.last_job_id)
        .values(
            settled=True,
            last_status=ended.job_status,
            failures=schedules.c.failures + 1 if failed else 0,
        )
    )
    return (await connection.execute(statement)).rowcount


async def _read(connection: Connection, wanted: str, tenant: str) -> Schedule | None:
    named = or_(schedules.c.schedule_id == wanted, schedules.c.name == wanted)
    # An id goes before a name that looks like one.
    statement = _WITH_LAST.where(schedules.c.tenant == tenant, named).order_by(
        case((schedules.c.schedule_id == wanted, 0), else_=1)
    )
    row = (await connection.execute(statement.limit(1))).first()
    return None if row is None else _schedule(row)


def _columns(spec: ScheduleSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "cron": spec.cron,
        "time_zone": spec.time_zone,
        "topic": spec.topic,
        "configuration": as_json(dict(spec.configuration)),
        "tags": as_json(spec.tags),
        "priority": spec.priority.value,
        "when_missed": spec.missed.value,
        "when_overlapping": spec.overlap.value,
        "enabled": spec.enabled,
    }


def _schedule(row: Row[Any]) -> Schedule:
    # One that had ended may have been resumed since.
    status = row.job_status or (row.last_status if row.settled else None)
    return Schedule(
        schedule_id=row.schedule_id,
        spec=ScheduleSpec(
            name=row.name,
            cron=row.cron,
            time_zone=row.time_zone,
            topic=row.topic,
            configuration=cast("dict[str, object]", json.loads(row.configuration)),
            tags=tuple(json.loads(row.tags)),
            priority=TaskPriority(row.priority),
            missed=Missed(row.when_missed),
            overlap=Overlap(row.when_overlapping),
            enabled=row.enabled,
        ),
        tenant=row.tenant,
        submitter=row.submitter,
        created_at=row.created_at,
        next_at=row.next_at,
        last_at=row.last_at,
        last_job_id=row.last_job_id,
        last_status=None if status is None else JobStatus(status),
        failures=row.failures,
        overlaps=row.overlaps,
        missed=row.missed,
        error=row.error,
    )


def _found(schedule: Schedule | None, wanted: str) -> Schedule:
    if schedule is None:
        raise _missing(wanted)
    return schedule


def _missing(wanted: str) -> NotFound:
    return NotFound(
        f"there is no schedule {wanted!r}", cure="List them with: wiseflow schedules list"
    )


def _taken(name: str) -> Conflict:
    return Conflict(f"there is a schedule {name!r} already", cure="Give another name")
