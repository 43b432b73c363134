"""Reports in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, delete, insert, literal, select

from wiseflow.core.errors import LeaseLost, NotFound
from wiseflow.core.jobs import Lease
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.job_rows import HELD, held
from wiseflow.storage.sql.retired import cited_by, erase_uncited
from wiseflow.storage.sql.tables import jobs, report_sources, reports


class SqlReportStore:
    """Reports as JSON text; see ``ReportStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, lease: Lease, report: str, *, source_ids: Sequence[str]) -> None:
        """Keep a job's report; a second one replaces the first. Raises ``LeaseLost``."""
        row = (
            select(jobs.c.job_id, literal(report, Text), now())
            .where(HELD)
            .with_for_update(read=True)
        )
        cited = [
            {"job_id": lease.job_id, "source_id": source_id}
            for source_id in dict.fromkeys(source_ids)
        ]

        async def unit(connection: Connection) -> None:
            statement = upsert(connection, reports).from_select(["job_id", "report", "at"], row)
            statement = statement.on_conflict_do_update(
                index_elements=["job_id"],
                set_={"report": statement.excluded.report, "at": statement.excluded.at},
            )
            if await connection.scalar(statement.returning(reports.c.job_id), held(lease)) is None:
                raise LeaseLost(lease.job_id)
            before = await cited_by(connection, lease.job_id)
            await connection.execute(
                delete(report_sources).where(report_sources.c.job_id == lease.job_id)
            )
            if cited:
                await connection.execute(insert(report_sources), cited)
            await erase_uncited(connection, before)

        await self._database.write(unit)

    async def get(self, job_id: str) -> str:
        """A job's report. Raises ``NotFound``."""
        statement = select(reports.c.report).where(reports.c.job_id == job_id)

        async def unit(connection: Connection) -> str | None:
            return await connection.scalar(statement)

        report = await self._database.read(unit)
        if report is None:
            raise NotFound(f"job {job_id!r} has no report", cure="Check that it is completed")
        return report
