"""A PostgreSQL server's database: units of work on the event loop, by a pool of connections."""

from __future__ import annotations

import time
from typing import Any, TypeVar, cast

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from wiseflow.storage.sql.address import Address
from wiseflow.storage.sql.connection import Connection, Unit
from wiseflow.storage.sql.failures import translated
from wiseflow.storage.sql.options import DatabaseOptions

T = TypeVar("T")

# A connection that was not used for longer is tried before it is used again.
REST_S = 1.0


class ServerBackend:
    """Reads and writes a server's database.

    Args:
        address: of the database.
        options: how to use it.

    Raises:
        ConfigurationError: the driver is not installed.
    """

    def __init__(self, address: Address, options: DatabaseOptions) -> None:
        self._place = address.place
        with translated(self._place):
            self._engine = create_async_engine(
                address.url,
                pool_size=options.pool_size,
                max_overflow=options.max_overflow,
                pool_timeout=options.pool_timeout_s,
                connect_args={"connect_timeout": max(1, round(options.connect_timeout_s))},
            )
        # The same connections: a statement alone is a transaction, and needs no words around it.
        self._alone = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        _ping_after_rest(self._engine)

    async def open(self) -> None:
        """Nothing is to be made ready: connections are opened when they are first needed."""

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def read(self, unit: Unit[T]) -> T:
        """What ``unit`` gives; see ``Database.read``."""
        with translated(self._place):
            async with self._engine.connect() as connection:
                return await unit(cast("Connection", connection))

    async def write(self, unit: Unit[T], *, alone: bool = False) -> T:
        """What ``unit`` gives, once it is committed; see ``Database.write``."""
        with translated(self._place):
            if alone:
                async with self._alone.connect() as connection:
                    return await unit(cast("Connection", connection))
            async with self._engine.begin() as connection:
                return await unit(cast("Connection", connection))


def _ping_after_rest(engine: AsyncEngine) -> None:
    """Have connections that rested for a while tried before they are used.

    One that breaks in use makes the pool replace all; so only those that were not used lately can
    be broken unnoticed, and the others are spared a question to the server.
    """
    pool, dialect = engine.sync_engine.pool, engine.sync_engine.dialect

    @event.listens_for(pool, "checkin")
    def rest(_connection: Any, record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        record.info["since"] = time.monotonic()

    @event.listens_for(pool, "checkout")
    def wake(connection: Any, record: Any, _proxy: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        since = record.info.get("since")
        if since is None or time.monotonic() - since < REST_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error
