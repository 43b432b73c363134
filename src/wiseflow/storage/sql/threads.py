"""The threads of SQLite connections: each has its own, and none may outlive its event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from threading import Thread
from typing import Any

import aiosqlite

# A connection's thread ends at once when it is idle; a statement under way has the busy timeout.
END_S = 10.0
ROWS_AT_ONCE = 64
# What may wait for another process or for the disk, or takes as long as its data is.
_WAITING = ("BEGIN IMMEDIATE", "PRAGMA", "VACUUM")
_SLOW = frozenset({"commit", "close", "executemany", "executescript"})


class PromptConnection(aiosqlite.Connection):
    """A connection whose quick calls are made at once, and only the slow ones on its thread.

    A statement inside a transaction waits for nobody: the lock was taken by ``BEGIN IMMEDIATE``,
    and readers of a write-ahead log never wait. It takes some microseconds, where the way to the
    thread and back takes a hundred (ADR 0026).
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        if fn.__name__ in _SLOW or (args and _may_wait(args[0])):
            # The driver leaves its arguments untyped.
            return await super()._execute(fn, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        return fn(*args, **kwargs)


def _may_wait(statement: object) -> bool:
    """Whether a statement takes a lock or touches the whole file."""
    return isinstance(statement, str) and statement.startswith(_WAITING)


class ConnectionThreads:
    """Opens connections and sees their threads end.

    When a task is cancelled while its connection is busy, the driver leaves the connection's thread
    to end by itself. The thread then hands its last answer to the event loop; had the loop been
    closed meanwhile, that would be an error nobody can catch.
    """

    def __init__(self) -> None:
        self._threads: list[Thread] = []

    def connect(self, path: str) -> aiosqlite.Connection:
        """A connection to be awaited; transactions are begun by its user."""
        connection = PromptConnection(
            lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=ROWS_AT_ONCE
        )
        thread = connection._thread  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the class
        thread.daemon = True
        self._threads = [one for one in self._threads if one.is_alive() or one.ident is None]
        self._threads.append(thread)
        return connection

    async def ended(self) -> None:
        """Return when all threads have ended, or after ``END_S`` at the latest."""
        alive = [thread for thread in self._threads if thread.is_alive()]
        if alive:
            await asyncio.to_thread(_join, alive)


def _join(threads: list[Thread]) -> None:
    for thread in threads:
        thread.join(END_S)
