"""What can be done with researches, wherever they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wiseflow.core.configuration import Configuration, TaskPriority
from wiseflow.core.errors import WiseflowError
from wiseflow.core.jobs import Job, JobStatus

ACTIVE = (JobStatus.AWAITING_APPROVAL, JobStatus.PENDING, JobStatus.RUNNING)
MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchMetrics:
    """Counts over all researches in the database.

    Args:
        total: how many there are.
        by_status: how many of each status.
        mean_seconds: how long the newest completed ones ran, on average; 0.0 when there are none.
    """

    total: int
    by_status: Mapping[str, int]
    mean_seconds: float


class Researches(Protocol):
    """Creates researches, has them run, and reads what came of them."""

    @property
    def max_concurrent_research(self) -> int:
        """How many researches run side by side. It may be set while they run."""
        ...

    @max_concurrent_research.setter
    def max_concurrent_research(self, value: int) -> None: ...

    @property
    def max_concurrent_tasks(self) -> int:
        """How many things use this machine at once. It may be set while researches run."""
        ...

    @max_concurrent_tasks.setter
    def max_concurrent_tasks(self, value: int) -> None: ...

    async def create_research(
        self,
        topic: str,
        configuration: Configuration | None = None,
        *,
        priority: TaskPriority = TaskPriority.NORMAL,
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
        follows: str = "",
    ) -> str:
        """Submit a research; its id. It runs when it is executed, or when a worker takes it.

        ``follows`` is the id of an earlier research to build on: its sources are searched first.

        Where the configuration names no model and no search, it gets those that are set up; where a
        collection is named, that is searched.

        Raises:
            InvalidInput: the topic or the configuration cannot be used, or what must stay on this
                machine would leave it.
            ConfigurationError: a provider that is named is not set up.
            NotFound: the earlier research is not there.
            Conflict: the earlier research has no report.
        """
        ...

    async def execute_research(self, *research_ids: str) -> list[Job]:
        """Run researches side by side until all of them have ended; their jobs in the same order.

        One whose plan is to be approved first stops there, and is to be executed again after that.

        Raises:
            NotFound: there is no such research.
        """
        ...

    async def get_research_plan(self, research_id: str) -> dict[str, object]:
        """The plan that a research works on, or is to work on: title, language and sections.

        Raises:
            NotFound: there is no such research, or it has no plan yet.
        """
        ...

    async def approve_research(
        self, research_id: str, plan: Mapping[str, object] | None = None
    ) -> Job:
        """Let a research that awaits approval go on; it is then to be executed.

        Args:
            research_id: of the research.
            plan: to work on, of the form that ``get_research_plan`` gives; its own when ``None``.

        Raises:
            NotFound: there is no such research.
            IllegalTransition: it does not await approval.
            InvalidInput: something of the plan cannot be used; its place is named.
        """
        ...

    async def cancel_research(self, research_id: str) -> Job:
        """Cancel a waiting research, or ask a running one to stop; raises ``IllegalTransition``."""
        ...

    async def get_research_status(self, research_id: str) -> Job:
        """The research as it is now. Raises ``NotFound``."""
        ...

    async def get_research_result(self, research_id: str) -> dict[str, object]:
        """The report of a research, as the JSON contract's dict. Raises ``NotFound``."""
        ...

    async def get_all_research(self) -> list[Job]:
        """All researches, the newest first (at most 10,000)."""
        ...

    async def get_active_research(self) -> list[Job]:
        """The researches that wait or run."""
        ...

    async def get_completed_research(self) -> list[Job]:
        """The researches that ended with a report."""
        ...

    async def delete_research(self, research_id: str) -> None:
        """Erase a research that does not run, its report, and the questions to it.

        Raises:
            NotFound: there is no such research.
            IllegalTransition: it runs, or a question to it does.
        """
        ...

    async def ask_report(
        self, research_id: str, question: str, *, model: str | None = None
    ) -> dict[str, object]:
        """The answer to a question to a report, from the sources that its research read.

        The same question again gives the same answer, and costs nothing.

        Args:
            research_id: of a completed research.
            question: in words.
            model: who answers; as the research was written when ``None``.

        Returns:
            A report of one section, as the JSON contract's dict; of no section, with the reason
            under ``not_found``, when the sources do not hold it.

        Raises:
            NotFound: there is no such research.
            Conflict: it has no report.
            InvalidInput: the question cannot be used.
            ResearchFailed: it could not be answered; the reason is named.
        """
        ...

    async def get_questions(self, research_id: str) -> list[Job]:
        """The questions that were asked to a research's report, the newest first."""
        ...

    async def get_metrics(self) -> ResearchMetrics:
        """Counts over all researches."""
        ...

    async def index(self, *paths: Path | str) -> str:
        """Read files and folders into a collection of their own; its name, for ``Configuration``.

        Raises:
            InvalidInput: a path does not exist.
        """
        ...


def mean_seconds(jobs: Sequence[Job]) -> float:
    """How long jobs ran on average, those that ran; 0.0 when there are none."""
    seconds = [
        job.completed_at - job.started_at for job in jobs if job.completed_at and job.started_at
    ]
    return sum(seconds) / len(seconds) if seconds else 0.0


class ResearchFailed(WiseflowError):
    """A research ended without a report.

    Args:
        job: the research; ``job.stop_reason`` and ``job.error`` say why.
    """

    http_status = 422

    def __init__(self, job: Job) -> None:
        waits = job.status is JobStatus.AWAITING_APPROVAL
        super().__init__(
            job.error or f"the research {job.job_id} is {job.status}",
            cure="Make it with `plan`, then `approve` it" if waits else "",
        )
        self.job = job
