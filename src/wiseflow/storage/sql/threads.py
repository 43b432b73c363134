"""The threads of SQLite connections: each has its own, and none may outlive its event loop."""

from __future__ import annotations

import asyncio
from threading import Thread

import aiosqlite

# A connection's thread ends at once when it is idle; a statement under way has the busy timeout.
END_S = 10.0


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
        connection = aiosqlite.connect(path, check_same_thread=False)
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
