"""What changed since the last run of a recurring research, for one principal."""

from __future__ import annotations

import asyncio

from wiseflow.app.application import Application
from wiseflow.app.service import Service
from wiseflow.core.access import Principal
from wiseflow.core.errors import InvalidInput, NotFound
from wiseflow.core.jobs import Job, JobFilter, JobStatus
from wiseflow.jobs.scheduling import TAG_PREFIX
from wiseflow.research.changing import Changes, changes_between
from wiseflow.research.handler import KIND


class ChangesService:
    """Compares reports of a tenant.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self._service = Service(application, principal)

    async def changes(self, research_id: str, *, since: str = "") -> Changes:
        """What changed in the report of a research.

        Args:
            research_id: of it.
            since: the id of the earlier research; the last completed run of the same schedule
                before it when "".

        Raises:
            NotFound: one of them is not there, has no report, or is the schedule's first.
            InvalidInput: it is of no schedule, and no earlier one is named; or it is the same.
            Forbidden: the principal may not read.
        """
        job = await self._service.research(research_id)
        earlier = await self._service.research(since) if since else await self._run_before(job)
        if earlier.job_id == job.job_id:
            raise InvalidInput(
                f"{job.job_id} cannot be compared with itself", cure="Name an earlier research"
            )
        before = await self._service.report(earlier.job_id)
        after = await self._service.report(job.job_id)
        # Of long reports it takes a moment, which the event loop is not to wait for.
        return await asyncio.to_thread(changes_between, before, after)

    async def _run_before(self, job: Job) -> Job:
        tags = [tag for tag in job.tags if tag.startswith(TAG_PREFIX)]
        if not tags:
            raise InvalidInput(
                f"the research {job.job_id} is of no schedule",
                cure="Name the research to compare it with: since",
            )
        wanted = JobFilter(
            kind=KIND,
            tag=tags[-1],
            statuses=(JobStatus.COMPLETED,),
            tenant=job.tenant,
            after=job.job_id,
            limit=1,
        )
        found = await self._app.queue.list(wanted)
        if not found:
            raise NotFound(
                f"no run of the schedule was completed before the research {job.job_id}",
                cure="There is something to compare after the next run",
            )
        return found[0]
