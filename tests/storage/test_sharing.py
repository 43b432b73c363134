"""Who gets the places: those who submit share them, and a bound holds over all instances."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import Job, JobRequest, JobStatus, Lease, Outcome
from wiseflow.storage.sql.claims import Bound
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database

DONE = Outcome(status=JobStatus.COMPLETED)


def requests(count: int, **fields) -> list[JobRequest]:
    return [JobRequest(kind="task", payload={}, **fields) for _ in range(count)]


async def claim(queue, limit=1, kinds=("task",), lease_s=600.0) -> list[tuple[Job, Lease]]:
    return await queue.claim("o", lease_s=lease_s, limit=limit, kinds=kinds)


async def test_one_job_of_a_key_does_not_wait_for_the_thousand_of_another(stores):
    await stores.queue.submit(requests(1000, submitter="many"))
    ((_, first),) = await claim(stores.queue)
    await stores.queue.submit(requests(1, submitter="one"))
    await stores.queue.finish(first, DONE)

    ((job, _),) = await claim(stores.queue)

    assert job.submitter == "one"


async def test_places_are_shared_evenly_whoever_was_first(stores):
    for submitter, count in (("a", 50), ("b", 50), ("c", 2)):
        await stores.queue.submit(requests(count, submitter=submitter))

    taken = await claim(stores.queue, limit=12)

    assert Counter(job.submitter for job, _ in taken) == {"a": 5, "b": 5, "c": 2}


async def test_who_runs_less_goes_first(stores):
    await stores.queue.submit(requests(5, submitter="a"))
    busy = await claim(stores.queue, limit=3)
    await stores.queue.submit(requests(9, submitter="b"))

    first = await claim(stores.queue, limit=3)
    assert {job.submitter for job, _ in first} == {"b"}

    for _, lease in busy:
        await stores.queue.finish(lease, DONE)
    assert {job.submitter for job, _ in await claim(stores.queue, limit=2)} == {"a"}


async def test_priority_orders_the_jobs_of_one_key_and_gives_it_no_more_places(stores):
    ids = await stores.queue.submit(requests(1, submitter="a"))
    ids += await stores.queue.submit(requests(2, submitter="a", priority=TaskPriority.CRITICAL))
    ids += await stores.queue.submit(requests(2, submitter="b", priority=TaskPriority.BACKGROUND))

    taken = [job.job_id for job, _ in await claim(stores.queue, limit=4)]

    assert set(taken) == {ids[1], ids[2], ids[3], ids[4]}


async def test_jobs_of_unknown_kinds_are_left_alone_however_many_there_are(stores):
    await stores.queue.submit(
        [JobRequest(kind="newer", payload={}, submitter=f"k{n % 7}") for n in range(200)]
    )
    (mine,) = await stores.queue.submit(requests(1, submitter="k3"))

    taken = await claim(stores.queue, limit=9)

    assert [job.job_id for job, _ in taken] == [mine]
    assert (await stores.queue.counts())[JobStatus.PENDING] == 200


def bounded(database, most: int) -> SqlJobQueue:
    return SqlJobQueue(database, bound=Bound(kind="task", most=most))


async def test_a_bound_holds_however_many_claim_at_once(stores):
    await stores.queue.submit(requests(40))
    queues = [bounded(stores.database, 7) for _ in range(5)]

    async with asyncio.TaskGroup() as group:
        claims = [group.create_task(claim(queue, limit=4)) for queue in queues]

    taken = [lease for task in claims for _, lease in task.result()]
    assert len(taken) == 7
    assert await claim(queues[0], limit=4) == []
    await stores.queue.finish(taken[0], DONE)
    await stores.queue.finish(taken[1], DONE)
    assert len(await claim(queues[1], limit=4)) == 2


async def test_a_bound_leaves_out_jobs_of_other_kinds_and_leases_that_ran_out(stores):
    queue = bounded(stores.database, 1)
    await queue.submit([JobRequest(kind="other", payload={}) for _ in range(3)])
    await queue.submit(requests(3))
    both = ("other", "task")

    taken = await claim(queue, limit=9, kinds=both, lease_s=0.0)
    assert Counter(job.kind for job, _ in taken) == {"other": 3, "task": 1}

    again = await claim(queue, limit=9, kinds=both)
    assert Counter(job.kind for job, _ in again) == {"other": 3, "task": 1}


submissions = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 6), st.sampled_from(TaskPriority)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    submitted=submissions,
    rounds=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_every_claim_is_fair(tmp_path_factory, submitted, rounds, seed):
    url = f"sqlite:///{tmp_path_factory.mktemp('fair')}/x.db"
    asyncio.run(walk(url, submitted, rounds, random.Random(seed)))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", range(3))
async def test_every_claim_is_fair_on_a_server(url, seed):
    chance = random.Random(seed)
    submitted = [
        (chance.choice("abcd"), chance.randint(1, 6), chance.choice(list(TaskPriority)))
        for _ in range(8)
    ]
    await walk(url, submitted, [chance.randint(1, 5) for _ in range(6)], chance)


async def walk(url, submitted, rounds, chance) -> None:
    """Claims so many each time, ends some at random, and checks each claim against the rule."""
    database = await open_database(url)
    # So long an ageing that priority alone decides, then the order of submission.
    queue = SqlJobQueue(database, ageing_s=1e6)
    waiting: dict[str, list[tuple[int, str]]] = {}
    for submitter, count, priority in submitted:
        ids = await queue.submit(requests(count, submitter=submitter, priority=priority))
        waiting.setdefault(submitter, []).extend((priority.rank, job_id) for job_id in ids)
    for line in waiting.values():
        line.sort()
    running: list[tuple[str, Lease]] = []
    for places in rounds:
        before = Counter(submitter for submitter, _ in running)
        taken = await claim(queue, limit=places)
        check(taken, places, before, waiting)
        running += [(job.submitter, lease) for job, lease in taken]
        chance.shuffle(running)
        for _ in range(chance.randint(0, len(running))):
            await queue.finish(running.pop()[1], DONE)
    await database.close()


def check(taken, places, before, waiting) -> None:
    assert len(taken) == min(places, sum(map(len, waiting.values())))
    picked: dict[str, list[str]] = {}
    for job, _ in taken:
        picked.setdefault(job.submitter, []).append(job.job_id)
    for submitter, ids in picked.items():
        assert set(ids) == {job_id for _, job_id in waiting[submitter][: len(ids)]}
        del waiting[submitter][: len(ids)]
    after = before + Counter({submitter: len(ids) for submitter, ids in picked.items()})
    for winner in picked:
        for left, line in waiting.items():
            # Nobody got a place that would have left him more jobs than another would have had.
            assert not line or after[winner] <= after[left] + 1
