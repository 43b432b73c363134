"""The contract of ``JobQueue``, on each database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import IllegalTransition, InvalidInput, LeaseLost, NotFound
from wiseflow.core.jobs import JobFilter, JobRequest, JobStatus, Lease, Outcome, StopReason
from wiseflow.storage.sql.jobs import SqlJobQueue

DONE = Outcome(status=JobStatus.COMPLETED)


def a_request(**changes) -> JobRequest:
    return replace(JobRequest(kind="research", payload={"topic": "bees"}), **changes)


async def claim(queue, limit=1, lease_s=60.0, owner="a/1", **more):
    return await queue.claim(owner, lease_s=lease_s, limit=limit, kinds=["research"], **more)


async def claimed(queue, **more):
    ((job, lease),) = await claim(queue, **more)
    return job, lease


async def test_a_submitted_job_reads_back_as_it_was_asked_for(stores):
    request = a_request(
        title="Bees \ud83d\udc1d".encode("utf-16", "surrogatepass").decode("utf-16"),
        priority=TaskPriority.HIGH,
        tags=("b", "a", "b"),
        metadata={"n": [1, None, "é"]},
        batch="x",
        idempotency_key="k",
        max_attempts=7,
    )

    (job_id,) = await stores.queue.submit([request])

    job = await stores.queue.get(job_id)
    for name in ("kind", "payload", "title", "priority", "tags", "metadata", "batch"):
        assert getattr(job, name) == getattr(request, name)
    assert (job.idempotency_key, job.max_attempts, job.status) == ("k", 7, JobStatus.PENDING)
    assert job.progress == 0.0
    assert job.lease_expires_at is None
    assert job.created_at > 1_700_000_000


async def test_one_idempotency_key_makes_one_job(stores):
    first = await stores.queue.submit([a_request(idempotency_key="k"), a_request()])

    again = await stores.queue.submit(
        [a_request(idempotency_key="new"), *[a_request(idempotency_key="k", tags=("t",))] * 2]
    )

    assert again[1:] == [first[0], first[0]]
    assert again[0] not in first
    assert sum((await stores.queue.counts()).values()) == 3
    assert await stores.queue.list(JobFilter(tag="t")) == []


async def test_submitting_nothing_does_nothing(stores):
    assert await stores.queue.submit([]) == []
    await stores.queue.mark_delivered([])
    assert await stores.queue.heartbeat([], lease_s=1) == {}


async def test_thousands_of_jobs_are_submitted_and_listed_in_order(stores):
    ids = await stores.queue.submit([a_request(title=str(n)) for n in range(3000)])

    listed = await stores.queue.list(JobFilter(limit=10_000))

    assert [job.job_id for job in listed] == ids[::-1]
    assert [job.title for job in listed[:2]] == ["2999", "2998"]


async def test_the_most_urgent_and_then_the_oldest_goes_first(stores):
    order = [TaskPriority.LOW, TaskPriority.NORMAL, TaskPriority.CRITICAL, TaskPriority.NORMAL]
    ids = await stores.queue.submit([a_request(priority=priority) for priority in order])

    taken = [(await claimed(stores.queue))[0].job_id for _ in ids]

    assert taken == [ids[2], ids[1], ids[3], ids[0]]


async def test_several_jobs_are_claimed_at_once_in_their_order(stores):
    ids = await stores.queue.submit([a_request() for _ in range(5)])

    taken = await claim(stores.queue, limit=3)

    assert [job.job_id for job, _ in taken] == ids[:3]
    assert [lease.job_id for _, lease in taken] == ids[:3]
    assert len(await claim(stores.queue, limit=10)) == 2
    assert await claim(stores.queue, limit=10) == []
    assert await claim(stores.queue, limit=0) == []


async def test_waiting_makes_up_for_a_lower_priority(stores):
    impatient = SqlJobQueue(stores.database, ageing_s=0.0)
    ids = await impatient.submit([a_request(priority=TaskPriority.BACKGROUND)])
    ids += await impatient.submit([a_request(priority=TaskPriority.CRITICAL)])

    job, _ = await claimed(impatient)

    assert job.job_id == ids[0]


async def test_a_claim_is_for_the_kinds_and_the_batch_asked_for(stores):
    ids = await stores.queue.submit(
        [a_request(kind="other"), a_request(), a_request(batch="b"), a_request(kind="o", batch="b")]
    )

    taken = await claim(stores.queue, limit=9, batch="b")

    assert [job.job_id for job, _ in taken] == [ids[2]]
    assert [job.job_id for job, _ in await claim(stores.queue, limit=9)] == [ids[1]]


async def test_a_claimed_job_is_running_under_its_lease(stores):
    await stores.queue.submit([a_request()])

    job, lease = await claimed(stores.queue)

    assert (job.status, job.attempt, job.lease_owner) == (JobStatus.RUNNING, 1, "a/1")
    assert lease == Lease(job_id=job.job_id, owner="a/1", token=job.lease_token)
    assert job.started_at is not None
    assert job.lease_expires_at is not None
    assert job.lease_expires_at == pytest.approx(job.started_at + 60, abs=5)
    assert await stores.queue.running_owners() == ["a/1"]


async def test_a_job_whose_lease_ran_out_is_claimed_again_and_its_old_worker_can_write_nothing(
    stores,
):
    await stores.queue.submit([a_request()])
    _, old = await claimed(stores.queue, lease_s=0.0)

    job, new = await claimed(stores.queue, owner="b/2")

    assert (job.job_id, job.attempt, new.token) == (old.job_id, 2, old.token + 1)
    for write in (
        stores.queue.finish(old, DONE),
        stores.queue.progress(old, 0.5),
        stores.queue.release(old, StopReason.INTERRUPTED),
        stores.queue.retry(old, "x"),
        stores.steps.record(old, "s", "1"),
        stores.events.append(old, [("e", {})]),
        stores.reports.save(old, "{}", source_ids=[]),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert await stores.queue.heartbeat([old, new], lease_s=9) == {}
    assert await stores.queue.heartbeat([old], lease_s=9) == {old.job_id: "lost"}
    assert await stores.steps.steps(job.job_id) == {}
    assert await stores.events.events(job.job_id) == []


async def test_a_heartbeat_tells_what_was_lost_and_what_is_to_stop(stores):
    await stores.queue.submit([a_request() for _ in range(3)])
    (_, fine), (_, asked), (_, ended) = await claim(stores.queue, limit=3, lease_s=1)
    await stores.queue.cancel(asked.job_id)
    await stores.queue.finish(ended, DONE)

    wrong = await stores.queue.heartbeat([fine, asked, ended], lease_s=500)

    assert wrong == {asked.job_id: "cancelled", ended.job_id: "lost"}
    expires_at = (await stores.queue.get(fine.job_id)).lease_expires_at
    assert expires_at is not None
    assert expires_at > (await stores.queue.get(fine.job_id)).created_at + 400


async def test_a_job_that_was_started_too_often_fails_and_the_next_is_claimed(stores):
    ids = await stores.queue.submit([a_request(max_attempts=1), a_request()])
    await claim(stores.queue, lease_s=0.0)

    job, _ = await claimed(stores.queue)

    assert job.job_id == ids[1]
    worn_out = await stores.queue.get(ids[0])
    assert (worn_out.status, worn_out.stop_reason) == (JobStatus.FAILED, StopReason.ERROR)
    assert "started 1 times" in worn_out.error
    assert worn_out.completed_at is not None
    assert worn_out.lease_owner == ""


async def test_finishing_writes_the_outcome(stores):
    await stores.queue.submit([a_request(), a_request()])
    (_, first), (_, second) = await claim(stores.queue, limit=2)

    await stores.queue.finish(first, Outcome(status=JobStatus.COMPLETED, partial=True, cost=1.5))
    await stores.queue.finish(
        second,
        Outcome(status=JobStatus.FAILED, stop_reason=StopReason.NO_EVIDENCE, error="nothing"),
    )

    done, failed = [await stores.queue.get(lease.job_id) for lease in (first, second)]
    assert (done.status, done.partial, done.cost, done.progress) == ("completed", True, 1.5, 1.0)
    assert (failed.status, failed.stop_reason, failed.error) == ("failed", "no_evidence", "nothing")
    assert done.completed_at is not None
    assert done.lease_expires_at is None
    assert await stores.queue.running_owners() == []


async def test_a_job_cannot_end_as_running(stores):
    await stores.queue.submit([a_request()])
    _, lease = await claimed(stores.queue)

    with pytest.raises(IllegalTransition):
        await stores.queue.finish(lease, Outcome(status=JobStatus.RUNNING))


async def test_a_released_job_is_first_in_line_and_its_attempt_does_not_count(stores):
    ids = await stores.queue.submit([a_request(max_attempts=1), a_request()])
    _, lease = await claimed(stores.queue)

    await stores.queue.release(lease, StopReason.INTERRUPTED)

    released = await stores.queue.get(ids[0])
    assert (released.status, released.stop_reason) == (JobStatus.PENDING, StopReason.INTERRUPTED)
    job, _ = await claimed(stores.queue)
    assert (job.job_id, job.attempt, job.stop_reason) == (ids[0], 1, None)


async def test_a_retried_job_waits_and_its_attempt_counts(stores):
    ids = await stores.queue.submit([a_request()])
    _, lease = await claimed(stores.queue)
    await stores.queue.retry(lease, "a hiccup", delay_s=1000)
    waiting = await stores.queue.get(ids[0])
    assert (waiting.status, waiting.error) == (JobStatus.PENDING, "a hiccup")
    assert await claim(stores.queue) == []

    other = await stores.queue.submit([a_request()])
    _, lease = await claimed(stores.queue)
    await stores.queue.retry(lease, "a hiccup")

    job, _ = await claimed(stores.queue)
    assert (job.job_id, job.attempt, job.error) == (other[0], 2, "")


async def test_progress_stays_within_its_bounds(stores):
    await stores.queue.submit([a_request()])
    _, lease = await claimed(stores.queue)

    for given, kept in ((0.25, 0.25), (7.0, 1.0), (-1.0, 0.0)):
        await stores.queue.progress(lease, given)
        assert (await stores.queue.get(lease.job_id)).progress == kept


async def test_the_leases_of_a_dead_instance_are_ended_at_once(stores):
    await stores.queue.submit([a_request() for _ in range(3)])
    await claim(stores.queue, limit=2, owner="dead/1")
    await claim(stores.queue, owner="alive/1")
    assert sorted(await stores.queue.running_owners()) == ["alive/1", "dead/1"]

    assert await stores.queue.expire("dead/1") == 2

    assert await stores.queue.expire("dead/1") == 0
    assert await stores.queue.running_owners() == ["alive/1"]
    assert len(await claim(stores.queue, limit=9)) == 2


async def test_a_pending_job_is_cancelled_at_once(stores):
    (job_id,) = await stores.queue.submit([a_request()])

    job = await stores.queue.cancel(job_id)

    assert (job.status, job.stop_reason) == (JobStatus.CANCELLED, StopReason.CANCELLED)
    assert job.completed_at is not None
    assert await claim(stores.queue) == []
    with pytest.raises(IllegalTransition, match="is cancelled, so it cannot be cancelled"):
        await stores.queue.cancel(job_id)


async def test_a_running_job_is_asked_to_stop(stores):
    await stores.queue.submit([a_request()])
    _, lease = await claimed(stores.queue)

    job = await stores.queue.cancel(lease.job_id)

    assert (job.status, job.cancel_requested) == (JobStatus.RUNNING, True)
    await stores.queue.progress(lease, 0.5)


async def test_a_job_asked_to_stop_is_not_run_again(stores):
    await stores.queue.submit([a_request() for _ in range(2)])
    (_, released), (_, abandoned) = await claim(stores.queue, limit=2, lease_s=60)
    for lease in (released, abandoned):
        await stores.queue.cancel(lease.job_id)

    await stores.queue.release(released, StopReason.INTERRUPTED)
    await stores.queue.expire("a/1")

    assert await claim(stores.queue, limit=5) == []
    for lease in (released, abandoned):
        assert (await stores.queue.get(lease.job_id)).status is JobStatus.CANCELLED


async def test_cancelling_a_job_whose_worker_is_gone_cancels_it_and_shuts_the_worker_out(stores):
    await stores.queue.submit([a_request()])
    _, lease = await claimed(stores.queue, lease_s=0.0)

    job = await stores.queue.cancel(lease.job_id)

    assert (job.status, job.lease_owner) == (JobStatus.CANCELLED, "")
    with pytest.raises(LeaseLost):
        await stores.queue.finish(lease, DONE)


async def test_a_failed_job_is_resumed_with_its_journal_and_new_attempts(stores):
    await stores.queue.submit([a_request(max_attempts=1)])
    _, lease = await claimed(stores.queue)
    await stores.steps.record(lease, "a", "1")
    await stores.queue.finish(lease, Outcome(status=JobStatus.FAILED, error="x"))
    await stores.queue.mark_delivered([lease.job_id])

    job = await stores.queue.resume(lease.job_id)

    assert (job.status, job.error, job.completed_at) == (JobStatus.PENDING, "", None)
    assert job.delivered_at is None
    assert (await claimed(stores.queue))[0].attempt == 1
    assert await stores.steps.steps(lease.job_id) == {"a": "1"}


async def test_resuming_a_pending_or_running_job_changes_nothing(stores):
    (job_id,) = await stores.queue.submit([a_request()])
    assert (await stores.queue.resume(job_id)) == (await stores.queue.get(job_id))
    job, lease = await claimed(stores.queue)

    assert await stores.queue.resume(job_id) == job

    await stores.queue.finish(lease, DONE)
    with pytest.raises(IllegalTransition):
        await stores.queue.resume(job_id)


async def test_deleting_erases_a_job_and_all_it_made(stores):
    (job_id,) = await stores.queue.submit([a_request(tags=("t",))])
    _, lease = await claimed(stores.queue)
    await stores.steps.record(lease, "a", "1")
    await stores.events.append(lease, [("e", {})])
    await stores.reports.save(lease, "{}", source_ids=["gone"])
    with pytest.raises(IllegalTransition):
        await stores.queue.delete(job_id)
    await stores.queue.finish(lease, DONE)

    await stores.queue.delete(job_id)

    assert await stores.steps.steps(job_id) == {}
    assert await stores.events.events(job_id) == []
    assert await stores.queue.list(JobFilter(tag="t")) == []
    for read in (stores.reports.get(job_id), stores.queue.get(job_id), stores.queue.delete(job_id)):
        with pytest.raises(NotFound):
            await read


async def test_jobs_are_listed_by_what_they_are(stores):
    ids = await stores.queue.submit(
        [
            a_request(tags=("red", "green")),
            a_request(kind="index", tags=("red",)),
            a_request(batch="b"),
        ]
    )
    ids += await stores.queue.submit([a_request(tags=("re",))])
    _, lease = await claimed(stores.queue, batch="b")
    await stores.queue.finish(lease, DONE)
    await stores.queue.mark_delivered([ids[2]])
    middle = (await stores.queue.get(ids[3])).created_at

    async def found(**wanted):
        return [ids.index(job.job_id) for job in await stores.queue.list(JobFilter(**wanted))]

    assert await found() == [3, 2, 1, 0]
    assert await found(tag="red") == [1, 0]
    assert await found(kind="index") == [1]
    assert await found(batch="b") == [2]
    assert await found(statuses=(JobStatus.COMPLETED, JobStatus.FAILED)) == [2]
    assert await found(undelivered=True) == [3, 1, 0]
    assert await found(after=ids[2]) == [1, 0]
    assert await found(limit=2) == [3, 2]
    assert await found(since=middle) == [3]
    assert await found(until=middle) == [3, 2, 1, 0]
    assert await found(since=middle + 9) == []


async def test_counts_name_every_status(stores):
    await stores.queue.submit([a_request(), a_request(batch="b")])

    everything, batch = await stores.queue.counts(), await stores.queue.counts(batch="b")

    assert set(everything) == set(JobStatus)
    assert (everything[JobStatus.PENDING], batch[JobStatus.PENDING]) == (2, 1)
    assert everything[JobStatus.FAILED] == 0


async def test_a_job_is_found_by_the_beginning_of_its_id(stores):
    ids = await stores.queue.submit([a_request() for _ in range(2)])

    assert await stores.queue.find(ids[0]) == ids[0]
    assert await stores.queue.find(ids[1][:26].upper()) == ids[1]
    with pytest.raises(InvalidInput, match="several"):
        await stores.queue.find(ids[0][:5])
    with pytest.raises(NotFound):
        await stores.queue.find("zzz")


async def test_a_job_that_is_not_there_is_not_found(stores):
    for call in (stores.queue.get, stores.queue.cancel, stores.queue.resume):
        with pytest.raises(NotFound, match="no job 'nobody'"):
            await call("nobody")


async def test_many_claims_at_once_never_give_one_job_twice(stores):
    ids = await stores.queue.submit([a_request() for _ in range(40)])
    taken: list[str] = []

    async def worker(name):
        while found := await claim(stores.queue, limit=3, owner=name):
            taken.extend(job.job_id for job, _ in found)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(worker(f"w/{number}"))

    assert sorted(taken) == sorted(ids)


async def test_a_text_that_no_database_can_hold_is_refused_as_input(stores):
    with pytest.raises(
        InvalidInput, match=r"database \S+ .* its character 6 is '\\ud800'"
    ) as raised:
        await stores.queue.submit([a_request(title="Bees \ud800")])

    assert raised.value.cure.startswith("Take that character out")


async def test_jobs_can_be_made_part_of_another_batch(stores):
    ids = await stores.queue.submit([a_request(batch="old"), a_request(batch="old")])
    await stores.queue.mark_delivered(ids)

    await stores.queue.regroup([], "new")
    await stores.queue.regroup(ids[:1], "new")

    moved = await stores.queue.get(ids[0])
    assert (moved.batch, moved.delivered_at) == ("new", None)
    assert (await stores.queue.get(ids[1])).batch == "old"
