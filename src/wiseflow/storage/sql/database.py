"""A database: opened once, read and written through units of work, closed at the end."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from wiseflow.core.errors import StorageError, StorageFull, WiseflowError
from wiseflow.storage.sql.address import Address, parse
from wiseflow.storage.sql.failures import translated
from wiseflow.storage.sql.groups import GroupWriter
from wiseflow.storage.sql.threads import ConnectionThreads

T = TypeVar("T")


class Synchronous(StrEnum):
    """How far SQLite waits for the disk. Source: https://www.sqlite.org/pragma.html#pragma_synchronous.

    In every setting the database stays whole after the program crashes or is killed, and what was
    committed is there. After a loss of power or a crash of the operating system:

    - ``FULL`` and ``EXTRA``: the same; each commit waits for the disk.
    - ``NORMAL``: the database is whole, but the last commits may be undone, so a step that was
      finished then runs again.
    - ``OFF``: the database may be damaged.
    """

    OFF = "off"
    NORMAL = "normal"
    FULL = "full"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How to use a database.

    Args:
        synchronous: SQLite only, how far a commit waits for the disk.
        busy_timeout_s: SQLite only, how long to wait for another process that writes.
        readers: SQLite only, connections for reading.
        write_wait_s: SQLite only, how long a write waits for its turn in this process.
        pool_size, max_overflow: PostgreSQL only, connections kept, and how many more at a peak.
        pool_timeout_s: how long to wait for a free connection.
        connect_timeout_s: PostgreSQL only, how long to wait for the server.
    """

    synchronous: Synchronous = Synchronous.NORMAL
    busy_timeout_s: float = 5.0
    readers: int = 4
    write_wait_s: float = 60.0
    pool_size: int = 10
    max_overflow: int = 10
    pool_timeout_s: float = 30.0
    connect_timeout_s: float = 10.0


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


class Database:
    """An SQLite file or a PostgreSQL server's database.

    An asynchronous context manager::

        async with Database("sqlite:///data/wiseflow.db") as database:
            await database.write(unit)

    It owns one background task, the writer of an SQLite database, through a task group that is
    entered by ``open`` and left by ``close``; the writer ends by itself when the database is closed
    and hands every error to the caller whose write raised it, so nothing escapes from the group.
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
        self._reading: AsyncEngine | None = None
        self._writing: AsyncEngine | None = None
        self._writer: GroupWriter | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._threads = ConnectionThreads()

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
        if self._reading is not None:
            return
        with translated(self.place):
            if self._address.path is None:
                self._reading = self._writing = _server_engine(self._address, self._options)
            else:
                _make_folder(self._address)
                self._reading = _file_engine(
                    self._address, self._options, self._threads, writing=False
                )
                self._writing = _file_engine(
                    self._address, self._options, self._threads, writing=True
                )
        if self._address.path is not None:
            await self._start_writer(self._writing)

    async def close(self) -> None:
        """Finish the writes that wait and close all connections; a second call does nothing."""
        reading, writing, self._reading = self._reading, self._writing, None
        if reading is None or writing is None:
            return
        try:
            if self._writer is not None and self._tasks is not None:
                await self._writer.stop()
                await self._tasks.__aexit__(None, None, None)
        finally:
            await reading.dispose()
            await writing.dispose()
            await self._threads.ended()

    async def read(self, unit: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What ``unit`` gives, from one consistent view of the database; it must not write.

        Raises:
            StorageError: the database refuses.
        """
        with translated(self.place):
            async with self._open_engine(self._reading).connect() as connection:
                return await unit(connection)

    async def write(self, unit: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What ``unit`` gives, once what it wrote is committed; all of it or nothing.

        The unit may be run more than once, so it must do nothing but talk to its connection.

        Raises:
            StorageError: the database refuses.
        """
        engine = self._open_engine(self._reading and self._writing)
        if self._writer is not None:
            return await self._writer.write(unit)
        with translated(self.place):
            async with engine.begin() as connection:
                return await unit(connection)

    async def test_connection(self) -> ConnectionTest:
        """Whether the database answers, how fast, and which version it is."""
        begun = time.perf_counter()
        try:
            version = await self.read(_version)
        except WiseflowError as error:
            return ConnectionTest(status="failed", latency_ms=_ms_since(begun), error=str(error))
        return ConnectionTest(status="ok", latency_ms=_ms_since(begun), version=version)

    def _open_engine(self, engine: AsyncEngine | None) -> AsyncEngine:
        if engine is None:
            raise StorageError(f"the database {self.place} is closed")
        return engine

    async def _start_writer(self, engine: AsyncEngine) -> None:
        self._writer = GroupWriter(engine, place=self.place, wait_s=self._options.write_wait_s)
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._tasks.create_task(self._writer.run(), name=f"writer of {self.place}")


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


async def _version(connection: AsyncConnection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {await connection.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {await connection.scalar(text('SHOW server_version'))}"


def _make_folder(address: Address) -> None:
    assert address.path is not None
    folder = address.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise (StorageFull if full else StorageError)(
            f"the folder {folder} for the database cannot be made: {error.strerror}",
            cure="Name another place in WISEFLOW_DATA_DIR, or for it alone in DATABASE_URL",
        ) from error


def _server_engine(address: Address, options: DatabaseOptions) -> AsyncEngine:
    return create_async_engine(
        address.url,
        pool_size=options.pool_size,
        max_overflow=options.max_overflow,
        pool_timeout=options.pool_timeout_s,
        pool_pre_ping=True,
        connect_args={"connect_timeout": max(1, round(options.connect_timeout_s))},
    )


def _file_engine(
    address: Address, options: DatabaseOptions, threads: ConnectionThreads, *, writing: bool
) -> AsyncEngine:
    path = str(address.path)
    engine = create_async_engine(
        address.url,
        async_creator=lambda: threads.connect(path),
        pool_size=1 if writing else options.readers,
        max_overflow=0,
        pool_timeout=options.pool_timeout_s,
    )
    pragmas = [f"busy_timeout = {round(options.busy_timeout_s * 1000)}", "foreign_keys = ON"]
    pragmas += (
        ["journal_mode = WAL", f"synchronous = {options.synchronous}"]
        if writing
        else ["query_only = ON"]
    )
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver's own transactions begin late and deferred; ours begin in the listener below.
        connection.isolation_level = None
        with ExitStack() as stack:
            cursor = connection.cursor()
            stack.callback(cursor.close)
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql(begin)

    return engine
