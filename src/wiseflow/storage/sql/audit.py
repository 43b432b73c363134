"""The audit log in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select

from wiseflow.core.audit import AuditEntry
from wiseflow.storage.sql.access_tables import audit_log
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now

MOST_READ = 1_000
# What a request brings goes in here: none of it may fill the disk.
LONGEST_TEXT = 500


class SqlAuditLog:
    """What was done; see ``AuditLog``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        """Keep one more."""
        texts = {
            "action": entry.action,
            "outcome": entry.outcome,
            "who": entry.who,
            "key_id": entry.key_id,
            "tenant": entry.tenant,
            "target": entry.target,
            "address": entry.address,
        }
        kept = {name: _text(text) for name, text in texts.items()}
        statement = insert(audit_log).values(at=now(), **kept)

        async def unit(connection: Connection) -> None:
            await connection.execute(statement)

        await self._database.write(unit)

    async def entries(
        self, *, tenant: str | None = None, before: int = 0, limit: int = 100
    ) -> list[AuditEntry]:
        """The entries of a tenant or of all, the newest first."""
        statement = select(audit_log).order_by(audit_log.c.number.desc())
        if tenant is not None:
            statement = statement.where(audit_log.c.tenant == tenant)
        if before:
            statement = statement.where(audit_log.c.number < before)
        statement = statement.limit(max(1, min(limit, MOST_READ)))

        async def unit(connection: Connection) -> list[AuditEntry]:
            return [_entry(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def forget(self, *, older_than_s: float) -> int:
        """Erase what is older than so many seconds; how many entries that were."""
        statement = delete(audit_log).where(audit_log.c.at < now() - older_than_s)

        async def unit(connection: Connection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self._database.write(unit)


def _text(text: str) -> str:
    # PostgreSQL takes no NUL, and no half of a pair of surrogates.
    plain = text.replace("\0", "�").encode("utf-8", "replace").decode()
    return plain[:LONGEST_TEXT]


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        action=row.action,
        outcome=row.outcome,
        who=row.who,
        key_id=row.key_id,
        tenant=row.tenant,
        target=row.target,
        address=row.address,
        number=row.number,
        at=row.at,
    )
