"""A worker that is told to end finishes the steps under way, begins none, and gives jobs back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from wiseflow.core.clock import SystemClock
from wiseflow.core.errors import LeaseLost, UnknownField
from wiseflow.core.instances import InstanceKind, Sign
from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.jobs.journal import StepJournal
from wiseflow.jobs.presence import present
from wiseflow.storage.sql.instances import SqlInstanceStore

LIMIT_S = 20.0


@asynccontextmanager
async def running(worker, **options):
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        group.create_task(worker.run(**options))
        yield


class Step:
    """The body of a step that a test lets go."""

    def __init__(self):
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.count = 0

    async def __call__(self) -> int:
        self.count += 1
        self.begun.set()
        await self.go.wait()
        return self.count


async def test_a_step_under_way_is_finished_and_the_next_is_another_workers(house):
    (job_id,) = await house.submit(1, max_attempts=1)
    first, second, stop = Step(), Step(), asyncio.Event()

    async def handler(context):
        await context.journal.once("first", first, int)
        await context.journal.once("second", second, int)

    async with running(house.worker(handler, grace_s=LIMIT_S), stop=stop):
        await first.begun.wait()
        stop.set()
        await asyncio.sleep(0)
        first.go.set()

    job = await house.queue.get(job_id)
    assert (job.status, job.stop_reason) == (JobStatus.PENDING, StopReason.INTERRUPTED)
    assert await house.steps.steps(job_id) == {"first": "1"}
    assert second.count == 0
    second.go.set()
    await house.run(handler)
    assert (first.count, second.count) == (1, 1)
    assert (await house.queue.get(job_id)).status is JobStatus.COMPLETED


async def test_branches_are_waited_for_and_steps_within_a_step_are_not_begun(house):
    (job_id,) = await house.submit()
    inner, side, later, stop = Step(), Step(), Step(), asyncio.Event()

    async def handler(context):
        async def outer() -> int:
            await context.journal.once("outer/1", inner, int)
            return await context.journal.once("outer/2", later, int)

        async with asyncio.TaskGroup() as group:
            group.create_task(context.journal.once("outer", outer, int))
            group.create_task(context.journal.once("side", side, int))

    async with running(house.worker(handler, grace_s=LIMIT_S), stop=stop):
        await inner.begun.wait()
        await side.begun.wait()
        stop.set()
        await asyncio.sleep(0)
        inner.go.set()
        side.go.set()

    assert set(await house.steps.steps(job_id)) == {"outer/1", "side"}
    assert later.count == 0
    assert (await house.queue.get(job_id)).status is JobStatus.PENDING


async def test_a_step_that_does_not_end_is_left_after_the_grace(house):
    (job_id,) = await house.submit()
    step, stop = Step(), asyncio.Event()

    async def handler(context):
        await context.journal.once("endless", step, int)

    async with running(house.worker(handler, grace_s=0.0), stop=stop):
        await step.begun.wait()
        stop.set()

    assert (await house.queue.get(job_id)).status is JobStatus.PENDING
    assert await house.steps.steps(job_id) == {}


async def test_who_may_have_lost_the_lease_begins_no_step(house):
    await house.submit()
    lease = await house.claim()
    step, holds = Step(), iter([True, False])
    step.go.set()
    journal = StepJournal(house.steps, lease, {}, held=lambda: next(holds))
    await journal.once("first", step, int)

    with pytest.raises(LeaseLost):
        await journal.once("second", step, int)

    assert step.count == 1
    # What is journalled is not begun again, so it is given all the same.
    assert await journal.once("first", step, int) == 1


async def test_a_job_for_a_newer_version_is_left_as_it_is(house):
    (job_id,) = await house.submit(1, max_attempts=1)
    seen, stop = asyncio.Event(), asyncio.Event()

    async def older(_context):
        seen.set()
        raise UnknownField("configuration.depth_of_thought is not known")

    async with running(house.worker(older), stop=stop):
        await seen.wait()
        stop.set()

    job = await house.queue.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.PENDING, 0)
    assert "depth_of_thought" in job.error


async def test_an_instance_is_known_while_it_lives(house):
    store = SqlInstanceStore(house.database)
    sign = Sign(name="a/1", kind=InstanceKind.SERVE, host="a", version="1", capacity=2, running=1)

    class Clock(SystemClock):
        def __init__(self):
            self.beats = 0
            self.twice = asyncio.Event()

        async def sleep(self, seconds):
            self.beats += 1
            if self.beats == 2:
                self.twice.set()
                await asyncio.Event().wait()

    clock = Clock()
    async with asyncio.timeout(LIMIT_S), present(store, lambda: sign, every_s=1, clock=clock):
        await clock.twice.wait()
        (known,) = await store.instances(alive_s=60)
        assert known.sign == sign

    assert await store.instances(alive_s=60) == []
