"""Counts of what the rows of jobs do not show any more, so that totals never become less."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, Text

from wiseflow.core.jobs import Job
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.dialect import upsert
from wiseflow.storage.sql.tables import metadata

# ``what`` is ``erased``, or the status that a job had ended with.
job_tallies = Table(
    "job_tallies",
    metadata,
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "what"),
)

ERASED = "erased"


async def tally_erased(connection: Connection, job: Job) -> None:
    """Count a job that is erased in the same transaction."""
    await _add(connection, job.kind, ERASED)
    await tally_undone(connection, job)


async def tally_undone(connection: Connection, job: Job) -> None:
    """Count the ending, if it had one, of a job that loses it in the same transaction."""
    if job.status.final:
        await _add(connection, job.kind, job.status.value)


async def _add(connection: Connection, kind: str, what: str) -> None:
    statement = upsert(connection, job_tallies).values(kind=kind, what=what, count=1)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "what"], set_={"count": job_tallies.c.count + 1}
        )
    )
