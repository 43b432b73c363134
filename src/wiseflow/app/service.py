"""What one principal may do with the program: the one surface of REST, dashboard and assistants.

Each method checks the scope it needs and sees only what is of the principal's tenant: what is
another's is not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace

from wiseflow.app.application import Application
from wiseflow.app.defaults import Settled
from wiseflow.app.forecasting import Forecast
from wiseflow.core.access import Principal, Scope
from wiseflow.core.authoring import Plan
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.documents import Source
from wiseflow.core.errors import Conflict, NotFound
from wiseflow.core.jobs import Event, Job, JobFilter, JobRequest, JobStatus
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.core.report import Report
from wiseflow.research.after import questions
from wiseflow.research.after.questions import tag_of
from wiseflow.research.asking import from_payload
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

    async def submit(
        self, researches: Sequence[NewResearch], *, request_key: str = ""
    ) -> list[Job]:
        """Submit researches, all or none; their jobs in order.

        Args:
            researches: what is asked for.
            request_key: the same researches under the same key are submitted once; "" for none.

        Raises:
            Forbidden: the principal may not run researches.
            InvalidInput: a topic or a setting cannot be used, what must stay on this machine would
                leave it, or the key was used for other researches.
            ConfigurationError: a provider that is named is not set up.
            NotFound: a research to build on is not there.
            Conflict: it has no report.
        """
        self.principal.require(Scope.RUN)
        requests = [await self._request(one) for one in researches]
        if request_key:
            digest = _fingerprint(researches)
            await self._app.request_keys.bind(self.principal.tenant, request_key, digest)
            requests = [
                replace(one, idempotency_key=self._own_key(f"{request_key} {digest} {number}"))
                for number, one in enumerate(requests)
            ]
        ids = await self._app.queue.submit(requests)
        return [await self._app.queue.get(job_id) for job_id in ids]

    async def estimate(self, research: NewResearch) -> Forecast:
        """What a research would need outside this machine; raises as ``submit``."""
        self.principal.require(Scope.READ)
        await self._request(research)
        return self._app.forecast((await self._settled(research)).configuration)

    async def research(self, research_id: str) -> Job:
        """One research. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.READ)
        try:
            job = await self._app.queue.get(research_id)
        except NotFound:
            raise _no_research(research_id) from None
        if job.tenant != self.principal.tenant or job.kind != KIND:
            raise _no_research(research_id)
        return job

    async def researches(self, wanted: JobFilter) -> list[Job]:
        """The researches that match, newest first. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        return await self._app.queue.list(replace(wanted, kind=KIND, tenant=self.principal.tenant))

    async def report(self, research_id: str) -> Report:
        """The report of a research.

        Raises:
            NotFound: there is no such research.
            Conflict: it has no report; why is told.
            Forbidden: the principal may not read.
        """
        return await self._report_of(await self.research(research_id))

    def wants_drawings(self, job: Job) -> bool:
        """Whether whoever asked for a research wants drawings in its report."""
        return from_payload(job.payload).configuration.visualization

    async def source(self, research_id: str, source_id: str) -> Source:
        """A source that the report of a research names; raises as ``report``."""
        report = await self.report(research_id)
        if all(one.id != source_id for one in report.sources):
            raise NotFound(f"the report of {research_id} names no source {source_id!r}")
        return await self._app.documents_of(self.principal.tenant).source(source_id)

    async def cancel(self, research_id: str) -> Job:
        """Cancel a research, or ask it to stop; raises as ``JobQueue.cancel``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        return await self._app.queue.cancel((await self.research(research_id)).job_id)

    async def resume(self, research_id: str) -> Job:
        """Let an ended research go on; raises as ``JobQueue.resume``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        return await self._app.queue.resume((await self.research(research_id)).job_id)

    async def delete(self, research_id: str) -> None:
        """Erase a research with what it made; raises as ``FollowUps.delete``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        await self._app.follow_ups.delete((await self.research(research_id)).job_id)

    async def plan(self, research_id: str) -> Plan:
        """The plan of a research. Raises ``NotFound``, ``Forbidden``."""
        return await self._app.plan_of((await self.research(research_id)).job_id)

    async def approve(self, research_id: str, plan: object = None) -> Job:
        """Let a research go on with its plan or another; raises as ``Plans.approve``."""
        self.principal.require(Scope.RUN)
        return await self._app.approve((await self.research(research_id)).job_id, plan)

    async def ask(self, research_id: str, question: str, model: str | None = None) -> Job:
        """The job of a question to a report; raises as ``FollowUps.submit``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        research = await self.research(research_id)
        return await self._app.follow_ups.submit(
            research.job_id, question, model, submitter=self.principal.key_id
        )

    async def questions(self, research_id: str) -> list[Job]:
        """The questions to a research's report, newest first. Raises ``NotFound``."""
        return await self._app.follow_ups.questions_of((await self.research(research_id)).job_id)

    async def question(self, research_id: str, question_id: str) -> Job:
        """One question to a research's report. Raises ``NotFound``."""
        research = await self.research(research_id)
        try:
            job = await self._app.queue.get(question_id)
        except NotFound:
            job = None
        if job is None or job.kind != questions.KIND or tag_of(research.job_id) not in job.tags:
            raise NotFound(f"there is no question {question_id!r} to {research_id}")
        return job

    async def answer(self, question: Job) -> Report | None:
        """The answer to a question that ``question`` gave; ``None`` while there is none."""
        try:
            return await self._app.report(question.job_id)
        except NotFound:
            return None

    async def follow_events(self, research_id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """What happens to a research, from the event after number ``after`` until it has ended."""
        job = await self.research(research_id)
        async for event in self._app.follow_events(job.job_id, after=after):
            yield event

    async def follow(
        self, research_id: str, *, after: int = 0
    ) -> AsyncGenerator[tuple[Sequence[Event], JobStatus]]:
        """The same, as much at a time as there is; see ``Following.batches``."""
        job = await self.research(research_id)
        async with aclosing(self._app.following.batches(job.job_id, after=after)) as batches:
            async for batch in batches:
                yield batch

    async def _request(self, research: NewResearch) -> JobRequest:
        """The job of a research, of the principal's tenant; raises as ``submit``."""
        settled = await self._settled(research)
        if research.follows:
            earlier = await self.research(research.follows)
            await self._report_of(earlier)
        request = self._app.research_request(
            research.topic,
            settled.given,
            follows=research.follows,
            priority=research.priority,
            tags=research.tags,
            metadata=research.metadata,
        )
        return replace(
            request,
            tenant=self.principal.tenant,
            submitter=self.principal.key_id,
            idempotency_key=self._own_key(research.idempotency_key),
        )

    async def _settled(self, research: NewResearch) -> Settled:
        """The configuration of a research; a collection is one of the principal's tenant."""
        given = research.configuration
        named = given.get("collection", DEFAULT_COLLECTION)
        documents = given.get("search_api") is None and named != DEFAULT_COLLECTION
        return await self._app.settle(given, documents=documents, tenant=self.principal.tenant)

    async def _report_of(self, job: Job) -> Report:
        try:
            return await self._app.report(job.job_id)
        except NotFound:
            reason = f": {job.error}" if job.error else ""
            raise Conflict(
                f"the research {job.job_id} is {job.status} and has no report{reason}",
                cure="" if job.status.final else "Wait until it is completed",
            ) from None

    def _own_key(self, key: str) -> str:
        """A key that no other tenant's is equal to, whatever the two are."""
        if not key:
            return ""
        whole = json.dumps([self.principal.tenant, key])
        return f"api/{hashlib.sha256(whole.encode()).hexdigest()}"


def _no_research(research_id: str) -> NotFound:
    return NotFound(f"there is no research {research_id!r}")


def _fingerprint(researches: Sequence[NewResearch]) -> str:
    whole = json.dumps([asdict(one) for one in researches], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()
