"""Links to reports, in SQL."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from wiseflow.core.errors import NotFound
from wiseflow.core.ids import new_id
from wiseflow.core.shares import Share
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.job_reader import read_job
from wiseflow.storage.sql.schedule_tables import shares, signing_keys

MOST_LISTED = 1_000


class SqlShareStore:
    """Links; see ``ShareStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job_id: str, *, tenant: str, submitter: str, seconds: float) -> Share:
        """A new link that holds for so long. Raises ``NotFound``."""
        share_id = new_id()

        async def unit(connection: Connection) -> Share:
            await read_job(connection, job_id, lock=True)
            at = float(await connection.scalar(select(now())))
            share = Share(
                share_id=share_id,
                job_id=job_id,
                tenant=tenant,
                submitter=submitter,
                created_at=at,
                expires_at=at + seconds,
            )
            values = {name: getattr(share, name) for name in Share.__slots__}
            await connection.execute(insert(shares).values(**values))
            return share

        return await self._database.write(unit)

    async def list(self, job_id: str, *, tenant: str) -> list[Share]:
        """The links to a research's report, newest first."""
        statement = (
            select(shares)
            .where(shares.c.job_id == job_id, shares.c.tenant == tenant)
            .order_by(shares.c.share_id.desc())
            .limit(MOST_LISTED)
        )

        async def unit(connection: Connection) -> list[Share]:
            return [_share(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def revoke(self, share_id: str, *, tenant: str) -> Share:
        """Take a link back; one taken back stays as it is. Raises ``NotFound``."""
        own = (shares.c.share_id == share_id) & (shares.c.tenant == tenant)
        statement = (
            update(shares).where(own).values(revoked_at=func.coalesce(shares.c.revoked_at, now()))
        )

        async def unit(connection: Connection) -> Row[Any] | None:
            await connection.execute(statement)
            return (await connection.execute(select(shares).where(own))).first()

        row = await self._database.write(unit)
        if row is None:
            raise NotFound(f"there is no link {share_id!r}")
        return _share(row)

    async def shared(self, share_id: str) -> str | None:
        """The research that a link shows."""
        statement = select(shares.c.job_id).where(
            shares.c.share_id == share_id,
            shares.c.revoked_at.is_(None),
            shares.c.expires_at > now(),
        )

        async def unit(connection: Connection) -> str | None:
            return await connection.scalar(statement)

        return await self._database.read(unit)

    async def signing_key(self, name: str) -> str:
        """A key that all instances share, made when it is first asked for."""
        wanted = select(signing_keys.c.secret).where(signing_keys.c.name == name)

        async def look(connection: Connection) -> str | None:
            return await connection.scalar(wanted)

        async def make(connection: Connection) -> str:
            statement = upsert(connection, signing_keys).values(
                name=name, secret=secrets.token_urlsafe(32)
            )
            await connection.execute(statement.on_conflict_do_nothing())
            return str(await connection.scalar(wanted))

        return await self._database.read(look) or await self._database.write(make)


def _share(row: Row[Any]) -> Share:
    return Share(**{name: getattr(row, name) for name in Share.__slots__})
