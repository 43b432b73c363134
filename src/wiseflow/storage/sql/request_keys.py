"""Which body each ``Idempotency-Key`` first came with, by tenant."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Double,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    delete,
    select,
)

from wiseflow.core.errors import InvalidInput
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.tables import metadata

DAY_S = 86_400.0
# The jobs that a request made carry keys of their own; this row only tells what the request was.
request_keys = Table(
    "request_keys",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("request_key", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "request_key"),
    Index(None, "at"),
)


class SqlRequestKeys:
    """Keys of requests and what they were for.

    Args:
        database: where they are kept.
        days: for how long a key belongs to its request.
    """

    def __init__(self, database: Database, *, days: float) -> None:
        self._database = database
        self._seconds = days * DAY_S

    async def bind(self, tenant: str, key: str, fingerprint: str) -> None:
        """Note what a key is for, or see that it is for the same as before.

        Raises:
            InvalidInput: it was used for another request.
        """

        async def unit(connection: Connection) -> str | None:
            await connection.execute(
                delete(request_keys).where(request_keys.c.at < now() - self._seconds)
            )
            statement = upsert(connection, request_keys).values(
                tenant=tenant, request_key=key, fingerprint=fingerprint, at=now()
            )
            await connection.execute(statement.on_conflict_do_nothing())
            return await connection.scalar(
                select(request_keys.c.fingerprint).where(
                    request_keys.c.tenant == tenant, request_keys.c.request_key == key
                )
            )

        if await self._database.write(unit) != fingerprint:
            raise InvalidInput(
                f"the Idempotency-Key {key!r} was used for another request",
                cure="Give each request a key of its own, and repeat a key with the same body only",
            )
