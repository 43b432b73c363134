"""The bare engines that the queue stands on, doing the least there is to do."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

# So many jobs are submitted at once; and what a long queue changes is held against so many.
FEW = 100
_NO_ARGUMENTS: dict[str, Any] = {}


class BareQueue(Protocol):
    """What the queue is held against."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def tells(self) -> bool:
        """Whether it tells somebody who waits of a new job, as ours does."""
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
    tells = True

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
                await self._nothing.batch_defer_async(*([_NO_ARGUMENTS] * min(FEW, count)))
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
    """One synchronous writer on a file with the same tables, which commits in groups.

    The three transactions of a job, by the same reads and writes: it is claimed; its step is kept
    with an event, if the lease holds; it ends, if the lease holds. As many jobs as there are places
    share a commit.

    Args:
        path: of the file, with our tables and nothing in them.
    """

    name = "one synchronous writer"
    tells = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = 0

    async def drain(self, count: int, places: int) -> float:
        """See ``BareQueue.drain``."""
        return await asyncio.to_thread(self._drain, count, places)

    async def starts_s(self, tries: int) -> list[float]:  # noqa: ARG002 - as the others
        """Nothing: it tells nobody."""
        return []

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _drain(self, count: int, places: int) -> float:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        self._submit(connection, count)
        connection.execute("COMMIT")
        begun = time.perf_counter()
        left = count
        while left:
            with _transaction(connection):
                taken = connection.execute(_CLAIM, (min(places, left),)).fetchall()
            with _transaction(connection):
                for row in taken:
                    _keep_step(connection, str(row[0]))
            with _transaction(connection):
                for row in taken:
                    connection.execute(_FINISH, row[:1])
            left -= len(taken)
        rate = count / (time.perf_counter() - begun)
        connection.close()
        return rate

    def _submit(self, connection: sqlite3.Connection, count: int) -> None:
        ids = range(self._last, self._last + count)
        self._last += count
        connection.executemany(_SUBMIT, [(f"{number:026}",) for number in ids])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _keep_step(connection: sqlite3.Connection, job_id: str) -> None:
    connection.execute(_STEP, (job_id,)).fetchall()
    ((number,),) = connection.execute(_COUNT, (job_id,)).fetchall()
    connection.execute(_EVENT, (job_id, number))


_SUBMIT = """
INSERT INTO jobs (job_id, kind, payload, title, status, priority, claim_order, claimable_at, tags,
    metadata, batch, progress, partial, error, attempt, max_attempts, cancel_requested, lease_owner,
    lease_token, event_count, created_at)
VALUES (?, 'trivial', '{}', '', 'pending', 'normal', julianday('now'), 0.0, '[]', '{}', '',
    0.0, 0, '', 0, 3, 0, '', 0, 0, julianday('now'))
"""
_CLAIM = """
UPDATE jobs SET status = 'running', attempt = attempt + 1, lease_token = lease_token + 1,
    lease_owner = 'bench', claimable_at = julianday('now') + 9e9, started_at = julianday('now')
WHERE job_id IN (SELECT job_id FROM jobs WHERE kind = 'trivial' AND submitter = ''
    AND claimable_at IS NOT NULL AND claimable_at <= 1.0
    ORDER BY claim_order, job_id LIMIT ?)
RETURNING *
"""
_STEP = """
INSERT INTO steps (job_id, step_key, result, at)
SELECT job_id, 'step', '1', julianday('now') FROM jobs
WHERE job_id = ? AND lease_token = 1 AND status = 'running'
ON CONFLICT (job_id, step_key) DO UPDATE SET result = result RETURNING job_id
"""
_COUNT = """
UPDATE jobs SET event_count = event_count + 1, progress = 0.5
WHERE job_id = ? AND lease_token = 1 AND status = 'running' RETURNING event_count
"""
_EVENT = """
INSERT INTO events (job_id, number, at, type, data)
VALUES (?, ?, julianday('now'), 'done', '{"what":"nothing"}')
"""
_FINISH = """
UPDATE jobs SET status = 'completed', claimable_at = NULL, progress = 1.0,
    completed_at = julianday('now'), lease_owner = ''
WHERE job_id = ? AND lease_token = 1 AND status = 'running'
"""
