"""API keys in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, case, exists, func, insert, or_, select, update

from wiseflow.core.access import Scope
from wiseflow.core.keys import ApiKey, NewKey, StoredKey
from wiseflow.storage.sql.access_tables import api_keys
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now

MOST_LISTED = 10_000


def _live() -> ColumnElement[bool]:
    """Whether a key holds, by the database's clock."""
    unexpired = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now())
    return api_keys.c.revoked_at.is_(None) & unexpired


class SqlKeyStore:
    """API keys; see ``KeyStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewKey, *, key_id: str, digest: str) -> ApiKey:
        """Keep a new key."""
        expires_at = None if new.expires_in_s is None else now() + new.expires_in_s
        statement = insert(api_keys).values(
            key_id=key_id,
            digest=digest,
            name=new.name,
            tenant=new.tenant,
            scope=new.scope.value,
            requests_per_minute=new.requests_per_minute,
            created_at=now(),
            expires_at=expires_at,
        )

        async def unit(connection: Connection) -> ApiKey:
            await connection.execute(statement)
            return _key((await connection.execute(_one(key_id))).one())

        return await self._database.write(unit)

    async def find(self, key_id: str) -> StoredKey | None:
        """The key of that id, live or not."""

        async def unit(connection: Connection) -> StoredKey | None:
            row = (await connection.execute(_one(key_id))).first()
            return None if row is None else StoredKey(key=_key(row), digest=row.digest)

        return await self._database.read(unit)

    async def list(self, *, tenant: str | None = None) -> list[ApiKey]:
        """The keys of a tenant, or of all, the newest first."""
        statement = select(*api_keys.c, _live().label("live")).order_by(
            api_keys.c.created_at.desc(), api_keys.c.key_id
        )
        if tenant is not None:
            statement = statement.where(api_keys.c.tenant == tenant)

        async def unit(connection: Connection) -> list[ApiKey]:
            return [_key(row) for row in await connection.execute(statement.limit(MOST_LISTED))]

        return await self._database.read(unit)

    async def end(self, key_id: str, *, in_s: float = 0.0) -> ApiKey | None:
        """Revoke a key now, or have it expire in so many seconds if it does not sooner."""
        mine = update(api_keys).where(api_keys.c.key_id == key_id)
        if in_s > 0:
            sooner = api_keys.c.expires_at < now() + in_s
            kept = case((sooner, api_keys.c.expires_at), else_=now() + in_s)
            statement = mine.values(expires_at=kept)
        else:
            # The first time stays: it is when the key ceased to hold.
            statement = mine.values(revoked_at=func.coalesce(api_keys.c.revoked_at, now()))

        async def unit(connection: Connection) -> ApiKey | None:
            await connection.execute(statement)
            row = (await connection.execute(_one(key_id))).first()
            return None if row is None else _key(row)

        return await self._database.write(unit)

    async def touch(self, key_id: str) -> None:
        """Note that the key was used."""
        statement = update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_at=now())

        async def unit(connection: Connection) -> None:
            await connection.execute(statement)

        await self._database.write(unit)

    async def any(self) -> bool:
        """Whether a key was ever made."""
        statement = select(exists(select(api_keys.c.key_id)))

        async def unit(connection: Connection) -> bool:
            return bool(await connection.scalar(statement))

        return await self._database.read(unit)


def _one(key_id: str) -> Any:
    return select(*api_keys.c, _live().label("live")).where(api_keys.c.key_id == key_id)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        tenant=row.tenant,
        scope=Scope(row.scope),
        requests_per_minute=row.requests_per_minute,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        live=bool(row.live),
    )
