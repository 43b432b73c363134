"""A worker runs jobs, keeps them, and gives them back."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from wiseflow.core.errors import (
    Cancelled,
    LeaseLost,
    NoEvidence,
    StorageError,
    TimeLimit,
    WorkerCrashed,
)
from wiseflow.core.jobs import JobFilter, JobStatus, Outcome, StopReason
from wiseflow.jobs.worker import Worker

LIMIT_S = 20.0


async def value() -> int:
    return 1


async def nothing(_context):
    return None


class Gate:
    """A handler that waits at a gate and notes who came and who got through."""

    def __init__(self):
        self.arrived: list[str] = []
        self.passed: list[str] = []
        self.someone = asyncio.Event()
        self._changed = asyncio.Condition()
        self.open = asyncio.Event()

    async def __call__(self, context):
        await context.journal.once("before", value, int)
        self.arrived.append(context.job.job_id)
        self.someone.set()
        async with self._changed:
            self._changed.notify_all()
        await self.open.wait()
        self.passed.append(context.job.job_id)

    async def has_seen(self, count: int):
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.arrived) >= count)


@contextlib.asynccontextmanager
async def running(worker: Worker, **options):
    """The worker's task, running while the body does, and ended after it."""
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        yield group.create_task(worker.run(**options))


async def test_all_jobs_are_run_and_completed(house):
    ids = await house.submit(30)
    seen: list[object] = []

    async def handler(context):
        seen.append(context.job.payload["n"])
        await context.journal.once("a", value, int)
        await context.emit("did", {"n": context.job.payload["n"]})
        await context.progress(0.5)
        context.check()
        return Outcome(status=JobStatus.COMPLETED, cost=2.0)

    await house.run(handler)

    assert sorted(map(str, seen)) == sorted(map(str, range(30)))
    assert (await house.queue.counts())[JobStatus.COMPLETED] == 30
    assert (await house.queue.get(ids[3])).cost == 2.0
    assert [event.type for event in await house.events.events(ids[3])] == ["did"]
    assert await house.queue.running_owners() == []


async def test_only_so_many_run_at_once_also_after_a_resize(house):
    await house.submit(6)
    gate = Gate()
    worker = house.worker(gate, concurrency=2)

    async with running(worker, until_idle=True):
        await gate.someone.wait()
        await gate.has_seen(2)
        assert worker.running == 2
        worker.resize(4)
        await gate.has_seen(4)
        assert worker.running == 4
        gate.open.set()

    assert len(gate.passed) == 6


@pytest.mark.parametrize(
    ("error", "status", "reason", "text"),
    [
        (NoEvidence("nothing on it"), "failed", "no_evidence", "nothing on it"),
        (Cancelled("enough"), "cancelled", "cancelled", "enough"),
        (TimeLimit("late"), "failed", "time_limit", "late"),
        (ValueError("odd"), "failed", "error", "ValueError: odd"),
        (WorkerCrashed("died"), "failed", "error", "died"),
    ],
)
async def test_what_a_handler_raises_decides_how_its_job_ends(house, error, status, reason, text):
    (job_id,) = await house.submit()
    starts: list[int] = []

    async def handler(context):
        starts.append(context.job.attempt)
        raise error

    await house.run(handler)

    job = await house.queue.get(job_id)
    assert (job.status, job.stop_reason, job.error) == (status, reason, text)
    assert starts == ([1, 2, 3] if error.args and isinstance(error, WorkerCrashed) else [1])


async def test_a_failing_job_leaves_the_others_alone(house):
    await house.submit(5)

    async def handler(context):
        if context.job.payload["n"] == 2:
            raise LookupError("x")
        await asyncio.sleep(0)

    await house.run(handler)

    counts = await house.queue.counts()
    assert (counts[JobStatus.COMPLETED], counts[JobStatus.FAILED]) == (4, 1)


async def test_a_job_that_takes_too_long_is_ended(house):
    (job_id,) = await house.submit()

    async def handler(context):
        assert context.deadline is not None
        await asyncio.Event().wait()

    await house.run(handler, task_timeout_s=0.02)

    job = await house.queue.get(job_id)
    assert (job.status, job.stop_reason) == (JobStatus.FAILED, StopReason.TIME_LIMIT)


async def test_a_time_out_of_the_handlers_own_is_its_failure(house):
    (job_id,) = await house.submit()

    async def handler(_context):
        raise TimeoutError("a socket")

    await house.run(handler, task_timeout_s=5.0)

    assert (await house.queue.get(job_id)).error == "TimeoutError: a socket"


async def test_checking_tells_that_time_is_up(house):
    (job_id,) = await house.submit()

    async def handler(context):
        while True:
            context.check()

    await house.run(handler, task_timeout_s=0.01)

    assert (await house.queue.get(job_id)).stop_reason is StopReason.TIME_LIMIT


async def test_a_cancelled_job_is_stopped_while_it_runs(house):
    (job_id,) = await house.submit()
    gate, told = Gate(), []

    async def handler(context):
        try:
            await gate(context)
        finally:
            with pytest.raises(Cancelled) as raised:
                context.check()
            told.append(str(raised.value))

    async with running(house.worker(handler), until_idle=True):
        await gate.someone.wait()
        await house.queue.cancel(job_id)

    job = await house.queue.get(job_id)
    assert (job.status, job.stop_reason) == (JobStatus.CANCELLED, StopReason.CANCELLED)
    assert told
    assert gate.passed == []


async def test_a_worker_that_lost_a_job_stops_it_and_writes_nothing(house):
    (job_id,) = await house.submit()
    gate, told = Gate(), asyncio.Event()

    async def handler(context):
        try:
            await gate(context)
        finally:
            with pytest.raises(LeaseLost):
                context.check()
            told.set()

    async with running(house.worker(handler, owner="slow/1"), stop=(stop := asyncio.Event())):
        await gate.someone.wait()
        # Both in one transaction's time, so that no heartbeat comes between.
        async with asyncio.TaskGroup() as group:
            group.create_task(house.queue.expire("slow/1"))
            taken = group.create_task(house.queue.claim("b", lease_s=60, limit=1, kinds=["task"]))
        await told.wait()
        stop.set()

    ((_, lease),) = taken.result()
    job = await house.queue.get(job_id)
    assert (job.status, job.lease_owner) == (JobStatus.RUNNING, "b")
    await house.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))


async def test_told_to_stop_a_worker_lets_jobs_end_within_its_grace(house):
    await house.submit(5)
    gate, stop = Gate(), asyncio.Event()

    async with running(house.worker(gate, concurrency=2, grace_s=LIMIT_S), stop=stop):
        await gate.has_seen(2)
        stop.set()
        await asyncio.sleep(0)
        gate.open.set()

    counts = await house.queue.counts()
    assert (counts[JobStatus.COMPLETED], counts[JobStatus.PENDING]) == (2, 3)


async def test_after_its_grace_a_stopped_worker_gives_jobs_back_and_they_go_on_later(house):
    await house.submit(2, max_attempts=1)
    gate, stop = Gate(), asyncio.Event()
    async with running(house.worker(gate, grace_s=0.0), stop=stop):
        await gate.someone.wait()
        stop.set()
    jobs = await house.queue.list(JobFilter())
    assert [job.status for job in jobs] == [JobStatus.PENDING] * 2
    assert {job.stop_reason for job in jobs} <= {StopReason.INTERRUPTED, None}

    steps: list[str] = []

    async def handler(context):
        async def again() -> int:
            steps.append(context.job.job_id)
            return 1

        await context.journal.once("before", again, int)

    await house.run(handler)

    assert (await house.queue.counts())[JobStatus.COMPLETED] == 2
    assert set(steps).isdisjoint(gate.arrived)


async def test_a_cancelled_worker_gives_its_jobs_back(house):
    await house.submit(3)
    gate = Gate()
    worker = house.worker(gate)

    async with running(worker) as task:
        await gate.has_seen(3)
        task.cancel()

    counts = await house.queue.counts()
    assert counts[JobStatus.PENDING] == 3
    assert worker.running == 0
    assert await house.queue.running_owners() == []


async def test_a_worker_cancelled_before_its_jobs_began_gives_them_back(house):
    await house.submit(2)
    worker = house.worker(nothing)
    claimed = asyncio.Event()
    claim = house.queue.claim

    async def claim_and_tell(*arguments, **options):
        found = await claim(*arguments, **options)
        claimed.set()
        return found

    house.queue.claim = claim_and_tell
    async with running(worker) as task:
        await claimed.wait()
        task.cancel()

    counts = await house.queue.counts()
    assert counts[JobStatus.RUNNING] == 0
    assert counts[JobStatus.PENDING] + counts[JobStatus.COMPLETED] == 2


async def test_submitted_work_wakes_a_worker_that_would_not_look_for_long(house):
    done, stop = asyncio.Event(), asyncio.Event()

    async def handler(_context):
        done.set()

    worker = house.worker(handler, poll_s=LIMIT_S * 10)
    async with running(worker, stop=stop):
        await asyncio.sleep(0)
        await house.submit()
        worker.wake()
        await done.wait()
        stop.set()


async def test_a_worker_for_a_batch_leaves_other_jobs_alone(house):
    await house.submit(2, batch="mine")
    await house.submit(3)

    async with asyncio.timeout(LIMIT_S):
        await house.worker(nothing).run(batch="mine", until_idle=True)

    counts = await house.queue.counts()
    assert (counts[JobStatus.COMPLETED], counts[JobStatus.PENDING]) == (2, 3)


async def test_a_worker_waits_for_jobs_of_its_batch_that_others_run(house):
    await house.submit(1, batch="b")
    lease = await house.claim()
    count, seen = house.queue.counts, []

    async def count_and_then_finish(**options):
        """The other worker finishes just after this one has looked for the second time."""
        counts = await count(**options)
        seen.append(counts[JobStatus.RUNNING])
        if len(seen) == 2:
            await house.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
        return counts

    house.queue.counts = count_and_then_finish
    async with asyncio.timeout(LIMIT_S):
        await house.worker(nothing).run(batch="b", until_idle=True)

    assert seen == [1, 1, 0]


async def test_a_handler_that_fails_while_it_is_stopped_is_cancelled_all_the_same(house):
    (job_id,) = await house.submit()
    gate = Gate()

    async def handler(context):
        try:
            await gate(context)
        except asyncio.CancelledError as error:
            raise LookupError("while cleaning up") from error

    async with running(house.worker(handler), until_idle=True):
        await gate.someone.wait()
        await house.queue.cancel(job_id)

    assert (await house.queue.get(job_id)).status is JobStatus.CANCELLED


async def test_a_job_taken_over_just_before_its_end_is_left_to_the_other_worker(house):
    (job_id,) = await house.submit()
    leases = []

    async def handler(context):
        assert context.lease.job_id == job_id
        await house.queue.expire("slow/1")
        leases.append(await house.claim("b/2"))

    # One at a time: with room for another, the worker itself might claim what has just expired.
    worker = house.worker(handler, concurrency=1, owner="slow/1", heartbeat_s=LIMIT_S * 10)
    stop = asyncio.Event()
    async with running(worker, stop=stop):
        while not leases or worker.running:  # noqa: ASYNC110 - there is no event for a job's end
            await asyncio.sleep(0)
        stop.set()

    job = await house.queue.get(job_id)
    assert (job.status, job.lease_owner) == (JobStatus.RUNNING, "b/2")


async def test_events_of_a_step_are_told_once_also_when_the_step_is_run_again(house):
    [job_id] = await house.submit(1, max_attempts=2)
    broken = [StorageError("the disk is away for a moment")]

    async def handler(context):
        async def step():
            await context.emit("looked", {})
            await context.progress(0.5)
            if broken:
                raise broken.pop()
            return 1

        await context.emit("began", {})
        await context.journal.once("look", step, int)

    await house.run(handler)

    told = [event.type for event in await house.events.events(job_id)]
    assert told == ["began", "began", "looked"]
    assert (await house.queue.get(job_id)).status is JobStatus.COMPLETED


async def test_events_of_branches_stay_with_their_own_steps(house):
    [job_id] = await house.submit()

    async def handler(context):
        async def branch(number):
            async def step():
                await context.emit("branch", {"n": number})
                await asyncio.sleep(0)
                return number

            return await context.journal.once(f"b/{number}", step, int)

        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(branch(number))

    await house.run(handler)

    events = await house.events.events(job_id)
    assert sorted(event.data["n"] for event in events) == [0, 1, 2, 3, 4]


async def test_a_worker_cancelled_in_mid_claim_gives_back_what_was_claimed(house):
    [job_id] = await house.submit()
    claiming, go_on = asyncio.Event(), asyncio.Event()

    class SlowQueue:
        """The real queue, whose claim is committed some time before its answer comes."""

        def __getattr__(self, name):
            return getattr(house.queue, name)

        async def claim(self, *arguments, **options):
            claimed = await house.queue.claim(*arguments, **options)
            claiming.set()
            await go_on.wait()
            return claimed

    worker = house.worker(nothing)
    worker._queue = SlowQueue()
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        task = group.create_task(worker.run())
        await claiming.wait()
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()

    job = await house.queue.get(job_id)
    assert (job.status, job.stop_reason) == (JobStatus.PENDING, StopReason.INTERRUPTED)
