"""The handler of jobs of the kind ``research``: payload in, stored report and outcome out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
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
from wiseflow.core.report import Report
from wiseflow.research.asking import Question, from_payload
from wiseflow.research.graph import research_as_graph
from wiseflow.research.linear import research_linearly
from wiseflow.research.multi_agent import research_by_agents
from wiseflow.research.rendering.json import report_to_text
from wiseflow.research.running import Commission, Run, Team
from wiseflow.research.time_range import read_period

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


class ResearchHandler:
    """Runs researches.

    Args:
        author: gives the author for a research.
        retriever: gives the retriever for a research, which serves no other.
        sources: the stored documents that citations are checked against.
        reports: where finished reports go.
        branches: runs what can go on side by side.
        clock: tells how long a run took.
        context: gives what travels in a run's calls; without it, they spend without bound.
    """

    def __init__(
        self,
        *,
        author: Callable[[Commission], Author],
        retriever: Callable[[Commission], Retriever],
        sources: SourceReader,
        reports: ReportStore,
        branches: Branches,
        clock: Clock,
        context: Callable[[ResearchRun, Configuration], Awaitable[RunContext]] | None = None,
    ) -> None:
        self._author = author
        self._retriever = retriever
        self._sources = sources
        self._reports = reports
        self._branches = branches
        self._clock = clock
        self._context = context or _plain_context

    async def __call__(self, run: ResearchRun) -> Outcome:
        """Research the job's question and keep the report, under the job's lease.

        Raises:
            InvalidInput: the payload cannot be used.
            Cancelled: somebody asked for the job to stop.
            LeaseLost: another worker holds the job now; nothing was written.
            CallError: no plan could be made, or every section is lost.
            TimeLimit: the seconds of its budget are spent.
        """
        question = from_payload(run.job.payload)
        commission = Commission(
            configuration=question.configuration,
            context=await self._context(run, question.configuration),
            lease=_lease(run.job),
            period=read_period(question.configuration.time_range, _asked_on(run.job)),
        )
        try:
            report = await self._report(run, question, commission)
        except NoEvidence as error:
            return _without_report(StopReason.NO_EVIDENCE, error, commission.context)
        except BudgetSpent as error:
            return _without_report(StopReason.BUDGET, error, commission.context)
        await self._reports.save(
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
            author=self._author(commission),
            retriever=self._retriever(commission),
            sources=self._sources,
            branches=self._branches,
            clock=self._clock,
            spent=partial(_totals, commission.context),
        )
        seconds = question.configuration.budget.seconds
        try:
            async with asyncio.timeout(seconds):
                research = MODES[question.configuration.research_mode]
                report = await research(run, run.job.job_id, question, team)
        except TimeoutError:
            raise TimeLimit(
                f"the research took longer than the {seconds:g} seconds of its budget",
                cure="Give it more with --time-limit; finished steps are kept",
            ) from None
        return _with_totals(report, commission.context)


def _without_report(reason: StopReason, error: Exception, context: RunContext) -> Outcome:
    return Outcome(
        status=JobStatus.FAILED, stop_reason=reason, error=str(error), cost=_totals(context).cost
    )


def _totals(context: RunContext) -> Totals:
    return context.spending.totals if context.spending else Totals()


def _with_totals(report: Report, context: RunContext) -> Report:
    """The report with what its run used outside this machine."""
    used = _totals(context)
    facts = replace(report.facts, calls=used.calls, tokens=used.tokens, cost=used.cost)
    return replace(report, facts=facts)


def _asked_on(job: Job) -> date:
    """The day a job was submitted: the last five years are the same whenever it is resumed."""
    return datetime.fromtimestamp(job.created_at, UTC).date()


async def _plain_context(run: ResearchRun, _configuration: Configuration) -> RunContext:
    return RunContext(run_id=run.job.job_id, journal=run.journal, priority=run.job.priority)


def _lease(job: Job) -> Lease:
    return Lease(job_id=job.job_id, owner=job.lease_owner, token=job.lease_token)
