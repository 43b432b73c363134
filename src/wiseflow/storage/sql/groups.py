"""The one writer of an SQLite database: it takes all writes that wait and commits them at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from wiseflow.core.errors import StorageError, WiseflowError
from wiseflow.storage.sql.failures import translated

T = TypeVar("T")
Unit = Callable[[AsyncConnection], Awaitable[T]]

# So that one transaction stays short for other processes that wait for the lock.
GROUP_LIMIT = 256
QUEUE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    unit: Unit[T]
    answer: asyncio.Future[T]


class GroupWriter:
    """Runs units of writing one after the other on one connection, in groups.

    A group is whatever waits when the writer comes free, run in one transaction and committed once.
    When a unit of a group fails, the whole transaction is rolled back and each unit is run again in
    a transaction of its own, so that only the failing one fails. A unit may therefore run more than
    once and must do nothing but talk to its connection.

    A unit whose caller gave up before it began is left out; one that began is finished.

    Args:
        engine: gives the connection; its transactions begin with ``BEGIN IMMEDIATE``.
        place: the database as errors name it.
        wait_s: how long a caller waits for its turn and its commit before it is refused.
    """

    def __init__(self, engine: AsyncEngine, *, place: str, wait_s: float) -> None:
        self._engine = engine
        self._place = place
        self._wait_s = wait_s
        self._queue: asyncio.Queue[_Request[Any] | None] = asyncio.Queue(QUEUE_LIMIT)
        self._closed = False
        self._last_seen = False
        self._ended = False

    async def write(self, unit: Unit[T]) -> T:
        """What ``unit`` gives, once it is committed.

        Raises:
            StorageError: the database refuses, the turn did not come in time, or it is closed.
        """
        request = _Request(unit, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(self._wait_s):
                if self._closed:
                    raise self._closed_error()
                await self._queue.put(request)
                if self._ended:  # the queue was full while the writer stopped
                    raise self._closed_error()
                return await request.answer
        except TimeoutError:
            raise StorageError(
                f"the database {self._place} did not take a write within {self._wait_s:g} s",
                cure="Lower the number of jobs run at once, or use a faster disk",
            ) from None

    async def stop(self) -> None:
        """Take no more writes; ``run`` ends when those that wait are done."""
        if not self._closed:
            self._closed = True
            await self._queue.put(None)

    async def run(self) -> None:
        """Serve writes until ``stop``. What a unit raises goes to its caller alone."""
        try:
            async with AsyncExitStack() as stack:
                connection: AsyncConnection | None = None
                while group := await self._next_group():
                    try:
                        with translated(self._place):
                            connection = connection or await self._connect(stack)
                    except WiseflowError as error:
                        _refuse(group, error)
                    else:
                        await self._serve(connection, group)
        finally:
            self._ended = True
            self._refuse_rest()

    async def _connect(self, stack: AsyncExitStack) -> AsyncConnection:
        return await stack.enter_async_context(self._engine.connect())

    async def _next_group(self) -> list[_Request[Any]]:
        """Everything that waits, at least one; nothing when it is time to stop."""
        if self._last_seen:
            return []
        group: list[_Request[Any]] = []
        request = await self._queue.get()
        while request is not None:
            group.append(request)
            if len(group) == GROUP_LIMIT or self._queue.empty():
                return group
            request = self._queue.get_nowait()
        self._last_seen = True
        return group

    async def _serve(self, connection: AsyncConnection, group: Sequence[_Request[Any]]) -> None:
        wanted = [request for request in group if not request.answer.done()]
        results: list[Any] = []
        begun = False
        try:
            with translated(self._place):
                async with connection.begin():
                    begun = True
                    results.extend([await request.unit(connection) for request in wanted])
        except Exception as error:  # noqa: BLE001 - a boundary: it is the callers' to handle
            a_unit_failed = begun and not results
            await _end_transaction(connection)
            if a_unit_failed and len(wanted) > 1:
                await self._serve_one_by_one(connection, wanted)
            else:
                _refuse(wanted, error)
        else:
            for request, result in zip(wanted, results, strict=True):
                if not request.answer.done():
                    request.answer.set_result(result)

    async def _serve_one_by_one(
        self, connection: AsyncConnection, group: Sequence[_Request[Any]]
    ) -> None:
        for request in group:
            await self._serve(connection, [request])

    def _refuse_rest(self) -> None:
        while not self._queue.empty():
            if request := self._queue.get_nowait():
                _refuse([request], self._closed_error())

    def _closed_error(self) -> StorageError:
        return StorageError(f"the database {self._place} is closed")


async def _end_transaction(connection: AsyncConnection) -> None:
    """Roll back what a failed commit left open, which SQLAlchemy takes for ended."""
    with suppress(SQLAlchemyError, sqlite3.Error):
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is not None:
            await driver.rollback()


def _refuse(group: Sequence[_Request[Any]], error: Exception) -> None:
    for request in group:
        if not request.answer.done():
            request.answer.set_exception(error)
