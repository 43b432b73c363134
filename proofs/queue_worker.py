"""A worker for proofs: ``queue_worker.py URL LEASE_S STEP_S [REDIS]``, until killed or told to end.

Each job has three steps. A step is noted in the table ``calls`` as a call that was paid, by a
transaction of its own, before the step is journalled. Its name says nothing of its process, so that
others cannot see that it died and have to wait for its leases. For every write that is refused as
stale it prints ``refused``. With the address of a Redis server its calls share a limit there, and
wait while it is away.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import Awaitable
from typing import TypeVar

from sqlalchemy import text

from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Lease, StepNews
from wiseflow.core.limits import Allowance, Dimension, LimitKey, Need
from wiseflow.jobs.context import Handler, JobContext
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.limits.door import Limiter
from wiseflow.storage.redis.limits import RedisLimitStore
from wiseflow.storage.sql.address import parse
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.server_waking import ServerWakeUps
from wiseflow.storage.sql.steps import SqlStepStore

T = TypeVar("T")
STEPS = 3
PLACES = 4
KEY = LimitKey(provider="p", account="a", model="m")
# More than is asked for: what counts is that a call is not begun while nobody lends.
TOLD = (Allowance(dimension=Dimension.REQUESTS, limit=2_000, window_s=1.0),)
NOTE = text("INSERT INTO calls (job_id, step, owner, at) VALUES (:job_id, :step, :owner, :at)")


def say(word: str) -> None:
    """Tell it at once."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class Telling:
    """A step store that tells of every write that is refused."""

    def __init__(self, store: SqlStepStore) -> None:
        self._store = store

    async def steps(self, job_id: str) -> dict[str, str]:
        """See ``StepStore``."""
        return await self._store.steps(job_id)

    async def record(
        self, lease: Lease, step_key: str, result: str, *, news: StepNews | None = None
    ) -> None:
        """See ``StepStore``."""
        await told(self._store.record(lease, step_key, result, news=news))


async def told(write: Awaitable[T]) -> T:
    """What a write gives; a refusal is told."""
    try:
        return await write
    except LeaseLost:
        say("refused")
        raise


def handler_of(database: Database, owner: str, step_s: float, redis: str) -> Handler:
    """The handler of proofs."""
    store = RedisLimitStore(redis) if redis else None
    limiter = Limiter(clock=SystemClock(), store=store, holder=owner)

    async def admitted(job_id: str, step: str, begun: float) -> int:
        async with limiter.admitted(
            KEY, Need(), priority=TaskPriority.NORMAL, run=job_id, deadline=None
        ) as ticket:
            result = await call(job_id, step, begun)
            ticket.settle(Need(), TOLD)
            return result

    async def call(job_id: str, step: str, begun: float) -> int:
        async def unit(connection: Connection) -> None:
            values = {"job_id": job_id, "step": step, "owner": owner, "at": begun}
            await connection.execute(NOTE, values)

        await database.write(unit)
        await asyncio.sleep(step_s)
        return 1

    async def handler(context: JobContext) -> None:
        for number in range(STEPS):
            name = f"step/{number}"

            async def step(name: str = name) -> int:
                begun = time.time()  # on the machine of the server: its clock, too
                await context.emit("called", {"step": name})
                return await admitted(context.job.job_id, name, begun)

            await context.journal.once(name, step, int)

    return handler


async def main(url: str, lease_s: float, step_s: float, redis: str = "") -> None:
    """Work until told to end."""
    database = await open_database(url)
    address = parse(url)
    wake_ups = ServerWakeUps(address.conninfo, place=address.place, stalled_s=max(lease_s, 3.0))
    owner = secrets.token_hex(4)
    worker = Worker(
        queue=SqlJobQueue(database, announcer=wake_ups),
        steps=Telling(SqlStepStore(database)),
        events=SqlEventStore(database),
        handlers={"task": handler_of(database, owner, step_s, redis)},
        owner=owner,
        concurrency=PLACES,
        times=WorkerTimes(
            lease_s=lease_s,
            heartbeat_s=lease_s / 4,
            poll_s=lease_s / 8,
            grace_s=lease_s,
            retry_delay_s=0.1,
            patience_s=120.0,
        ),
        wake_ups=wake_ups,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    say(owner)
    await worker.run(stop=stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:]))
