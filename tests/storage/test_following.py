"""What the API reads and keeps beside jobs themselves, on each database."""

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.core.following import Head
from wiseflow.core.jobs import JobFilter, JobRequest, JobStatus
from wiseflow.storage.sql.request_keys import SqlRequestKeys

NOWHERE = "0" * 26


def research(mode):
    return JobRequest(kind="research", payload={"configuration": {"research_mode": mode}})


async def test_jobs_are_listed_by_the_mode_of_their_configuration(stores):
    tricky = JobRequest(
        kind="note", payload={"topic": '"configuration": {"research_mode": "graph"'}
    )
    ids = await stores.queue.submit([research("graph"), research("linear"), tricky])

    found = await stores.queue.list(JobFilter(mode="graph"))

    assert [job.job_id for job in found] == ids[:1]


async def test_jobs_are_counted_by_kind(stores):
    await stores.queue.submit([research("graph"), JobRequest(kind="note", payload={})])

    assert (await stores.queue.counts(kind="research"))[JobStatus.PENDING] == 1
    assert (await stores.queue.counts())[JobStatus.PENDING] == 2


async def test_how_far_jobs_are_is_told_in_one_look(stores):
    [waiting, running] = await stores.queue.submit([research("graph"), research("graph")])
    claimed = await stores.queue.claim("me", lease_s=60, limit=2, kinds=["research"])
    lease = next(lease for job, lease in claimed if job.job_id == running)
    await stores.events.append(lease, [("a", {}), ("b", {})])

    heads = await stores.events.heads([waiting, running, NOWHERE])

    assert heads == {
        waiting: Head(number=0, status=JobStatus.RUNNING),
        running: Head(number=2, status=JobStatus.RUNNING),
    }


async def test_a_key_belongs_to_the_first_request_of_its_tenant_for_its_days(stores):
    keys = SqlRequestKeys(stores.database, days=1)
    over = SqlRequestKeys(stores.database, days=-1)

    await keys.bind("anna", "k", "first")
    await keys.bind("anna", "k", "first")
    await keys.bind("bert", "k", "other")
    with pytest.raises(InvalidInput, match="another request"):
        await keys.bind("anna", "k", "other")
    await over.bind("anna", "elsewhere", "x")
    await keys.bind("anna", "k", "other")
