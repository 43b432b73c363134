"""What follows a finished research: questions to its report, follow-ups, and its deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, cast

from wiseflow.app.defaults import Settled
from wiseflow.core.configuration import Configuration, TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput, NotFound
from wiseflow.core.jobs import Job, JobFilter, JobRequest, JobStatus
from wiseflow.core.ports import JobQueue, ReportStore
from wiseflow.core.transitions import Move, after
from wiseflow.research.after import questions
from wiseflow.research.after.questions import ReportQuestion, question_payload, tag_of
from wiseflow.research.asking import clean_topic
from wiseflow.research.handler import KIND

MOST_QUESTIONS = 1_000
MODELS = ("planner_model", "writer_model", "researcher_model")


class Settle(Protocol):
    """Checks a configuration and fills in what it does not name."""

    async def __call__(self, given: Mapping[str, object], *, tenant: str) -> Settled:
        """How a research of a tenant is to be done."""
        ...


class FollowUps:
    """Submits questions to reports, and says which researches others may build on.

    Args:
        queue: where the jobs are.
        reports: where the reports are.
        settle: checks a configuration and fills in what it does not name.
        max_attempts: how often a question is tried.
    """

    def __init__(
        self, *, queue: JobQueue, reports: ReportStore, settle: Settle, max_attempts: int
    ) -> None:
        self._queue = queue
        self._reports = reports
        self._settle = settle
        self._max_attempts = max_attempts

    async def finished(self, prefix: str) -> Job:
        """The one research with a report whose id begins with ``prefix``.

        Raises:
            NotFound: there is none.
            InvalidInput: there are several, or it is a question to a report.
            Conflict: it has no report; its status is named.
        """
        job = await self._queue.get(await self._queue.find(prefix.strip().lower()))
        if job.kind != KIND:
            raise InvalidInput(
                f"{job.job_id} is a {job.kind}, and no research", cure="Name the research itself"
            )
        try:
            await self._reports.get(job.job_id)
        except NotFound:
            raise Conflict(
                f"the research {job.job_id} is {job.status} and has no report",
                cure="Wait until it is completed, or name another",
            ) from None
        return job

    async def submit(
        self, prefix: str, question: str, model: str | None = None, *, submitter: str = ""
    ) -> Job:
        """The job of a question to a report, new or that of the same question asked before.

        One that failed or was cancelled is pending again; its finished steps are kept.

        Args:
            prefix: the first characters of the research's id.
            question: in words.
            model: who answers, ``provider:model`` or ``extractive``; as the research was written
                when ``None``.
            submitter: the id of the API key that asks, or "".

        Raises:
            NotFound: there is no such research.
            Conflict: it has no report.
            InvalidInput: the question cannot be used, or what must stay on this machine would
                leave it.
            ConfigurationError: the model's provider is not set up.
        """
        research = await self.finished(prefix)
        asked = ReportQuestion(
            research_id=research.job_id,
            text=clean_topic(question),
            configuration=await self._configuration(research, model),
        )
        request = replace(self._request(asked, research.tenant), submitter=submitter)
        [job_id] = await self._queue.submit([request])
        job = await self._queue.get(job_id)
        if job.status in {JobStatus.FAILED, JobStatus.CANCELLED}:
            return await self._queue.resume(job_id)
        return job

    async def questions_of(self, research_id: str) -> list[Job]:
        """The questions to a research's report, the newest first (at most 1,000)."""
        return await self._queue.list(
            JobFilter(kind=questions.KIND, tag=tag_of(research_id), limit=MOST_QUESTIONS)
        )

    async def delete(self, job_id: str) -> None:
        """Erase a job, and with a research the questions to its report.

        Raises:
            NotFound: there is no such job.
            IllegalTransition: it or one of them is running.
        """
        job = await self._queue.get(job_id)
        after(job_id, job.status, Move.DELETE)
        for question in await self.questions_of(job_id):
            await self._queue.delete(question.job_id)
        await self._queue.delete(job_id)

    async def _configuration(self, research: Job, model: str | None) -> Configuration:
        """How the research was made, without its budget; a named model has all roles."""
        asked = cast("Mapping[str, object]", research.payload.get("configuration", {}))
        given = {name: asked[name] for name in ("search_api", "collection", "language", *MODELS)}
        if model is not None:
            given |= {**dict.fromkeys(MODELS), "writer_model": model}
        return (await self._settle(given, tenant=research.tenant)).configuration

    def _request(self, asked: ReportQuestion, tenant: str) -> JobRequest:
        key = asked.idempotency_key
        return JobRequest(
            kind=questions.KIND,
            payload=question_payload(asked),
            title=asked.text,
            priority=TaskPriority.HIGH,  # somebody waits for it
            tags=(tag_of(asked.research_id),),
            batch=key,
            idempotency_key=key,
            max_attempts=self._max_attempts,
            tenant=tenant,
        )
