"""Sources that only researches still need: kept while one cites or holds them, then erased."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import delete, select, union

from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.tables import job_sources, report_sources, sources

RETIRED = "retired"
# Well under the number of values that either database takes in one statement.
IDS_AT_ONCE = 5_000


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """``ids`` in parts that fit into one statement."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield ids[start : start + IDS_AT_ONCE]


async def cited_by(connection: Connection, job_id: str) -> list[str]:
    """The sources that a job's report cites."""
    statement = select(report_sources.c.source_id).where(report_sources.c.job_id == job_id)
    return list(await connection.scalars(statement))


async def needed_by(connection: Connection, job_id: str) -> list[str]:
    """The sources that a job's report cites, and those it read."""
    cited = select(report_sources.c.source_id).where(report_sources.c.job_id == job_id)
    held = select(job_sources.c.source_id).where(
        job_sources.c.job_id == job_id, job_sources.c.source_id.is_not(None)
    )
    return list(await connection.scalars(union(cited, held)))


async def erase_uncited(connection: Connection, source_ids: Sequence[str]) -> None:
    """Erase those of the sources that are retired, and that no report cites and no job holds.

    Their rows are locked first, where rows can be locked: whoever just takes one up is waited for,
    and the statement that erases then sees that it is held.
    """
    cited = select(report_sources.c.source_id).where(
        report_sources.c.source_id == sources.c.source_id
    )
    held = select(job_sources.c.source_id).where(job_sources.c.source_id == sources.c.source_id)
    for some in chunks(source_ids):
        retired = sources.c.source_id.in_(some) & (sources.c.index_state == RETIRED)
        # In one order, so that two that erase do not wait for each other in a circle.
        locked = select(sources.c.source_id).where(retired).order_by(sources.c.source_id)
        await connection.execute(locked.with_for_update())
        await connection.execute(delete(sources).where(retired, ~cited.exists(), ~held.exists()))
