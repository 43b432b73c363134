"""The contract of ``WakeUps``, on each database, and what is only a server's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Approval, JobRequest, JobStatus, Lease, Outcome, StopReason
from wiseflow.storage.sql.address import parse
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.server_waking import MOST_WAITING, ServerWakeUps
from wiseflow.storage.sql.waking import LocalWakeUps

LIMIT_S = 20.0
# Longer than any test: what comes in time did not come by a look now and then.
NEVER_S = 600.0


def on_server(url: str, stalled_s: float = NEVER_S) -> ServerWakeUps:
    address = parse(url)
    return ServerWakeUps(address.conninfo, place=address.place, stalled_s=stalled_s)


@pytest.fixture
def wake_ups(url):
    return LocalWakeUps() if url.startswith("sqlite") else on_server(url)


@pytest.fixture
def queue(stores, wake_ups) -> SqlJobQueue:
    return SqlJobQueue(stores.database, announcer=wake_ups)


class Looks:
    """Counts who looked, and lets a test wait for it."""

    def __init__(self):
        self.count = 0
        self._changed = asyncio.Event()

    async def __call__(self):
        self.count += 1
        self._changed.set()

    async def reach(self, count: int):
        async with asyncio.timeout(LIMIT_S):
            while self.count < count:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def listening(wake_ups) -> AsyncGenerator[Looks]:
    looks = Looks()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(wake_ups.deliver(looks))
        await asyncio.sleep(0)
        try:
            yield looks
        finally:
            task.cancel()


def a_request(**fields) -> JobRequest:
    return JobRequest(kind="task", payload={}, **fields)


async def claim(queue) -> Lease:
    ((_, lease),) = await queue.claim("o", lease_s=60, limit=1, kinds=["task"])
    return lease


async def rows(stores, statement: str) -> int:
    async def unit(connection):
        return await connection.scalar(text(statement))

    return await stores.database.read(unit)


WAITING = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"


async def test_a_submitted_job_wakes_who_listens(queue, wake_ups):
    async with listening(wake_ups) as looks:
        await queue.submit([a_request()])
        await looks.reach(1)

        await queue.submit([a_request()])
        await looks.reach(2)


async def test_what_makes_a_job_pending_again_wakes_too(queue, wake_ups):
    (job_id,) = await queue.submit([a_request()])
    lease = await claim(queue)

    async with listening(wake_ups) as looks:
        before = looks.count
        await queue.release(lease, StopReason.INTERRUPTED)
        await looks.reach(before + 1)

        lease = await claim(queue)
        await queue.finish(lease, Outcome(status=JobStatus.AWAITING_APPROVAL))
        before = looks.count
        await queue.approve(job_id, Approval(step_key="a", result="1"))
        await looks.reach(before + 1)

        lease = await claim(queue)
        await queue.finish(lease, Outcome(status=JobStatus.FAILED))
        before = looks.count
        await queue.resume(job_id)
        await looks.reach(before + 1)


async def test_what_makes_no_job_claimable_wakes_nobody(queue, wake_ups):
    await queue.submit([a_request(idempotency_key="k")])
    stale = await claim(queue)
    await queue.finish(stale, Outcome(status=JobStatus.COMPLETED))

    async with listening(wake_ups) as looks:
        # What is left of before, and then one that is told after all that was told before it.
        await queue.submit([a_request()])
        await looks.reach(1)
        before = looks.count
        await queue.submit([a_request(idempotency_key="k")])
        with pytest.raises(LeaseLost):
            await queue.release(stale, StopReason.INTERRUPTED)
        await queue.submit([a_request()])
        await looks.reach(before + 1)

    assert looks.count <= before + 2


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_the_wake_up_is_in_the_transaction_of_the_job(stores, queue):
    class Refused(Exception):
        pass

    async def unit(connection):
        await on_server_of(queue).within(connection, 1)
        assert await connection.scalar(text(WAITING)) == 1
        raise Refused

    with pytest.raises(Refused):
        await stores.database.write(unit)

    assert await rows(stores, WAITING) == 0


def on_server_of(queue) -> ServerWakeUps:
    return queue._announcer


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_few_wake_ups_wait_however_many_jobs_do(stores, queue):
    await queue.submit([a_request() for _ in range(3)])
    assert await rows(stores, WAITING) == 3

    await queue.submit([a_request() for _ in range(300)])
    await queue.submit([a_request()])

    assert await rows(stores, WAITING) == MOST_WAITING


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_wake_ups_that_were_told_leave_no_row(stores, queue, wake_ups):
    async with listening(wake_ups) as looks:
        await queue.submit([a_request() for _ in range(5)])
        await looks.reach(5)

    assert await rows(stores, "SELECT count(*) FROM procrastinate_jobs") == 0
    assert await rows(stores, "SELECT count(*) FROM procrastinate_workers") == 0


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_the_wake_up_of_a_dead_worker_goes_to_another(url, stores, queue):
    await queue.submit([a_request()])

    async def die(connection):
        await connection.execute(
            text(
                "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 hour') RETURNING id)"
                " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
            )
        )

    await stores.database.write(die)

    async with listening(on_server(url, stalled_s=0.2)) as looks:
        await looks.reach(1)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_wake_ups_come_again_after_the_server_closed_its_connections(stores, queue, wake_ups):
    async with listening(wake_ups) as looks:
        await queue.submit([a_request()])
        await looks.reach(1)
        await rows(
            stores,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'wiseflow wake-ups' AND datname = current_database()",
        )

        async with asyncio.timeout(LIMIT_S):
            while looks.count < 2:
                await queue.submit([a_request()])
                await asyncio.sleep(0.05)
