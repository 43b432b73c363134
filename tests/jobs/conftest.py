"""A queue with its stores on a real SQLite file, and workers on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from wiseflow.core.jobs import JobRequest, Lease
from wiseflow.jobs.owners import instance_name
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.steps import SqlStepStore

# Every wait of a test ends by this.
LIMIT_S = 20.0


@dataclass
class House:
    database: Database
    queue: SqlJobQueue
    steps: SqlStepStore
    events: SqlEventStore

    def worker(self, handler, *, concurrency=4, owner="", **times) -> Worker:
        quick = {"heartbeat_s": 0.01, "poll_s": 0.01, "retry_delay_s": 0.0, **times}
        return Worker(
            queue=self.queue,
            steps=self.steps,
            events=self.events,
            handlers={"task": handler},
            owner=owner or instance_name(),
            concurrency=concurrency,
            times=WorkerTimes(**quick),
        )

    async def submit(self, count: int = 1, **fields) -> list[str]:
        requests = [JobRequest(kind="task", payload={"n": n}, **fields) for n in range(count)]
        return await self.queue.submit(requests)

    async def claim(self, owner: str = "a/1", lease_s: float = 60.0) -> Lease:
        ((_, lease),) = await self.queue.claim(owner, lease_s=lease_s, limit=1, kinds=["task"])
        return lease

    async def run(self, handler, **options):
        async with asyncio.timeout(LIMIT_S):
            await self.worker(handler, **options).run(until_idle=True)


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db"


@pytest.fixture
async def house(url) -> AsyncIterator[House]:
    database = await open_database(url)
    yield House(
        database=database,
        queue=SqlJobQueue(database),
        steps=SqlStepStore(database),
        events=SqlEventStore(database),
    )
    await database.close()
