"""Sources that only reports still need: kept while one cites them, then erased."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import delete, select

from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.tables import report_sources, sources

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


async def erase_uncited(connection: Connection, source_ids: Sequence[str]) -> None:
    """Erase those of the sources that are retired and that no report cites."""
    cited = select(report_sources.c.source_id).where(
        report_sources.c.source_id == sources.c.source_id
    )
    for some in chunks(source_ids):
        await connection.execute(
            delete(sources).where(
                sources.c.source_id.in_(some), sources.c.index_state == RETIRED, ~cited.exists()
            )
        )
