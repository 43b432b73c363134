"""What all jobs come to, on each database."""

from __future__ import annotations

from collections import Counter

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import JobRequest, JobStatus, Outcome, StopReason
from wiseflow.storage.sql.figures import SqlJobFigures

KIND = "research"
ENDINGS = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


def requests(count, **fields):
    return [JobRequest(kind=KIND, payload={"n": n}, **fields) for n in range(count)]


async def end(stores, status, count=1):
    """So many of the waiting jobs, ended so; their ids."""
    claimed = await stores.queue.claim("a/1", lease_s=60, limit=count, kinds=[KIND])
    for _, lease in claimed:
        await stores.queue.finish(lease, Outcome(status=status))
    return [job.job_id for job, _ in claimed]


@pytest.fixture
def figures(stores):
    return SqlJobFigures(stores.database).figures


async def test_each_job_is_counted_where_it_is(stores, figures):
    await stores.queue.submit(requests(3))
    await stores.queue.submit(requests(2, priority=TaskPriority.LOW))
    await stores.queue.submit([JobRequest(kind="question", payload={})])
    await end(stores, JobStatus.COMPLETED)
    await stores.queue.claim("a/1", lease_s=60, limit=1, kinds=[KIND])

    told = await figures()

    assert told.now(KIND, JobStatus.COMPLETED) == 1
    assert told.now(KIND, JobStatus.RUNNING) == 1
    assert told.now(KIND, JobStatus.PENDING) == 3
    assert told.waiting == {
        (KIND, TaskPriority.NORMAL): 1,
        (KIND, TaskPriority.LOW): 2,
        ("question", TaskPriority.NORMAL): 1,
    }
    assert told.submitted(KIND) == 5
    assert 0 <= told.oldest_s[KIND] < 60


async def test_a_job_that_waits_for_its_next_attempt_is_not_the_oldest(stores, figures):
    await stores.queue.submit(requests(1))
    ((_, lease),) = await stores.queue.claim("a/1", lease_s=60, limit=1, kinds=[KIND])
    await stores.queue.retry(lease, "not now", delay_s=3600)

    told = await figures()

    assert told.now(KIND, JobStatus.PENDING) == 1
    assert told.oldest_s == {}


@pytest.mark.parametrize("status", ENDINGS)
async def test_a_total_stays_when_a_job_is_erased(stores, figures, status):
    await stores.queue.submit(requests(3))
    ended = await end(stores, status, count=2)

    await stores.queue.delete(ended[0])

    told = await figures()
    assert told.ended(KIND, status) == 2
    assert told.now(KIND, status) == 1
    assert told.submitted(KIND) == 3


async def test_a_failure_is_not_forgotten_when_the_job_goes_on(stores, figures):
    await stores.queue.submit(requests(1))
    (job_id,) = await end(stores, JobStatus.FAILED)

    await stores.queue.resume(job_id)
    await end(stores, JobStatus.COMPLETED)

    told = await figures()
    assert (told.ended(KIND, JobStatus.FAILED), told.ended(KIND, JobStatus.COMPLETED)) == (1, 1)
    assert told.submitted(KIND) == 1


async def test_to_resume_what_waits_counts_nothing(stores, figures):
    (job_id,) = await stores.queue.submit(requests(1))

    await stores.queue.resume(job_id)

    assert (await figures()).undone == {}


async def test_a_job_that_is_cancelled_while_it_waits_is_counted(stores, figures):
    (job_id,) = await stores.queue.submit(requests(1))

    await stores.queue.cancel(job_id)

    told = await figures()
    assert told.now(KIND, JobStatus.CANCELLED) == 1
    assert (await stores.queue.get(job_id)).stop_reason is StopReason.CANCELLED


async def test_the_figures_are_those_of_the_rows(stores, figures):
    """Whatever is done, what is stored now is what a look at every row gives."""
    ids = await stores.queue.submit(requests(12))
    await end(stores, JobStatus.COMPLETED, count=4)
    failed = await end(stores, JobStatus.FAILED, count=3)
    await stores.queue.resume(failed[0])
    await stores.queue.delete(failed[1])
    left = [await stores.queue.get(one) for one in ids if one != failed[1]]

    told = await figures()

    rows = Counter((job.kind, job.status) for job in left)
    assert {key: count for key, count in told.stored.items() if count} == rows
