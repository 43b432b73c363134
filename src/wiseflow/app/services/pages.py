"""What the dashboard reads and does with researches, for one principal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from wiseflow.app.application import Application
from wiseflow.app.forecasting import Forecast
from wiseflow.app.service import NewResearch, Service
from wiseflow.core.access import Principal, Scope
from wiseflow.core.authoring import Draft, Plan
from wiseflow.core.configuration import Configuration
from wiseflow.core.errors import NotFound
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Event, Job, JobFilter, JobStatus
from wiseflow.core.report import Report
from wiseflow.jobs.codec import codec
from wiseflow.research.asking import from_payload
from wiseflow.research.estimating import kind_of

EVENTS_AT_ONCE = 1_000
MOST_EVENTS = 10_000
MOST_ACTIVE = 1_000
# A stream ends after a while, and is asked for anew: none is kept open for a reader who is gone.
MOST_LOOKS = 2_000
# A draft, its mended form, and those of a critic's rounds.
_DRAFT = re.compile(r"(?:sections|rounds/\d+)/\d+/(?:draft|held)")
ACTIVE = (JobStatus.RUNNING, JobStatus.AWAITING_APPROVAL, JobStatus.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """That a research is not as it was.

    Args:
        number: of its last event.
        ended: whether nothing more will come.
    """

    number: int
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question to a report, with its answer where there is one."""

    job: Job
    answer: Report | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What one research of a configuration will take.

    Args:
        configuration: with its defaults.
        forecast: what it needs outside this machine.
        seconds: half of such researches took no longer; ``None`` while too little is known.
        at_once: how many researches run side by side in one process.
        notes: what was chosen otherwise than the settings say.
    """

    configuration: Configuration
    forecast: Forecast
    seconds: float | None
    at_once: int
    notes: tuple[str, ...]


class ResearchPages:
    """Researches as the dashboard shows them.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.service = Service(application, principal)
        self.principal = principal

    async def active(self) -> list[Job]:
        """The researches that have not ended, newest first; at most 1,000."""
        return await self.service.researches(JobFilter(statuses=ACTIVE, limit=MOST_ACTIVE))

    async def recent(self, limit: int, *, statuses: tuple[JobStatus, ...] = ()) -> list[Job]:
        """The newest researches."""
        return await self.service.researches(JobFilter(statuses=statuses, limit=limit))

    async def ended_since(self, since: float, *, limit: int) -> list[Job]:
        """The researches that ended at or after a time, in seconds since the epoch."""
        return await self.service.researches(JobFilter(completed_since=since, limit=limit))

    async def events(self, research_id: str) -> list[Event]:
        """All that happened to a research, at most 10,000 events. Raises ``NotFound``."""
        job_id = (await self.service.research(research_id)).job_id
        found: list[Event] = []
        while len(found) < MOST_EVENTS:
            after = found[-1].number if found else 0
            part = await self._app.events.events(job_id, after=after, limit=EVENTS_AT_ONCE)
            found += part
            if len(part) < EVENTS_AT_ONCE:
                break
        return found

    async def changes(self, research_id: str, *, after: int) -> AsyncIterator[Change]:
        """Tells, a few times a second at most, that something happened to a research.

        Args:
            research_id: which.
            after: the number of the last event that is known already.
        """
        seen: JobStatus | None = None
        looks = 0
        async with aclosing(self.service.follow(research_id, after=after)) as batches:
            async for events, status in batches:
                looks += 1
                after = events[-1].number if events else after
                if events or status is not seen:
                    yield Change(number=after, ended=status.final)
                if status.final or looks >= MOST_LOOKS:
                    return
                seen = status

    async def drafts(self, research_id: str) -> Mapping[int, Draft]:
        """What is written so far, by the place of its section in the plan."""
        job = await self.service.research(research_id)
        steps = await self._app.steps.steps(job.job_id)
        found: dict[int, Draft] = {}
        for key in sorted(filter(_DRAFT.fullmatch, steps), key=_order):
            draft: Draft = codec(Draft).decode(steps[key])
            if draft.claims:
                found[int(key.split("/")[-2])] = draft
        return found

    async def report(self, research_id: str) -> Report | None:
        """The report of a research; ``None`` while it has none. Raises ``NotFound``."""
        job = await self.service.research(research_id)
        try:
            return await self._app.report(job.job_id)
        except NotFound:
            return None

    async def plan(self, research_id: str) -> Plan | None:
        """The plan of a research; ``None`` while it has none. Raises ``NotFound``."""
        job = await self.service.research(research_id)
        try:
            return await self._app.plan_of(job.job_id)
        except NotFound:
            return None

    async def answers(self, research_id: str) -> list[Asked]:
        """The questions to a report, newest first. Raises ``NotFound``."""
        job = await self.service.research(research_id)
        found = await self._app.follow_ups.questions_of(job.job_id)
        return [Asked(job=one, answer=await self._answer(one)) for one in found]

    async def approve(self, research_id: str, plan: object) -> Job:
        """Let a research go on with a plan. Raises as ``Application.approve``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        job = await self.service.research(research_id)
        return await self._app.approve(job.job_id, plan)

    async def resume(self, research_id: str) -> Job:
        """Go on with one that failed or was cancelled. Raises as ``JobQueue.resume``."""
        self.principal.require(Scope.RUN)
        job = await self.service.research(research_id)
        return await self._app.queue.resume(job.job_id)

    async def delete(self, research_id: str) -> None:
        """Erase a research. Raises as ``FollowUps.delete``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        job = await self.service.research(research_id)
        await self._app.follow_ups.delete(job.job_id)

    async def ask(self, research_id: str, question: str) -> Job:
        """Ask a report. Raises as ``FollowUps.submit``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        job = await self.service.research(research_id)
        return await self._app.follow_ups.submit(job.job_id, question)

    async def submit(self, researches: Sequence[NewResearch], *, batch: str) -> list[Job]:
        """Submit researches, once however often one form is sent.

        Args:
            researches: what is asked for.
            batch: names the form that was sent; see ``new_batch``.
        """
        keyed = [
            replace(one, idempotency_key=f"{batch}/{place}" if batch else "")
            for place, one in enumerate(researches)
        ]
        return await self.service.submit(keyed)

    @staticmethod
    def new_batch() -> str:
        """A name for a form that is about to be shown."""
        return new_id()

    async def expect(self, configuration: Mapping[str, object]) -> Expectation:
        """What one research will take. Raises as ``Application.settle``."""
        settled = await self._app.settle(
            configuration, documents=False, tenant=self.principal.tenant
        )
        chosen = settled.configuration
        known = self._app.predictor.estimate(kind_of(chosen))
        return Expectation(
            configuration=chosen,
            forecast=self._app.forecast(chosen),
            seconds=known.p50_s if known else None,
            at_once=self._app.max_concurrent_research,
            notes=settled.notes,
        )

    async def _answer(self, job: Job) -> Report | None:
        return await self._app.report(job.job_id) if job.status is JobStatus.COMPLETED else None


def configuration_of(job: Job) -> Configuration:
    """How a research was asked for. Raises ``InvalidInput`` when its payload cannot be read."""
    return from_payload(job.payload).configuration


def _order(step_key: str) -> tuple[bool, str]:
    """The later form of a section last: rounds after first drafts, "held" after "draft"."""
    return step_key.startswith("rounds"), step_key
