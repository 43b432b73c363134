"""Sealed secrets in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select

from wiseflow.core.sealed import SealedSecret
from wiseflow.storage.sql.access_tables import secrets as secret_rows
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert


class SqlSecretStore:
    """Sealed secrets; see ``SecretStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[SealedSecret]:
        """Every one, by name."""
        statement = select(secret_rows).order_by(secret_rows.c.name)

        async def unit(connection: Connection) -> list[SealedSecret]:
            return [
                SealedSecret(name=row.name, key_id=row.key_id, sealed=row.sealed, set_at=row.set_at)
                for row in await connection.execute(statement)
            ]

        return await self._database.read(unit)

    async def put(self, secrets: Sequence[SealedSecret]) -> None:
        """Keep these, all or none, in place of those of the same names."""
        rows = [{"name": one.name, "key_id": one.key_id, "sealed": one.sealed} for one in secrets]
        if not rows:
            return

        async def unit(connection: Connection) -> None:
            statement = upsert(connection, secret_rows).values(set_at=now())
            replaced = {name: statement.excluded[name] for name in ("key_id", "sealed", "set_at")}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["name"], set_=replaced), rows
            )

        await self._database.write(unit)

    async def delete(self, name: str) -> bool:
        """Erase one; whether there was one."""
        statement = delete(secret_rows).where(secret_rows.c.name == name)

        async def unit(connection: Connection) -> bool:
            return (await connection.execute(statement)).rowcount > 0

        return await self._database.write(unit)
