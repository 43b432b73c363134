"""The journal in SQL."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Executable, Text, bindparam, select

from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Lease, StepNews
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert_in
from wiseflow.storage.sql.events import count_up, news_values, tell, write_news
from wiseflow.storage.sql.job_rows import HELD, held
from wiseflow.storage.sql.prepared import Prepared
from wiseflow.storage.sql.tables import jobs, steps


class SqlStepStore:
    """Journalled results; see ``StepStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def steps(self, job_id: str) -> dict[str, str]:
        """All journalled results of a job by step key."""
        statement = select(steps.c.step_key, steps.c.result).where(steps.c.job_id == job_id)

        async def unit(connection: Connection) -> dict[str, str]:
            return dict((await connection.execute(statement)).all())

        return await self._database.read(unit)

    async def record(
        self, lease: Lease, step_key: str, result: str, *, news: StepNews | None = None
    ) -> None:
        """Keep a step's result, once, if the lease still holds. Raises ``LeaseLost``.

        The row of the job is share-locked where rows can be locked: a claim that would take the job
        away waits until this is committed, so that its journal has the step.
        """
        values = {"new_key": step_key, "new_result": result, **held(lease)}

        async def unit(connection: Connection) -> None:
            if not news:
                if await _record(connection.dialect.name).first(connection, values) is None:
                    raise LeaseLost(lease.job_id)
            elif connection.dialect.name == "postgresql":
                values.update(news_values(news))
                if await connection.scalar(_record_and_tell(), values) is None:
                    raise LeaseLost(lease.job_id)
            else:
                # Whoever writes to a file is alone: the lease that held for these holds on.
                await write_news(connection, lease, news)
                await _KEEP.each(connection, [values])

        await self._database.write(unit, alone=True)


@cache
def _record_and_tell() -> Executable:
    """The statement that keeps a step once, and its news, on PostgreSQL; as ``_record``."""
    counted = count_up()
    row = select(
        counted.c.job_id,
        bindparam("new_key", type_=Text),
        bindparam("new_result", type_=Text),
        now(),
    )
    kept = (
        upsert_in("postgresql", steps)
        .from_select(["job_id", "step_key", "result", "at"], row)
        .on_conflict_do_nothing()
        .cte("kept")
    )
    return select(counted.c.event_count).add_cte(kept, tell(counted))


@cache
def _record(dialect: str) -> Prepared:
    """The statement that keeps a step, once; it gives no row when the lease is lost."""
    row = (
        select(
            jobs.c.job_id,
            bindparam("new_key", type_=Text),
            bindparam("new_result", type_=Text),
            now(),
        )
        .where(HELD)
        .with_for_update(read=True)
    )
    return Prepared(
        upsert_in(dialect, steps)
        .from_select(["job_id", "step_key", "result", "at"], row)
        # Changes nothing, but gives a row back.
        .on_conflict_do_update(
            index_elements=["job_id", "step_key"], set_={"result": steps.c.result}
        )
        .returning(steps.c.job_id)
    )


# Keeps a step, once, where the lease was looked at by what came before.
_KEEP = Prepared(
    upsert_in("sqlite", steps)
    .values(
        job_id=bindparam("held_job_id", type_=Text),
        step_key=bindparam("new_key", type_=Text),
        result=bindparam("new_result", type_=Text),
        at=now(),
    )
    .on_conflict_do_nothing()
)
