"""What the jobs of all instances come to, read from their rows.

Those that have ended are counted in an index of their own, without a look at their rows; the others
are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import case, func, select

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.figures import JobFigures
from wiseflow.core.jobs import JobStatus
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.tables import jobs
from wiseflow.storage.sql.tallies import ERASED, job_tallies

_OPEN = [status.value for status in JobStatus if not status.final]
_ENDED = (
    select(jobs.c.kind, jobs.c.status, func.count())
    .where(jobs.c.completed_at.is_not(None))
    .group_by(jobs.c.kind, jobs.c.status)
)
# One that waits for its next attempt cannot be begun yet.
_READY = (jobs.c.status == JobStatus.PENDING.value) & (jobs.c.claimable_at <= now())
_LIVE = (
    select(
        jobs.c.kind,
        jobs.c.status,
        jobs.c.priority,
        func.count().label("count"),
        (now() - func.min(case((_READY, jobs.c.created_at)))).label("oldest_s"),
    )
    .where(jobs.c.status.in_(_OPEN))
    .group_by(jobs.c.kind, jobs.c.status, jobs.c.priority)
)
_TALLIES = select(job_tallies.c.kind, job_tallies.c.what, job_tallies.c.count)


class SqlJobFigures:
    """Reads the figures of jobs; see ``FiguresReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(self) -> JobFigures:
        """As they are now, in one view of the database. Raises ``StorageError``."""

        async def unit(connection: Connection) -> JobFigures:
            return _figures(
                (await connection.execute(_ENDED)).all(),
                (await connection.execute(_LIVE)).all(),
                (await connection.execute(_TALLIES)).all(),
            )

        return await self._database.read(unit)


def _figures(ended: Iterable[Any], live: Iterable[Any], tallies: Iterable[Any]) -> JobFigures:
    stored = Counter({(kind, JobStatus(status)): count for kind, status, count in ended})
    waiting: Counter[tuple[str, TaskPriority]] = Counter()
    oldest_s: dict[str, float] = {}
    for row in live:
        stored[row.kind, JobStatus(row.status)] += row.count
        if row.status == JobStatus.PENDING:
            waiting[row.kind, TaskPriority(row.priority)] += row.count
        if row.oldest_s is not None:
            oldest_s[row.kind] = max(oldest_s.get(row.kind, 0.0), row.oldest_s)
    told = list(tallies)
    return JobFigures(
        stored=stored,
        waiting=waiting,
        oldest_s=oldest_s,
        erased={kind: count for kind, what, count in told if what == ERASED},
        undone={(kind, JobStatus(what)): count for kind, what, count in told if what != ERASED},
    )
