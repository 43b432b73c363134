"""Instances in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select

from wiseflow.core.instances import Instance, InstanceKind, Sign
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.service_tables import instances


class SqlInstanceStore:
    """Who is there; see ``InstanceStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, sign: Sign) -> None:
        """Keep a sign of life."""

        async def unit(connection: Connection) -> None:
            statement = upsert(connection, instances).values(
                **asdict(sign), started_at=now(), seen_at=now()
            )
            told = ("kind", "host", "version", "capacity", "running", "seen_at")
            changes = {name: statement.excluded[name] for name in told}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["name"], set_=changes)
            )

        await self._database.write(unit)

    async def leave(self, name: str) -> None:
        """Forget an instance that ends in order."""

        async def unit(connection: Connection) -> None:
            await connection.execute(delete(instances).where(instances.c.name == name))

        await self._database.write(unit)

    async def instances(self, *, alive_s: float) -> Sequence[Instance]:
        """All that are known, by their start."""
        alive = (instances.c.seen_at > now() - alive_s).label("alive")
        statement = select(instances, alive).order_by(instances.c.started_at, instances.c.name)

        async def unit(connection: Connection) -> list[Instance]:
            return [
                Instance(
                    sign=Sign(
                        name=row.name,
                        kind=InstanceKind(row.kind),
                        host=row.host,
                        version=row.version,
                        capacity=row.capacity,
                        running=row.running,
                    ),
                    started_at=row.started_at,
                    seen_at=row.seen_at,
                    alive=bool(row.alive),
                )
                for row in await connection.execute(statement)
            ]

        return await self._database.read(unit)

    async def prune(self, *, unseen_s: float) -> int:
        """Forget those that were not seen for longer than that; how many there were."""
        statement = delete(instances).where(instances.c.seen_at <= now() - unseen_s)

        async def unit(connection: Connection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self._database.write(unit)
