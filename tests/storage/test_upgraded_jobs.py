"""Jobs that the version before has queued, begun or parked come to their ends on this one."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command

from wiseflow.core.errors import SchemaMismatch
from wiseflow.core.jobs import Approval, JobRequest, JobStatus, Outcome
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.storage.sql import schema
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import REVISIONS, check, open_database
from wiseflow.storage.sql.steps import SqlStepStore

LIMIT_S = 20.0
BEFORE = REVISIONS[-2]
GO_ON = Approval(step_key="plan/approved", result='"yes"')


async def leave_jobs_behind(url: str) -> list[str]:
    """A job each that waits, that was begun by who died, and that awaits approval."""
    database = await open_database(url)
    queue = SqlJobQueue(database)
    requests = [JobRequest(kind="task", payload={"n": number}) for number in range(3)]
    ids = await queue.submit(requests)
    claimed = await queue.claim("dead/1", lease_s=0.0, limit=2, kinds=["task"])
    (_, begun), (_, parked) = claimed
    await SqlStepStore(database).record(begun, "first", '"paid"')
    await queue.finish(parked, Outcome(status=JobStatus.AWAITING_APPROVAL))

    async def go_back(connection):
        await connection.run_sync(
            lambda sync: command.downgrade(schema.migration_config(sync), BEFORE)
        )

    await database.write(go_back)
    assert (await check(database)).current == BEFORE
    await database.close()
    return [begun.job_id, parked.job_id, *set(ids) - {begun.job_id, parked.job_id}]


async def run_all(database: Database) -> list[str]:
    """Run what there is to its end; the jobs whose first step was done in this."""
    done: list[str] = []

    async def handler(context):
        async def first() -> str:
            done.append(context.job.job_id)
            return "paid"

        assert await context.journal.once("first", first, str) == "paid"

    worker = Worker(
        queue=SqlJobQueue(database),
        steps=SqlStepStore(database),
        events=SqlEventStore(database),
        handlers={"task": handler},
        owner="new/1",
        concurrency=3,
        times=WorkerTimes(heartbeat_s=0.05, poll_s=0.01),
    )
    async with asyncio.timeout(LIMIT_S):
        await worker.run(until_idle=True)
    return done


async def test_jobs_of_the_version_before_finish_on_this_one(url):
    begun, parked, waiting = await leave_jobs_behind(url)
    with pytest.raises(SchemaMismatch):
        await open_database(url, migrate=False)

    database = await open_database(url)
    queue = SqlJobQueue(database)
    await queue.approve(parked, GO_ON)
    done = await run_all(database)

    jobs = [await queue.get(job_id) for job_id in (begun, parked, waiting)]
    assert [job.status for job in jobs] == [JobStatus.COMPLETED] * 3
    assert sorted(done) == sorted([parked, waiting])  # what was begun had paid for that already
    await database.close()
