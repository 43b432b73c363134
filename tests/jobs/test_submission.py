"""A batch is submitted once, and taken up again where it was left."""

from __future__ import annotations

from wiseflow.core.jobs import JobRequest
from wiseflow.jobs.submission import submit_or_resume, undelivered


async def test_a_rerun_of_a_command_takes_up_what_was_not_delivered(house):
    requests = [JobRequest(kind="task", payload={"n": n}) for n in range(3)]
    first = await submit_or_resume(house.queue, requests, name="b")
    await house.queue.mark_delivered(first.job_ids[:1])

    again = await submit_or_resume(house.queue, requests, name="b")

    assert not first.resumed
    assert again.resumed
    assert again.job_ids == first.job_ids[1:]
    await house.queue.mark_delivered(again.job_ids)
    anew = await submit_or_resume(house.queue, requests, name="b")
    assert not anew.resumed
    assert set(anew.job_ids).isdisjoint(first.job_ids)


async def test_more_undelivered_jobs_than_one_page_are_all_found(house):
    ids = await house.submit(10_001, batch="b")

    assert [job.job_id for job in await undelivered(house.queue, "b")] == ids
