"""The contract of ``ScheduleStore``, on each database."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from sqlalchemy import update

from wiseflow.core.errors import Conflict, NotFound
from wiseflow.core.jobs import JobFilter, JobRequest, JobStatus, Outcome, StopReason
from wiseflow.core.schedules import Missed, Overlap, ScheduleSpec, Turn
from wiseflow.jobs.scheduling import ScheduleTick, run_request, tag_of
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedule_tables import schedules as table
from wiseflow.storage.sql.schedules import SqlScheduleStore

SPEC = ScheduleSpec(
    name="news",
    cron="0 * * * *",
    time_zone="Europe/Berlin",
    topic="bees",
    configuration={"collection": "c"},
    tags=("a",),
    missed=Missed.SKIP,
    overlap=Overlap.RUN,
)
REQUEST = JobRequest(kind="research", payload={"topic": "bees"}, tags=("a",))
PAST = 1_700_000_000.0


async def asked(_schedule) -> JobRequest:
    return REQUEST


@pytest.fixture
def store(stores) -> SqlScheduleStore:
    return SqlScheduleStore(stores.database, stores.queue)


async def add(store, next_at=PAST, *, tenant="t", **changes):
    spec = replace(SPEC, **changes)
    return await store.add(spec, tenant=tenant, submitter="k", next_at=next_at)


async def runs(stores, schedule) -> list[str]:
    found = await stores.queue.list(JobFilter(tag=tag_of(schedule.schedule_id)))
    return [job.job_id for job in found]


async def end(stores, status: JobStatus) -> None:
    [(_, lease)] = await stores.queue.claim("a", lease_s=60, limit=1, kinds=["research"])
    await stores.queue.finish(lease, Outcome(status=status, stop_reason=StopReason.ERROR))


async def take(store, schedule, due=PAST, next_at=PAST + 1, **turn):
    turn = Turn(due=due, next_at=next_at, runs=True, **turn)
    return await store.take(schedule, turn, [run_request(REQUEST, schedule, due)])


async def test_a_schedule_reads_back_as_it_was_asked_for(store):
    added = await add(store)

    assert added.spec == SPEC
    assert (added.tenant, added.submitter, added.next_at) == ("t", "k", PAST)
    assert (added.last_job_id, added.last_status, added.failures) == ("", None, 0)
    assert await store.get(added.schedule_id, tenant="t") == added
    assert await store.get("news", tenant="t") == added


async def test_a_name_is_one_of_its_tenant(store):
    await add(store)
    other = await add(store, tenant="u")
    second = await add(store, name="second")

    with pytest.raises(Conflict, match="'news' already"):
        await add(store)
    with pytest.raises(Conflict, match="'news' already"):
        await store.change(second.schedule_id, SPEC, tenant="t", next_at=None)
    assert await store.list(tenant="u") == [other]


async def test_what_is_another_tenants_is_not_there(store):
    mine = await add(store)

    for act in (
        store.get(mine.schedule_id, tenant="u"),
        store.change(mine.schedule_id, SPEC, tenant="u", next_at=1.0),
        store.delete(mine.schedule_id, tenant="u"),
    ):
        with pytest.raises(NotFound):
            await act
    assert await store.get("news", tenant="t") == mine


async def test_they_are_listed_page_by_page_newest_first(store):
    made = [await add(store, name=str(n)) for n in range(5)]

    first = await store.list(tenant="t", limit=3)
    rest = await store.list(tenant="t", after=first[-1].schedule_id, limit=3)

    assert [*first, *rest] == made[::-1]


async def test_only_what_is_due_and_enabled_is_given_the_longest_due_first(store):
    at = await store.now()
    late = await add(store, at - 10, name="late")
    later = await add(store, at - 20, name="later")
    await add(store, at + 1000, name="not yet")
    await add(store, at - 5, name="paused", enabled=False)

    now, due = await store.due(limit=10)

    assert now >= at
    assert [one.schedule_id for one in due] == [later.schedule_id, late.schedule_id]
    assert len((await store.due(limit=1))[1]) == 1


async def test_a_turn_moves_the_schedule_on_and_submits_its_research(store, stores):
    schedule = await add(store)

    job_id = await take(store, schedule)

    job = await stores.queue.get(job_id)
    assert job.tags == ("a", tag_of(schedule.schedule_id))
    assert (job.tenant, job.submitter) == ("t", "k")
    moved = await store.get("news", tenant="t")
    assert (moved.next_at, moved.last_at, moved.last_job_id) == (PAST + 1, PAST, job_id)
    assert moved.last_status is JobStatus.PENDING


async def test_a_turn_is_taken_once(store, stores):
    schedule = await add(store)

    first, second = await take(store, schedule), await take(store, schedule)

    assert second is None
    assert await runs(stores, schedule) == [first]


async def test_a_turn_of_what_was_paused_or_deleted_meanwhile_is_nobodys(store, stores):
    paused, deleted = await add(store), await add(store, name="deleted")
    await store.change(paused.schedule_id, replace(SPEC, enabled=False), tenant="t", next_at=PAST)
    await store.delete(deleted.schedule_id, tenant="t")

    assert await take(store, paused) is None
    assert await take(store, deleted) is None
    assert sum((await stores.queue.counts()).values()) == 0


async def test_what_cannot_be_submitted_leaves_the_turn_to_be_taken_again(store, stores):
    schedule = await add(store)
    broken = replace(REQUEST, payload={"no JSON": object()})

    with pytest.raises(TypeError):
        await store.take(schedule, Turn(due=PAST, next_at=PAST + 1, runs=True), [broken])

    assert await store.get("news", tenant="t") == schedule
    assert await take(store, schedule)


async def test_what_cannot_be_asked_for_counts_as_a_failed_run(store):
    schedule = await add(store)
    turn = Turn(due=PAST, next_at=PAST + 1, runs=True)

    assert await store.take(schedule, turn, [], error="no such model") == ""

    told = await store.get("news", tenant="t")
    assert (told.error, told.failures, told.next_at) == ("no such model", 1, PAST + 1)


async def test_runs_left_out_are_counted(store):
    schedule = await add(store)

    for n, why in enumerate(({"overlapped": True}, {"missed": True}, {"overlapped": True})):
        turn = Turn(due=PAST + n, next_at=PAST + n + 1, runs=False, **why)
        assert await store.take(schedule, turn, []) == ""

    counted = await store.get("news", tenant="t")
    assert (counted.overlaps, counted.missed) == (2, 1)


async def test_failures_in_a_row_are_counted_as_runs_end(store, stores):
    schedule = await add(store)
    failed, done = JobStatus.FAILED, JobStatus.COMPLETED
    counted = []

    for n, status in enumerate((failed, failed, done, failed)):
        await take(store, schedule, PAST + n, PAST + n + 1)
        await end(stores, status)
        assert await store.settle() == 1
        assert await store.settle() == 0
        counted.append((await store.get("news", tenant="t")).failures)

    assert counted == [1, 2, 0, 1]


async def test_a_run_that_is_going_on_is_not_settled_and_a_deleted_one_is_over(store, stores):
    schedule = await add(store)
    job_id = await take(store, schedule)

    assert await store.settle() == 0
    await stores.queue.delete(job_id)
    assert await store.settle() == 1

    told = await store.get("news", tenant="t")
    assert (told.last_status, told.last_job_id, told.failures) == (None, job_id, 0)


async def test_a_run_out_of_turn_leaves_the_due_time(store, stores):
    schedule = await add(store)

    job_id = await store.run_now(schedule, run_request(REQUEST, schedule, 0.0))

    told = await store.get("news", tenant="t")
    assert (told.last_job_id, told.next_at) == (job_id, PAST)
    await store.delete(schedule.schedule_id, tenant="t")
    with pytest.raises(NotFound):
        await store.run_now(schedule, replace(REQUEST, idempotency_key="other"))
    assert len(await runs(stores, schedule)) == 1


async def test_eight_tickers_at_once_submit_each_due_time_once(url, stores):
    store = SqlScheduleStore(stores.database, stores.queue)
    made = [await add(store, name=str(n), missed=Missed.RUN_ONCE) for n in range(20)]
    databases = [Database(url) for _ in range(8)]
    for database in databases:
        await database.open()

    for turn in range(3):
        await rewind(stores.database, PAST + turn)
        async with asyncio.TaskGroup() as group:
            for database in databases:
                own = SqlScheduleStore(database, SqlJobQueue(database))
                group.create_task(ScheduleTick(store=own, request=asked)())

    for database in databases:
        await database.close()
    assert [len(await runs(stores, one)) for one in made] == [3] * 20
    ids = list(itertools.chain(*[await runs(stores, one) for one in made]))
    keys = {(await stores.queue.get(job_id)).idempotency_key for job_id in ids}
    assert len(keys) == 60


async def rewind(database, due: float) -> None:
    """Have all schedules be due since then."""

    async def unit(connection):
        await connection.execute(update(table).values(next_at=due))

    await database.write(unit)
