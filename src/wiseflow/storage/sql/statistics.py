"""What was learned of kinds of tasks, in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.tables import statistics


class SqlStatisticsStore:
    """Statistics as JSON text; see ``StatisticsStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> dict[str, str]:
        """All that is kept, by kind."""
        statement = select(statistics.c.kind, statistics.c.data)

        async def unit(connection: Connection) -> dict[str, str]:
            return dict((await connection.execute(statement)).all())

        return await self._database.read(unit)

    async def save(self, learned: Mapping[str, str]) -> None:
        """Keep these, all or none; of a kind that is kept already, the last one saved stays."""
        # In one order, so that two processes do not wait for each other's rows in a circle.
        rows = [{"kind": kind, "data": learned[kind]} for kind in sorted(learned)]
        if not rows:
            return

        async def unit(connection: Connection) -> None:
            statement = upsert(connection, statistics).values(at=now())
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["kind"],
                    set_={"data": statement.excluded.data, "at": statement.excluded.at},
                ),
                rows,
            )

        await self._database.write(unit)
