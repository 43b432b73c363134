"""The handler of jobs of the kind ``research``: payload in, stored report and outcome out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from wiseflow.core.authoring import Author, Retriever
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Configuration, ResearchMode
from wiseflow.core.errors import InvalidInput, NoEvidence, TimeLimit
from wiseflow.core.jobs import Job, JobStatus, Lease, Outcome, StopReason
from wiseflow.core.ports import Branches, ReportStore, SourceReader
from wiseflow.research.asking import from_payload
from wiseflow.research.linear import research_linearly
from wiseflow.research.rendering.json import report_to_text
from wiseflow.research.running import Run, Team

KIND = "research"


class ResearchRun(Run, Protocol):
    """The context that a worker gives a handler."""

    @property
    def job(self) -> Job:
        """The job, as it was when it was claimed."""
        ...


class ResearchHandler:
    """Runs researches.

    Args:
        author: gives the author for a configuration.
        retriever: gives the retriever over a configuration's collection.
        sources: the stored documents that citations are checked against.
        reports: where finished reports go.
        branches: runs what can go on side by side.
        clock: tells how long a run took.
    """

    def __init__(
        self,
        *,
        author: Callable[[Configuration], Author],
        retriever: Callable[[Configuration], Retriever],
        sources: SourceReader,
        reports: ReportStore,
        branches: Branches,
        clock: Clock,
    ) -> None:
        self._author = author
        self._retriever = retriever
        self._sources = sources
        self._reports = reports
        self._branches = branches
        self._clock = clock

    async def __call__(self, run: ResearchRun) -> Outcome:
        """Research the job's question and keep the report, under the job's lease.

        Raises:
            InvalidInput: the payload cannot be used.
            Cancelled: somebody asked for the job to stop.
            LeaseLost: another worker holds the job now; nothing was written.
            TimeLimit: the seconds of its budget are spent.
        """
        question = from_payload(run.job.payload)
        _refuse_what_is_not_here(question.configuration)
        team = Team(
            author=self._author(question.configuration),
            retriever=self._retriever(question.configuration),
            sources=self._sources,
            branches=self._branches,
            clock=self._clock,
        )
        seconds = question.configuration.budget.seconds
        try:
            async with asyncio.timeout(seconds):
                report = await research_linearly(run, run.job.job_id, question, team)
        except TimeoutError:
            raise TimeLimit(
                f"the research took longer than the {seconds:g} seconds of its budget",
                cure="Give it more with --time-limit; finished steps are kept",
            ) from None
        except NoEvidence as error:
            return Outcome(
                status=JobStatus.FAILED,
                stop_reason=StopReason.NO_EVIDENCE,
                error=str(error),
                cost=0.0,
            )
        await self._reports.save(
            _lease(run.job),
            report_to_text(report),
            source_ids=[source.id for source in report.sources],
        )
        return Outcome(status=JobStatus.COMPLETED, cost=report.facts.cost)


def _refuse_what_is_not_here(configuration: Configuration) -> None:
    """Refuse settings that this version would otherwise pass over in silence."""
    if configuration.research_mode is not ResearchMode.LINEAR:
        raise InvalidInput(
            f"configuration.research_mode {configuration.research_mode.value!r} is not there yet",
            cure="Use 'linear'",
        )
    for name in ("planner_model", "writer_model", "researcher_model"):
        if getattr(configuration, name) is not None:
            raise InvalidInput(
                f"configuration.{name} names a model, and this version has none",
                cure="Leave it out: the extractive author then writes from your documents",
            )
    for name in ("include_academic_papers", "academic_sources", "time_range"):
        if getattr(configuration, name):
            raise InvalidInput(
                f"configuration.{name} does not apply to a search of your own documents",
                cure="Leave it out",
            )


def _lease(job: Job) -> Lease:
    return Lease(job_id=job.job_id, owner=job.lease_owner, token=job.lease_token)
