"""What one principal may do with the program: the one surface of REST, dashboard and assistants.

Each method checks the scope it needs and sees only what is of the principal's tenant: what is
another's is not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Event, Job, JobFilter, JobRequest
from wiseflow.core.report import Report
from wiseflow.research.handler import KIND


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResearch:
    """A research as it is asked for.

    Args:
        topic: what to research.
        configuration: settings of the research as JSON values; the others have their defaults.
        priority: who goes first.
        tags: labels to filter by.
        metadata: the submitter's own data.
        follows: the id of the research that it builds on, or "".
        idempotency_key: two submissions with one key make one research; "" for none.
    """

    topic: str
    configuration: Mapping[str, object] = field(default_factory=dict[str, object])
    priority: TaskPriority = TaskPriority.NORMAL
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    follows: str = ""
    idempotency_key: str = ""


class Service:
    """The program, for one principal.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    async def submit(self, researches: Sequence[NewResearch]) -> list[Job]:
        """Submit researches, all or none; their jobs in order.

        Raises:
            Forbidden: the principal may not run researches.
            InvalidInput: a topic or a setting cannot be used, or what must stay on this machine
                would leave it.
            ConfigurationError: a provider that is named is not set up.
            NotFound: a research to build on is not there.
            Conflict: it has no report.
        """
        self.principal.require(Scope.RUN)
        requests: list[JobRequest] = []
        for one in researches:
            settled = await self._app.settle(
                one.configuration, documents=False, tenant=self.principal.tenant
            )
            if one.follows:
                await self.research(one.follows)
                await self._app.follow_ups.finished(one.follows)
            request = self._app.research_request(
                one.topic,
                settled.given,
                follows=one.follows,
                priority=one.priority,
                tags=one.tags,
                metadata=one.metadata,
            )
            requests.append(
                replace(
                    request,
                    tenant=self.principal.tenant,
                    submitter=self.principal.key_id,
                    idempotency_key=self._own_key(one.idempotency_key),
                )
            )
        ids = await self._app.queue.submit(requests)
        return [await self._app.queue.get(job_id) for job_id in ids]

    async def research(self, research_id: str) -> Job:
        """One research. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.READ)
        job = await self._app.queue.get(research_id)
        if job.tenant != self.principal.tenant or job.kind != KIND:
            raise NotFound(f"there is no research {research_id!r}")
        return job

    async def researches(self, wanted: JobFilter) -> list[Job]:
        """The researches that match, newest first. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        return await self._app.queue.list(replace(wanted, kind=KIND, tenant=self.principal.tenant))

    async def report(self, research_id: str) -> Report:
        """The report of a research. Raises ``NotFound``, ``Forbidden``."""
        return await self._app.report((await self.research(research_id)).job_id)

    async def cancel(self, research_id: str) -> Job:
        """Cancel a research, or ask it to stop; raises as ``JobQueue.cancel``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        return await self._app.queue.cancel((await self.research(research_id)).job_id)

    async def follow_events(self, research_id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """What happens to a research, from the event after number ``after`` until it has ended."""
        job = await self.research(research_id)
        async for event in self._app.follow_events(job.job_id, after=after):
            yield event

    def _own_key(self, key: str) -> str:
        """A key that no other tenant's is equal to."""
        return f"api/{self.principal.tenant}/{key}" if key else ""
