"""A database: opened once, read and written through units of work, closed at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeVar

from sqlalchemy import text

from wiseflow.core.errors import StorageError, WiseflowError
from wiseflow.storage.sql.address import parse
from wiseflow.storage.sql.connection import Connection, Unit
from wiseflow.storage.sql.files import FileBackend
from wiseflow.storage.sql.options import DatabaseOptions
from wiseflow.storage.sql.servers import ServerBackend

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """Whether a database answers.

    Args:
        status: ``ok`` or ``failed``.
        latency_ms: how long the answer took.
        version: of the database, for instance ``SQLite 3.45.1``; "" when it failed.
        error: why it failed, or "".
    """

    status: str
    latency_ms: float
    version: str = ""
    error: str = ""


class Backend(Protocol):
    """How one kind of database does what ``Database`` promises."""

    async def open(self) -> None:
        """See ``Database.open``."""
        ...

    async def close(self) -> None:
        """See ``Database.close``."""
        ...

    async def read(self, unit: Unit[T]) -> T:
        """See ``Database.read``."""
        ...

    async def write(self, unit: Unit[T], *, alone: bool = False) -> T:
        """See ``Database.write``."""
        ...


class Database:
    """An SQLite file or a PostgreSQL server's database.

    An asynchronous context manager::

        async with Database("sqlite:///data/wiseflow.db") as database:
            await database.write(unit)

    ``open`` and ``close`` must run on the same event loop, not necessarily in the same task.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://…``.
        options: how to use it.

    Raises:
        ConfigurationError: the URL names no database that can be used.
    """

    def __init__(self, url: str, options: DatabaseOptions | None = None) -> None:
        self._address = parse(url)
        self._options = options or DatabaseOptions()
        self._backend: Backend | None = None

    @property
    def place(self) -> str:
        """The database as errors name it: without user and password."""
        return self._address.place

    @property
    def url(self) -> str:
        """The URL with the password hidden."""
        return self._address.url.render_as_string(hide_password=True)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Make ready for reading and writing; a second call does nothing.

        An SQLite database's folder is made. No connection is opened yet.

        Raises:
            StorageError: the folder cannot be made.
            ConfigurationError: the driver is not installed.
        """
        if self._backend is not None:
            return
        kind = ServerBackend if self._address.path is None else FileBackend
        self._backend = kind(self._address, self._options)
        await self._backend.open()

    async def close(self) -> None:
        """Finish the writes that wait and close all connections; a second call does nothing."""
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.close()

    async def read(self, unit: Unit[T]) -> T:
        """What ``unit`` gives, from one consistent view of the database; it must not write.

        Raises:
            StorageError: the database refuses.
        """
        return await self._opened().read(unit)

    async def write(self, unit: Unit[T], *, alone: bool = False) -> T:
        """What ``unit`` gives, once what it wrote is committed; all of it or nothing.

        The unit may be run more than once, so it must do nothing but talk to its connection.

        Args:
            unit: of work.
            alone: whether it is one statement on a server, which then costs one message there and
                one back.

        Raises:
            StorageError: the database refuses.
        """
        return await self._opened().write(unit, alone=alone)

    async def test_connection(self) -> ConnectionTest:
        """Whether the database answers, how fast, and which version it is."""
        begun = time.perf_counter()
        try:
            version = await self.read(_version)
        except WiseflowError as error:
            return ConnectionTest(status="failed", latency_ms=_ms_since(begun), error=str(error))
        return ConnectionTest(status="ok", latency_ms=_ms_since(begun), version=version)

    def _opened(self) -> Backend:
        if self._backend is None:
            raise StorageError(f"the database {self.place} is closed")
        return self._backend


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


async def _version(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {await connection.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {await connection.scalar(text('SHOW server_version'))}"
