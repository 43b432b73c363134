"""Jobs, read."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select

from wiseflow.core.errors import InvalidInput, NotFound
from wiseflow.core.jobs import Job, JobFilter, JobStatus
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import member_text
from wiseflow.storage.sql.job_rows import to_job
from wiseflow.storage.sql.tables import job_tags, jobs

MAX_LISTED = 10_000
# Sorts after every character of an id.
_AFTER_ALL = "~"
_MODE: ColumnElement[str] = member_text(jobs.c.payload, "configuration", "research_mode")


class SqlJobReader:
    """Reads jobs; see ``JobReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, job_id: str) -> Job:
        """One job. Raises ``NotFound``."""

        async def unit(connection: Connection) -> Job:
            return await read_job(connection, job_id)

        return await self._database.read(unit)

    async def find(self, prefix: str) -> str:
        """The one job id that begins with ``prefix``. Raises ``NotFound``, ``InvalidInput``."""
        low = prefix.lower()
        statement = (
            select(jobs.c.job_id)
            .where(jobs.c.job_id >= low, jobs.c.job_id < low + _AFTER_ALL)
            .order_by(jobs.c.job_id)
            .limit(2)
        )

        async def unit(connection: Connection) -> list[str]:
            return list(await connection.scalars(statement))

        found = await self._database.read(unit)
        if len(found) > 1:
            raise InvalidInput(f"several jobs begin with {prefix!r}", cure="Give more of the id")
        if not found:
            raise no_job(prefix)
        return found[0]

    async def list(self, job_filter: JobFilter) -> list[Job]:
        """Jobs that match, newest first."""
        statement = (
            select(*jobs.c)
            .where(*_conditions(job_filter))
            .order_by(jobs.c.job_id.desc())
            .limit(max(1, min(job_filter.limit, MAX_LISTED)))
        )

        async def unit(connection: Connection) -> list[Job]:
            return [to_job(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def counts(self, *, batch: str = "", kind: str = "") -> dict[JobStatus, int]:
        """How many jobs there are of each status (all statuses are present)."""
        statement = select(jobs.c.status, func.count()).group_by(jobs.c.status)
        if batch:
            statement = statement.where(jobs.c.batch == batch)
        if kind:
            statement = statement.where(jobs.c.kind == kind)

        async def unit(connection: Connection) -> dict[JobStatus, int]:
            found = dict((await connection.execute(statement)).all())
            return {status: found.get(status.value, 0) for status in JobStatus}

        return await self._database.read(unit)


async def read_job(connection: Connection, job_id: str, *, lock: bool = False) -> Job:
    """One job, its row locked until the transaction ends if ``lock``. Raises ``NotFound``."""
    statement = select(*jobs.c).where(jobs.c.job_id == job_id)
    if lock:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).first()
    if row is None:
        raise no_job(job_id)
    return to_job(row)


def no_job(job_id: str) -> NotFound:
    """The error for a job that is not there."""
    return NotFound(f"there is no job {job_id!r}", cure="List them with: wiseflow jobs list")


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    tagged = select(job_tags.c.job_id).where(job_tags.c.tag == wanted.tag)
    statuses = [status.value for status in wanted.statuses]
    since, until = wanted.since or 0.0, wanted.until or 0.0
    ended = wanted.completed_since
    conditions = (
        (jobs.c.status.in_(statuses), bool(statuses)),
        (jobs.c.kind == wanted.kind, bool(wanted.kind)),
        (jobs.c.job_id.in_(tagged), bool(wanted.tag)),
        (jobs.c.batch == wanted.batch, bool(wanted.batch)),
        (jobs.c.delivered_at.is_(None), wanted.undelivered),
        (jobs.c.tenant == wanted.tenant, wanted.tenant is not None),
        (jobs.c.created_at >= since, wanted.since is not None),
        (jobs.c.created_at <= until, wanted.until is not None),
        (jobs.c.completed_at >= (ended or 0.0), ended is not None),
        (_MODE.in_([wanted.mode]), bool(wanted.mode)),
        (jobs.c.job_id < wanted.after, bool(wanted.after)),
    )
    return [condition for condition, asked in conditions if asked]
