"""The connection that units of work talk to, the same for a server and for a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import CursorResult, Dialect, Executable, ScalarResult

T = TypeVar("T")
P = ParamSpec("P")

Rows = CursorResult[*tuple[Any, ...]]


class Connection(Protocol):
    """What a unit of work may do; SQLAlchemy's ``AsyncConnection`` is one."""

    @property
    def dialect(self) -> Dialect:
        """What the database speaks."""
        ...

    async def execute(
        self, statement: Executable, parameters: Any = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """The result of a statement."""
        ...

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        """The first value of the first row, or ``None``."""
        ...

    async def scalars(self, statement: Executable, parameters: Any = None) -> ScalarResult[Any]:
        """The first value of each row."""
        ...

    async def run_sync(
        self, fn: Callable[Concatenate[SyncConnection, P], T], /, *arg: P.args, **kw: P.kwargs
    ) -> T:
        """What a synchronous function makes of the connection."""
        ...


Unit = Callable[[Connection], Coroutine[Any, Any, T]]


class FileConnection:
    """A ``Connection`` whose answers are there at once, for use on a thread.

    Args:
        connection: of that thread; ``driver`` is SQLite's own, for statements of the hot path.
    """

    def __init__(self, connection: SyncConnection) -> None:
        self._connection = connection
        driver: Any = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self.driver = driver

    @property
    def dialect(self) -> Dialect:
        """What the database speaks."""
        return self._connection.dialect

    async def execute(
        self, statement: Executable, parameters: Any = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """The result of a statement."""
        return self._connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        """The first value of the first row, or ``None``."""
        return self._connection.scalar(statement, parameters)

    async def scalars(self, statement: Executable, parameters: Any = None) -> ScalarResult[Any]:
        """The first value of each row."""
        return self._connection.scalars(statement, parameters)

    async def run_sync(
        self, fn: Callable[Concatenate[SyncConnection, P], T], /, *arg: P.args, **kw: P.kwargs
    ) -> T:
        """What a synchronous function makes of the connection."""
        return fn(self._connection, *arg, **kw)


def run_on_thread(unit: Unit[T], connection: FileConnection) -> T:
    """What ``unit`` gives, run to its end here and now.

    Nothing it awaits ever waits, as all it may talk to is a ``FileConnection``; so the coroutine is
    driven by one step and needs no event loop.

    Raises:
        TypeError: the unit waits for something else.
    """
    coroutine = unit(connection)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise TypeError("a unit of work on a file may wait for nothing but its connection")
