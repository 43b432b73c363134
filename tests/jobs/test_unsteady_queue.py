"""A worker whose queue fails, or answers late."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.errors import StorageError, StorageFull
from wiseflow.core.jobs import JobStatus
from wiseflow.jobs.worker import Worker, WorkerTimes

LIMIT_S = 20.0


async def nothing(_context):
    return None


class Unsteady:
    """A queue whose claims fail as often as asked, in front of a real one."""

    def __init__(self, queue, failures):
        self._queue = queue
        self._failures = iter(failures)

    def __getattr__(self, name):
        return getattr(self._queue, name)

    async def claim(self, *arguments, **options):
        for error in self._failures:
            raise error
        return await self._queue.claim(*arguments, **options)

    async def heartbeat(self, _leases, **_options) -> dict[str, str]:
        raise StorageError("the database is locked")


def on(house, queue, handler) -> Worker:
    return Worker(
        queue=queue,
        steps=house.steps,
        events=house.events,
        handlers={"task": handler},
        owner="o/1",
        concurrency=2,
        times=WorkerTimes(heartbeat_s=0.001, poll_s=0.001, grace_s=0.0, retry_delay_s=0.0),
    )


async def test_a_passing_failure_of_the_database_is_waited_out(house):
    await house.submit(2)
    queue = Unsteady(house.queue, [StorageError("the database is locked")] * 3)

    async with asyncio.timeout(LIMIT_S):
        await on(house, queue, nothing).run(until_idle=True)

    assert (await house.queue.counts())[JobStatus.COMPLETED] == 2


@pytest.mark.parametrize("errors", [[StorageError("locked")] * 50, [StorageFull("full")]])
async def test_a_lasting_failure_of_the_database_ends_the_worker(house, errors):
    await house.submit()

    with pytest.raises(StorageError, match=str(errors[0])):
        async with asyncio.timeout(LIMIT_S):
            await on(house, Unsteady(house.queue, errors), nothing).run()


async def test_an_end_that_cannot_be_written_leaves_the_job_to_its_lease(house):
    (job_id,) = await house.submit()

    class Full(Unsteady):
        async def finish(self, *_arguments):
            raise StorageFull("full")

    stop = asyncio.Event()

    async def handler(_context):
        stop.set()

    async with asyncio.timeout(LIMIT_S):
        await on(house, Full(house.queue, []), handler).run(stop=stop)

    assert (await house.queue.get(job_id)).status is JobStatus.RUNNING


async def test_an_answer_about_an_earlier_lease_does_not_end_the_next_attempt(house):
    (job_id,) = await house.submit(1, max_attempts=2)
    asked, begun_again, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class LateAnswer(Unsteady):
        """A queue whose first answer about a lease comes when the job is at its second."""

        async def heartbeat(self, leases, **_options) -> dict[str, str]:
            if not leases or answered.is_set():
                return {}
            asked.set()
            await begun_again.wait()
            answered.set()
            return {lease.job_id: "lost" for lease in leases}

    async def handler(context):
        if context.job.attempt == 1:
            await asked.wait()
            raise StorageError("the disk is away for a moment")
        begun_again.set()
        await answered.wait()
        await asyncio.sleep(0)

    async with asyncio.timeout(LIMIT_S):
        await on(house, LateAnswer(house.queue, []), handler).run(until_idle=True)

    assert (await house.queue.get(job_id)).status is JobStatus.COMPLETED
