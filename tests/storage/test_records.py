"""The contracts of ``StepStore``, ``EventStore`` and ``ReportStore``, on each database."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.errors import LeaseLost, NotFound
from wiseflow.core.jobs import JobFilter, JobRequest, JobStatus, Lease, Outcome, StepNews


@pytest.fixture
async def lease(stores) -> Lease:
    await stores.queue.submit([JobRequest(kind="research", payload={})])
    ((_, lease),) = await stores.queue.claim("a/1", lease_s=60, limit=1, kinds=["research"])
    return lease


async def test_steps_are_kept_by_name_and_the_first_result_stays(stores, lease):
    await stores.steps.record(lease, "b", '{"x": 1}')
    await stores.steps.record(lease, "a", "2")
    await stores.steps.record(lease, "a", "3")

    assert await stores.steps.steps(lease.job_id) == {"a": "2", "b": '{"x": 1}'}
    assert await stores.steps.steps("nobody") == {}


async def test_steps_of_branches_are_recorded_side_by_side(stores, lease):
    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(stores.steps.record(lease, f"s/{number}", str(number)))

    assert len(await stores.steps.steps(lease.job_id)) == 30


async def test_events_are_numbered_without_gaps(stores, lease):
    await stores.events.append(lease, [("plan", {"sections": ["é", 1, None]}), ("query", {})])
    await stores.events.append(lease, [])
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(stores.events.append(lease, [("e", {"n": number}), ("f", {})]))

    events = await stores.events.events(lease.job_id)

    assert [event.number for event in events] == list(range(1, 23))
    assert (events[0].type, events[0].data) == ("plan", {"sections": ["é", 1, None]})
    assert events[0].job_id == lease.job_id
    assert events[0].at <= events[-1].at


async def test_events_are_read_on_from_a_number(stores, lease):
    await stores.events.append(lease, [(str(number), {}) for number in range(1, 8)])

    events = await stores.events.events(lease.job_id, after=3, limit=2)

    assert [event.type for event in events] == ["4", "5"]
    assert await stores.events.events(lease.job_id, after=7) == []


async def test_an_event_of_a_worker_without_its_lease_takes_no_number(stores, lease):
    stale = Lease(job_id=lease.job_id, owner="b", token=lease.token - 1)

    with pytest.raises(LeaseLost):
        await stores.events.append(stale, [("e", {})])

    await stores.events.append(lease, [("e", {})])
    assert [event.number for event in await stores.events.events(lease.job_id)] == [1]


async def test_a_second_report_replaces_the_first(stores, lease):
    with pytest.raises(NotFound):
        await stores.reports.get(lease.job_id)
    await stores.reports.save(lease, '{"a": 1}', source_ids=["s1", "s2", "s1"])

    await stores.reports.save(lease, '{"a": 2}', source_ids=["s2", "s3"])

    assert await stores.reports.get(lease.job_id) == '{"a": 2}'


async def test_a_failing_write_of_one_leaves_the_writes_of_others(stores, lease):
    stale = Lease(job_id=lease.job_id, owner="b", token=99)
    failures: list[LeaseLost] = []

    async def fail():
        try:
            await stores.steps.record(stale, "stale", "0")
        except LeaseLost as error:
            failures.append(error)

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(stores.steps.record(lease, f"s/{number}", "1"))
            group.create_task(fail())

    assert len(failures) == 10
    assert set(await stores.steps.steps(lease.job_id)) == {f"s/{number}" for number in range(10)}


async def test_what_a_step_tells_is_kept_with_its_result(stores, lease):
    news = StepNews(events=(("plan", {"n": 1}), ("query", {})), progress=0.25)

    await stores.steps.record(lease, "plan", "1", news=news)
    await stores.steps.record(lease, "quiet", "2", news=StepNews())

    events = await stores.events.events(lease.job_id)
    assert [(event.number, event.type) for event in events] == [(1, "plan"), (2, "query")]
    assert (await stores.queue.get(lease.job_id)).progress == 0.25


async def test_a_stale_worker_can_keep_neither_a_result_nor_what_it_tells(stores, lease):
    await stores.queue.expire("a/1")
    await stores.queue.claim("b/2", lease_s=60, limit=1, kinds=["research"])

    with pytest.raises(LeaseLost):
        await stores.steps.record(
            lease, "plan", "1", news=StepNews(events=(("plan", {}),), progress=0.9)
        )

    assert await stores.steps.steps(lease.job_id) == {}
    assert await stores.events.events(lease.job_id) == []
    assert (await stores.queue.get(lease.job_id)).progress == 0.0


async def test_ended_jobs_are_listed_from_a_time_on(stores, lease):
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
    ended = (await stores.queue.get(lease.job_id)).completed_at

    at_its_end = await stores.queue.list(JobFilter(completed_since=ended))
    later = await stores.queue.list(JobFilter(completed_since=ended + 1))

    assert [job.job_id for job in at_its_end] == [lease.job_id]
    assert later == []
