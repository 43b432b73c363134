"""The bare engines that the queue stands on, doing the least there is to do."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

# So many jobs are submitted at once; and what a long queue changes is held against so many.
FEW = 100


class BareQueue(Protocol):
    """What the queue is held against."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    async def drain(self, count: int, places: int) -> float:
        """Jobs a second: so many that do nothing, so many at once."""
        ...

    async def starts_s(self, tries: int) -> list[float]:
        """Seconds from single submissions to their starts, while nothing else is to be done."""
        ...


async def starts_s(
    submit: Callable[[], Awaitable[None]], started: asyncio.Event, tries: int
) -> list[float]:
    """Seconds from each of some submissions to its start.

    Args:
        submit: submits one job to somebody who waits for it.
        started: is set by the job.
        tries: how many; the first two are not counted.
    """
    taken: list[float] = []
    for _ in range(tries + 2):
        started.clear()
        begun = time.perf_counter()
        await submit()
        await started.wait()
        taken.append(time.perf_counter() - begun)
        # So that it is idle again.
        await asyncio.sleep(0.02)
    return taken[2:]


class BareProcrastinate:
    """procrastinate's own worker on no-ops, in the same database.

    Args:
        conninfo: the server's address.
    """

    name = "bare procrastinate"

    def __init__(self, conninfo: str) -> None:
        # An extra, and slow to import.
        from procrastinate import App, PsycopgConnector  # noqa: PLC0415

        self._started = asyncio.Event()
        self._app = App(connector=PsycopgConnector(conninfo=conninfo))

        @self._app.task(name="bench.nothing", queue="bench")
        async def nothing() -> None:
            self._started.set()

        self._nothing = nothing

    async def drain(self, count: int, places: int) -> float:
        """See ``BareQueue.drain``."""
        async with self._app.open_async():
            for _ in range(0, count, FEW):
                await self._nothing.batch_defer_async(*([{}] * min(FEW, count)))
            begun = time.perf_counter()
            await self._run(places, wait=False)
            return count / (time.perf_counter() - begun)

    async def starts_s(self, tries: int) -> list[float]:
        """See ``BareQueue.starts_s``."""

        async def submit() -> None:
            await self._nothing.defer_async()

        async with self._app.open_async(), asyncio.TaskGroup() as group:
            worker = group.create_task(self._run(1, wait=True), name="procrastinate's worker")
            taken = await starts_s(submit, self._started, tries)
            worker.cancel()
        return taken

    async def _run(self, places: int, *, wait: bool) -> None:
        await self._app.run_worker_async(
            queues=["bench"], concurrency=places, wait=wait, install_signal_handlers=False
        )


class BareSqlite:
    """One synchronous writer on a file of its own, which commits in groups.

    The three transactions of a job: it is claimed, its step is kept with an event, it ends.

    Args:
        path: of the file.
    """

    name = "one synchronous writer"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def drain(self, count: int, places: int) -> float:
        """See ``BareQueue.drain``."""
        return await asyncio.to_thread(self._drain, count, places)

    async def starts_s(self, tries: int) -> list[float]:
        """How long a submission and a claim take, one after the other: nothing is told."""
        return await asyncio.to_thread(self._starts_s, tries)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.executescript(_TABLES)
        return connection

    def _drain(self, count: int, places: int) -> float:
        connection = self._open()
        connection.executemany(_SUBMIT, [("", "trivial")] * count)
        begun = time.perf_counter()
        left = count
        while left:
            taken = connection.execute(_PICK, (min(places, left),)).fetchall()
            for statements in _JOB:
                connection.execute("BEGIN IMMEDIATE")
                for statement in statements:
                    connection.executemany(statement, taken)
                connection.execute("COMMIT")
            left -= len(taken)
        rate = count / (time.perf_counter() - begun)
        connection.close()
        return rate

    def _starts_s(self, tries: int) -> list[float]:
        connection = self._open()
        taken: list[float] = []
        for _ in range(tries):
            begun = time.perf_counter()
            connection.execute(_SUBMIT, ("", "trivial"))
            connection.executemany(_CLAIM, connection.execute(_PICK, (1,)).fetchall())
            taken.append(time.perf_counter() - begun)
        connection.close()
        return taken


_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS jobs (
    job_id INTEGER PRIMARY KEY, submitter TEXT, kind TEXT, status TEXT DEFAULT 'pending',
    progress REAL DEFAULT 0, events INTEGER DEFAULT 0, claimable_at REAL DEFAULT 0,
    started_at REAL, completed_at REAL);
CREATE INDEX IF NOT EXISTS claim ON jobs (kind, submitter, job_id) WHERE claimable_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_status ON jobs (status, job_id);
CREATE TABLE IF NOT EXISTS steps (job_id INTEGER, step_key TEXT, result TEXT, at REAL,
    PRIMARY KEY (job_id, step_key));
CREATE TABLE IF NOT EXISTS events (job_id INTEGER, number INTEGER, at REAL, type TEXT, data TEXT,
    PRIMARY KEY (job_id, number)) WITHOUT ROWID;
"""
_SUBMIT = "INSERT INTO jobs (submitter, kind) VALUES (?, ?)"
_PICK = (
    "SELECT job_id FROM jobs WHERE kind = 'trivial' AND submitter = '' AND claimable_at IS NOT NULL"
    " AND claimable_at <= 1 ORDER BY job_id LIMIT ?"
)
_CLAIM = (
    "UPDATE jobs SET status = 'running', claimable_at = 9e9, started_at = julianday('now')"
    " WHERE job_id = ?"
)
_FINISH = (
    "UPDATE jobs SET status = 'completed', claimable_at = NULL, progress = 1,"
    " completed_at = julianday('now') WHERE job_id = ?"
)
_JOB = (
    (_CLAIM,),
    (
        "INSERT INTO steps VALUES (?, 'step', '1', julianday('now'))",
        "UPDATE jobs SET events = events + 1, progress = 0.5 WHERE job_id = ?",
        "INSERT INTO events VALUES (?, 1, julianday('now'), 'done', '{\"what\":\"nothing\"}')",
    ),
    (_FINISH,),
)
