"""The handler of jobs of the kind ``research``: payload in, stored report and outcome out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Protocol

from wiseflow.core.authoring import Author, Retriever
from wiseflow.core.calls import RunContext, Totals
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Configuration, ResearchMode
from wiseflow.core.errors import BudgetSpent, NoEvidence, TimeLimit
from wiseflow.core.jobs import Job, JobStatus, Lease, Outcome, StopReason
from wiseflow.core.ports import Branches, ReportStore, SourceReader
from wiseflow.core.report import BuildsOn, Report
from wiseflow.research.approving import ApprovalNeeded
from wiseflow.research.asking import Question, from_payload
from wiseflow.research.earlier import EARLIER_STEP, Findings, Known
from wiseflow.research.estimating import Durations, EstimatedRun, Unknown
from wiseflow.research.graph import research_as_graph
from wiseflow.research.linear import research_linearly
from wiseflow.research.multi_agent import research_by_agents
from wiseflow.research.rendering.json import report_to_text
from wiseflow.research.running import Commission, Run, Team
from wiseflow.research.time_range import ALWAYS, Period, read_period

KIND = "research"
MODES = {
    ResearchMode.LINEAR: research_linearly,
    ResearchMode.GRAPH: research_as_graph,
    ResearchMode.MULTI_AGENT: research_by_agents,
}


class ResearchRun(Run, Protocol):
    """The context that a worker gives a handler."""

    @property
    def job(self) -> Job:
        """The job, as it was when it was claimed."""
        ...

    @property
    def deadline(self) -> float | None:
        """When it must be done, on the clock's monotonic time; ``None`` for no limit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchTeam:
    """Who does researches.

    Args:
        author: gives the author for a research.
        retriever: gives the retriever for a research, which serves no other.
        sources: the stored documents that citations are checked against.
        reports: where finished reports go.
        branches: runs what can go on side by side.
        clock: tells how long a run took.
        context: gives what travels in a run's calls; without it, they spend without bound.
        findings: takes up the research that another builds on.
        durations: learns how long researches take, to be told while they run.
    """

    author: Callable[[Commission], Author]
    retriever: Callable[[Commission], Retriever]
    sources: SourceReader
    reports: ReportStore
    branches: Branches
    clock: Clock
    context: Callable[[ResearchRun, Configuration], Awaitable[RunContext]] | None = None
    findings: Findings | None = None
    durations: Durations | None = None


class ResearchHandler:
    """Runs researches.

    Args:
        team: who does the work.
    """

    def __init__(self, team: ResearchTeam) -> None:
        self._team = team
        self._context = team.context or _plain_context

    async def __call__(self, run: ResearchRun) -> Outcome:
        """Research the job's question and keep the report, under the job's lease.

        Raises:
            InvalidInput: the payload cannot be used.
            NotFound: the research that it builds on is deleted.
            Cancelled: somebody asked for the job to stop.
            LeaseLost: another worker holds the job now; nothing was written.
            CallError: no plan could be made, or every section is lost.
            TimeLimit: the seconds of its budget are spent.
        """
        question = from_payload(run.job.payload)
        commission = commissioned(
            question.configuration,
            await self._context(run, question.configuration),
            lease_of(run.job),
            await self._earlier(run, question),
            read_period(question.configuration.time_range, _asked_on(run.job)),
        )
        try:
            report = await self._report(run, question, commission)
        except ApprovalNeeded:
            spent = totals_of(commission.context)
            return Outcome(status=JobStatus.AWAITING_APPROVAL, cost=spent.cost)
        except NoEvidence as error:
            return _without_report(StopReason.NO_EVIDENCE, error, commission.context)
        except BudgetSpent as error:
            return _without_report(StopReason.BUDGET, error, commission.context)
        await self._team.reports.save(
            commission.lease,
            report_to_text(report),
            source_ids=[source.id for source in report.sources],
        )
        return Outcome(
            status=JobStatus.COMPLETED,
            partial=report.facts.partial,
            stop_reason=report.facts.stop_reason,
            cost=report.facts.cost,
        )

    async def _report(self, run: ResearchRun, question: Question, commission: Commission) -> Report:
        """The report, made within the seconds of its budget. Raises as ``__call__``."""
        team = Team(
            author=self._team.author(commission),
            retriever=self._team.retriever(commission),
            sources=self._team.sources,
            branches=self._team.branches,
            clock=self._team.clock,
            spent=partial(totals_of, commission.context),
        )
        seconds = question.configuration.budget.seconds
        timed = EstimatedRun(
            run,
            durations=self._team.durations or Unknown(),
            clock=self._team.clock,
            configuration=question.configuration,
        )
        try:
            async with asyncio.timeout(seconds):
                research = MODES[question.configuration.research_mode]
                report = await research(timed, run.job.job_id, question, team)
        except TimeoutError:
            raise TimeLimit(
                f"the research took longer than the {seconds:g} seconds of its budget",
                cure="Give it more with --time-limit; finished steps are kept",
            ) from None
        timed.completed()
        return with_earlier(with_totals(report, commission.context), commission.earlier)

    async def _earlier(self, run: ResearchRun, question: Question) -> Known | None:
        """What the research builds on, taken up once; ``None`` when it builds on nothing."""
        findings, follows = self._team.findings, question.follows
        if findings is None or not follows:
            return None

        async def take_up() -> Known:
            known = await findings.take_up(follows, lease_of(run.job), tenant=run.job.tenant)
            await run.emit(
                "earlier",
                {"research": follows, "title": known.title, "known_sources": len(known.source_ids)},
            )
            return known

        return await run.journal.once(EARLIER_STEP, take_up, Known)


def commissioned(
    configuration: Configuration,
    context: RunContext,
    lease: Lease,
    earlier: Known | None,
    period: Period = ALWAYS,
) -> Commission:
    """What the makers of a team get to know; private sources keep all calls on this machine."""
    if earlier is not None and earlier.private:
        context = replace(context, local_only=True)
    return Commission(
        configuration=configuration, context=context, lease=lease, earlier=earlier, period=period
    )


def with_earlier(report: Report, earlier: Known | None) -> Report:
    """The report, saying what it builds on."""
    if earlier is None:
        return report
    cited = {source.id for source in report.sources}.intersection(earlier.source_ids)
    told = BuildsOn(research_id=earlier.research_id, title=earlier.title, sources=len(cited))
    return replace(report, facts=replace(report.facts, builds_on=told))


def _without_report(reason: StopReason, error: Exception, context: RunContext) -> Outcome:
    return Outcome(
        status=JobStatus.FAILED, stop_reason=reason, error=str(error), cost=totals_of(context).cost
    )


def totals_of(context: RunContext) -> Totals:
    """What a run has used so far, outside this machine."""
    return context.spending.totals if context.spending else Totals()


def with_totals(report: Report, context: RunContext) -> Report:
    """The report with what its run used outside this machine."""
    used = totals_of(context)
    facts = replace(report.facts, calls=used.calls, tokens=used.tokens, cost=used.cost)
    return replace(report, facts=facts)


def _asked_on(job: Job) -> date:
    """The day a job was submitted: the last five years are the same whenever it is resumed."""
    return datetime.fromtimestamp(job.created_at, UTC).date()


async def _plain_context(run: ResearchRun, _configuration: Configuration) -> RunContext:
    return RunContext(run_id=run.job.job_id, journal=run.journal, priority=run.job.priority)


def lease_of(job: Job) -> Lease:
    """The right to write that a claimed job has."""
    return Lease(job_id=job.job_id, owner=job.lease_owner, token=job.lease_token)
