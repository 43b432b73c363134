"""Wake-ups through PostgreSQL: procrastinate carries the word, and nothing else.

A row of procrastinate's says that somebody should look for jobs; which one, the claim decides. So
nothing is lost with such a row: a worker that looks by itself finds what it would have told of. See
``docs/adr/0084-jobs-on-many-machines.md``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from wiseflow.core.errors import StorageError
from wiseflow.core.waking import Look
from wiseflow.observability.logs import get_logger
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.failures import translated

if TYPE_CHECKING:
    from procrastinate import App
    from psycopg import AsyncConnection as AsyncPsycopg

_log = get_logger(__name__)

# The name of its connections at the server.
APPLICATION = "wiseflow wake-ups"
QUEUE = "wiseflow"
TASK = "wiseflow.look"
# So many wake-ups wait at most: enough to wake as many workers, and no more work than that for a
# server while nobody fetches them.
MOST_WAITING = 16
# Ended wake-ups are deleted at once; those that failed, after so long.
KEPT_HOURS = 1
# A pause before the next try when the server cannot be reached, growing from the first to the last.
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)
# How long a wake-up that is being told may hold up the end of a worker.
END_S = 1.0

_NOTHING_MORE: dict[str, Any] = {}
_WAITING = text(
    "SELECT count(*) FROM (SELECT FROM procrastinate_jobs"
    " WHERE status = 'todo' AND queue_name = :queue LIMIT :most) AS waiting"
).bindparams(queue=QUEUE, most=MOST_WAITING)


class ServerWakeUps:
    """Wakes the workers of all machines.

    Args:
        conninfo: the server's address, as libpq reads it.
        place: the database as errors name it.
        stalled_s: after so long without a sign of life, a worker's wake-up goes to another one.

    Raises:
        ConfigurationError: procrastinate is not installed.
    """

    def __init__(self, conninfo: str, *, place: str, stalled_s: float) -> None:
        self._conninfo = conninfo
        self._place = place
        self._stalled_s = stalled_s
        with translated(place):
            self._deferring = self._new_app()

    async def within(self, connection: Connection, count: int) -> None:
        """Add wake-ups to the transaction, one for each job while few wait."""
        missing = min(count, MOST_WAITING - await connection.scalar(_WAITING))
        if missing <= 0:
            return
        # Units of a server's database are given SQLAlchemy's own connection.
        raw = await cast("AsyncConnection", connection).get_raw_connection()
        task = self._deferring.configure_task(TASK, queue=QUEUE, connection=raw.driver_connection)
        try:
            await task.batch_defer_async(*([_NOTHING_MORE] * missing))
        except Exception as error:
            raise StorageError(
                f"the wake-up of a job could not be written at {self._place}: {error}",
                cure="Bring the database up to date with: wiseflow db upgrade",
            ) from error

    def afterwards(self) -> None:
        """Nothing: the server tells, once the transaction is committed."""

    async def deliver(self, look: Look) -> None:
        """See ``WakeUps.deliver``. Without the server it tries again and again, and says so."""
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                await self._deliver(look)
                error = "the worker for wake-ups ended"
            except Exception as failure:  # noqa: BLE001 - a boundary: wake-ups only make it faster
                error = str(failure)
            failures = 1 if time.monotonic() - begun > self._stalled_s else failures + 1
            _log.warning("Wake-ups do not come now; jobs are looked for", error=error)
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S)) - 1])

    async def _deliver(self, look: Look) -> None:
        app = self._new_app()

        # A function of its own, as it takes any other callable for one that blocks.
        @app.task(name=TASK, queue=QUEUE)
        async def tell() -> None:  # pyright: ignore[reportUnusedFunction] - known by its name
            await look()

        async with app.open_async(), asyncio.TaskGroup() as group:
            sweep = group.create_task(self._sweep(app), name="sweep of wake-ups")
            try:
                await app.run_worker_async(
                    queues=[QUEUE],
                    name="wiseflow",
                    concurrency=1,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=self._stalled_s,
                    abort_job_polling_interval=self._stalled_s,
                    shutdown_graceful_timeout=END_S,
                    update_heartbeat_interval=self._stalled_s / 3,
                    stalled_worker_timeout=self._stalled_s,
                )
            finally:
                sweep.cancel()

    async def _sweep(self, app: App) -> None:
        """Give the wake-ups of dead workers to others, and delete old ones."""
        manager = app.job_manager
        while True:
            stalled = await manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=self._stalled_s
            )
            for job in stalled:
                # Another worker may have been first.
                with suppress(Exception):
                    await manager.retry_job(job)
            await manager.delete_old_jobs(
                KEPT_HOURS,
                queue=QUEUE,
                include_failed=True,
                include_cancelled=True,
                include_aborted=True,
            )
            await asyncio.sleep(self._stalled_s)

    def _new_app(self) -> App:
        # Slow to import, and an extra.
        from procrastinate import App, PsycopgConnector  # noqa: PLC0415

        # It tells of every wake-up, in several lines.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        return App(
            connector=PsycopgConnector(
                conninfo=self._conninfo,
                min_size=1,
                max_size=2,
                kwargs={"application_name": APPLICATION},
                configure=_commit_each,
            )
        )


async def _commit_each(connection: AsyncPsycopg) -> None:
    """Spare each statement a transaction around it."""
    await connection.set_autocommit(True)
