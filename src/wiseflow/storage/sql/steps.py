"""The journal in SQL."""

from __future__ import annotations

from sqlalchemy import Text, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Lease, StepNews
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.events import write_news
from wiseflow.storage.sql.job_rows import holds
from wiseflow.storage.sql.tables import jobs, steps


class SqlStepStore:
    """Journalled results; see ``StepStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def steps(self, job_id: str) -> dict[str, str]:
        """All journalled results of a job by step key."""
        statement = select(steps.c.step_key, steps.c.result).where(steps.c.job_id == job_id)

        async def unit(connection: AsyncConnection) -> dict[str, str]:
            return dict((await connection.execute(statement)).all())

        return await self._database.read(unit)

    async def record(
        self, lease: Lease, step_key: str, result: str, *, news: StepNews | None = None
    ) -> None:
        """Keep a step's result, once, if the lease still holds. Raises ``LeaseLost``.

        The row of the job is share-locked where rows can be locked: a claim that would take the job
        away waits until this is committed, so that its journal has the step.
        """
        row = (
            select(jobs.c.job_id, literal(step_key, Text), literal(result, Text), now())
            .where(holds(lease))
            .with_for_update(read=True)
        )

        async def unit(connection: AsyncConnection) -> None:
            statement = upsert(connection, steps).from_select(
                ["job_id", "step_key", "result", "at"], row
            )
            # Changes nothing, but gives a row back: no row means that the lease is lost.
            statement = statement.on_conflict_do_update(
                index_elements=["job_id", "step_key"], set_={"result": steps.c.result}
            )
            if await connection.scalar(statement.returning(steps.c.job_id)) is None:
                raise LeaseLost(lease.job_id)
            if news:
                await write_news(connection, lease, news)

        await self._database.write(unit)
