"""An SQLite file: threads that read and one that writes, each running whole units of work.

A unit runs on its thread from beginning to end, so its statements cost no change of threads; see
``docs/adr/0024-units-of-work-whole-on-a-thread.md``.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event

from wiseflow.core.errors import StorageError, StorageFull
from wiseflow.storage.sql.address import Address
from wiseflow.storage.sql.connection import FileConnection, Unit, run_on_thread
from wiseflow.storage.sql.failures import no_connection_came_free, translated
from wiseflow.storage.sql.file_writer import FileWriter
from wiseflow.storage.sql.groups import GroupWriter
from wiseflow.storage.sql.options import DatabaseOptions

T = TypeVar("T")


class FileBackend:
    """Reads and writes an SQLite file.

    It owns one background task, which hands groups of writes to the writer's thread. The task ends
    by itself at ``close`` and gives every error to the caller whose write raised it, so nothing
    escapes from its group. ``open`` and ``close`` must run on the same event loop, not necessarily
    in the same task.

    Args:
        address: of the file; its folder is made.
        options: how to use it.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(self, address: Address, options: DatabaseOptions) -> None:
        assert address.path is not None, "an address of a file"
        _make_folder(address.path.parent)
        self._place = address.place
        self._wait_s = options.pool_timeout_s
        self._turns = asyncio.Semaphore(options.readers)
        self._reading = _engine(address, options, connections=options.readers, writing=False)
        self._readers = ThreadPoolExecutor(options.readers, thread_name_prefix="reader")
        self._writer = FileWriter(
            _engine(address, options, connections=1, writing=True), place=self._place
        )
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._groups = GroupWriter(
            self._writer.commit,
            thread=self._writing,
            place=self._place,
            wait_s=options.write_wait_s,
        )
        self._tasks = asyncio.TaskGroup()

    async def open(self) -> None:
        """Make ready for writing. No connection is opened yet."""
        await self._tasks.__aenter__()
        self._tasks.create_task(self._groups.run(), name=f"writer of {self._place}")

    async def close(self) -> None:
        """Finish the writes that wait and end the threads with their connections."""
        try:
            await self._groups.stop()
            await self._tasks.__aexit__(None, None, None)
        finally:
            await asyncio.to_thread(self._end_threads)

    async def read(self, unit: Unit[T]) -> T:
        """What ``unit`` gives; see ``Database.read``."""
        async with self._turn():
            return await asyncio.wrap_future(self._readers.submit(self._read, unit))

    async def write(self, unit: Unit[T], *, alone: bool = False) -> T:  # noqa: ARG002 - as a server's
        """What ``unit`` gives, once it is committed; see ``Database.write``."""
        return await self._groups.write(unit)

    def _read(self, unit: Unit[T]) -> T:
        with translated(self._place), self._reading.connect() as connection:
            return run_on_thread(unit, FileConnection(connection))

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turns.acquire()
        except TimeoutError:
            raise no_connection_came_free(self._place) from None
        try:
            yield
        finally:
            self._turns.release()

    def _end_threads(self) -> None:
        """Wait for what runs: no statement waits for the lock beyond the busy timeout."""
        self._readers.shutdown()
        self._writing.shutdown()
        self._reading.dispose()
        self._writer.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise (StorageFull if full else StorageError)(
            f"the folder {folder} for the database cannot be made: {error.strerror}",
            cure="Name another place in WISEFLOW_DATA_DIR, or for it alone in DATABASE_URL",
        ) from error


def _engine(
    address: Address, options: DatabaseOptions, *, connections: int, writing: bool
) -> Engine:
    engine = create_engine(
        address.url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=options.pool_timeout_s,
        # A connection is used by one thread at a time, but closed by another one.
        connect_args={"check_same_thread": False},
    )
    pragmas = [f"busy_timeout = {round(options.busy_timeout_s * 1000)}", "foreign_keys = ON"]
    pragmas += (
        ["journal_mode = WAL", f"synchronous = {options.synchronous}"]
        if writing
        else ["query_only = ON"]
    )
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver's own transactions begin late and deferred; ours begin in the listener below.
        connection.isolation_level = None
        with ExitStack() as stack:
            cursor = connection.cursor()
            stack.callback(cursor.close)
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql(begin)

    return engine
