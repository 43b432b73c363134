"""The contract of ``JobQueue.approve``, on each database."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.errors import IllegalTransition, NotFound
from wiseflow.core.jobs import Approval, JobRequest, JobStatus, Outcome, StopReason

GO_ON = Approval(step_key="plan/approved", result='{"plan": 2}', data={"edited": True})
WAIT = Outcome(status=JobStatus.AWAITING_APPROVAL)


@pytest.fixture
async def waiting(stores):
    """The id of a job that told one event and awaits approval."""
    await stores.queue.submit([JobRequest(kind="research", payload={})])
    lease = await claimed(stores)
    await stores.events.append(lease, [("plan", {"title": "Bees"})])
    await stores.queue.finish(lease, WAIT)
    return lease.job_id


async def claimed(stores):
    [(_, lease)] = await stores.queue.claim("a/1", lease_s=60.0, limit=1, kinds=["research"])
    return lease


async def test_nobody_holds_or_claims_a_job_that_awaits_approval(stores, waiting):
    job = await stores.queue.get(waiting)

    assert (job.status, job.lease_owner) == (JobStatus.AWAITING_APPROVAL, "")
    assert (job.lease_expires_at, job.completed_at) == (None, None)
    assert await stores.queue.running_owners() == []
    assert await stores.queue.claim("a/1", lease_s=60.0, limit=9, kinds=["research"]) == []


async def test_an_approved_job_is_pending_with_the_decision_in_its_journal_and_events(
    stores, waiting
):
    approved = await stores.queue.approve(waiting, GO_ON)

    events = await stores.events.events(waiting)
    assert (approved.status, approved.completed_at) == (JobStatus.PENDING, None)
    assert await stores.steps.steps(waiting) == {"plan/approved": '{"plan": 2}'}
    assert [(one.number, one.type) for one in events] == [(1, "plan"), (2, "approved")]
    assert events[1].data == {"edited": True}
    assert (await claimed(stores)).job_id == waiting
    assert (await stores.queue.get(waiting)).attempt == 1


async def test_events_after_an_approval_go_on_with_the_next_number(stores, waiting):
    await stores.queue.approve(waiting, GO_ON)

    await stores.events.append(await claimed(stores), [("draft", {})])

    assert [one.number for one in await stores.events.events(waiting)] == [1, 2, 3]


async def test_of_many_who_approve_at_once_one_does(stores, waiting):
    async def approve(number):
        try:
            await stores.queue.approve(waiting, Approval(step_key="d", result=str(number)))
        except IllegalTransition:
            return None
        return str(number)

    async with asyncio.TaskGroup() as group:
        approvals = [group.create_task(approve(number)) for number in range(8)]

    [winner] = [done.result() for done in approvals if done.result() is not None]
    assert await stores.steps.steps(waiting) == {"d": winner}
    assert len(await stores.events.events(waiting)) == 2


async def test_a_job_that_does_not_await_approval_is_left_as_it_is(stores, waiting):
    await stores.queue.cancel(waiting)

    with pytest.raises(IllegalTransition, match="approved"):
        await stores.queue.approve(waiting, GO_ON)

    assert (await stores.queue.get(waiting)).status is JobStatus.CANCELLED
    assert await stores.steps.steps(waiting) == {}
    assert len(await stores.events.events(waiting)) == 1


async def test_a_job_asked_to_stop_before_it_awaits_approval_is_cancelled(stores):
    await stores.queue.submit([JobRequest(kind="research", payload={})])
    lease = await claimed(stores)
    asked = await stores.queue.cancel(lease.job_id)
    assert asked.cancel_requested

    await stores.queue.finish(lease, WAIT)

    job = await stores.queue.get(lease.job_id)
    assert (job.status, job.stop_reason) == (JobStatus.CANCELLED, StopReason.CANCELLED)
    assert job.completed_at is not None
    with pytest.raises(IllegalTransition):
        await stores.queue.approve(lease.job_id, GO_ON)


async def test_a_rejected_job_awaits_approval_again_once_it_is_resumed(stores, waiting):
    await stores.queue.cancel(waiting)

    await stores.queue.resume(waiting)
    await stores.queue.finish(await claimed(stores), WAIT)

    assert (await stores.queue.approve(waiting, GO_ON)).status is JobStatus.PENDING


async def test_a_job_that_is_not_there_cannot_be_approved(stores):
    with pytest.raises(NotFound, match="no job 'nobody'"):
        await stores.queue.approve("nobody", GO_ON)
