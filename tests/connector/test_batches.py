from __future__ import annotations

import pytest

from wiseflow.app import open_application
from wiseflow.connector.batches import run_batch
from wiseflow.core.jobs import JobStatus
from wiseflow.jobs.submission import Batch, submit_or_resume

NAME = "command-1"


class Listener:
    """Keeps what it is told, and does something when it first hears of an end."""

    details = False

    def __init__(self, at_first=None):
        self.told = []
        self._at_first = at_first

    async def ended(self, job):
        self.told.append(job.job_id)
        if self._at_first is not None and len(self.told) == 1:
            await self._at_first()

    def moment(self, moment):
        """Nothing is shown."""


@pytest.fixture
async def app(settings):
    async with open_application(settings) as app:
        yield app


@pytest.fixture
def submit(app):
    """Submits some researches as one command does."""

    async def submitted(count, name=NAME):
        requests = [app.research_request(f"Topic {number}", {}) for number in range(count)]
        return await submit_or_resume(app.queue, requests, name=name)

    return submitted


@pytest.fixture
def cancelled(app, submit):
    """Submits some researches and ends them: nothing has to run for that."""

    async def ended(count, name=NAME):
        batch = await submit(count, name)
        for job_id in batch.job_ids:
            await app.queue.cancel(job_id)
        return batch

    return ended


async def test_earlier_runs_of_the_same_command_are_not_read_again(app, cancelled, monkeypatch):
    for _ in range(3):
        earlier = await cancelled(4)
        await app.queue.mark_delivered(earlier.job_ids)
    batch = await cancelled(2)
    list_jobs = app.queue.list
    read = []

    async def recorded(job_filter):
        found = await list_jobs(job_filter)
        read.extend(job.job_id for job in found)
        return found

    monkeypatch.setattr(app.queue, "list", recorded)
    listener = Listener()
    await run_batch(app, batch, listener, parallel=1)

    assert listener.told == list(batch.job_ids)
    assert set(read) == set(batch.job_ids)


async def test_what_another_process_has_handed_over_is_told_too(app, cancelled):
    batch = await cancelled(3)
    await app.queue.mark_delivered(batch.job_ids)
    later = await cancelled(2)
    await app.queue.mark_delivered(later.job_ids)

    listener = Listener()
    await run_batch(app, batch, listener, parallel=1)

    assert sorted(listener.told) == sorted(batch.job_ids)


async def test_an_end_that_comes_to_light_after_a_later_one_is_told(app, submit, cancelled):
    batch = await submit(1)
    late = await cancelled(1, "elsewhere")
    await app.queue.cancel(batch.job_ids[0])
    both = Batch(name=NAME, job_ids=(*batch.job_ids, *late.job_ids))

    async def comes_to_light():
        await app.queue.regroup(late.job_ids, NAME)

    listener = Listener(at_first=comes_to_light)
    await run_batch(app, both, listener, parallel=1)

    assert listener.told == [*batch.job_ids, *late.job_ids]


async def test_a_batch_of_nothing_ends(app, submit):
    listener = Listener()
    await run_batch(app, await submit(0), listener, parallel=1)

    assert listener.told == []


async def test_each_research_that_runs_is_told_once(app, submit):
    batch = await submit(3)

    listener = Listener()
    await run_batch(app, batch, listener, parallel=2)

    assert sorted(listener.told) == sorted(batch.job_ids)
    assert (await app.queue.counts(batch=NAME))[JobStatus.PENDING] == 0
