"""A PostgreSQL server's database: units of work on the event loop, by a pool of connections."""

from __future__ import annotations

from typing import TypeVar, cast

from sqlalchemy.ext.asyncio import create_async_engine

from wiseflow.storage.sql.address import Address
from wiseflow.storage.sql.connection import Connection, Unit
from wiseflow.storage.sql.failures import translated
from wiseflow.storage.sql.options import DatabaseOptions

T = TypeVar("T")


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
                pool_pre_ping=True,
                connect_args={"connect_timeout": max(1, round(options.connect_timeout_s))},
            )

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

    async def write(self, unit: Unit[T]) -> T:
        """What ``unit`` gives, once it is committed; see ``Database.write``."""
        with translated(self._place):
            async with self._engine.begin() as connection:
                return await unit(cast("Connection", connection))
