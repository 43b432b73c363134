"""Researches from Python: create, run, watch, cancel, read and delete, one or hundreds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from wiseflow.connector.embedded import EmbeddedResearches
from wiseflow.connector.remote import RemoteResearches
from wiseflow.connector.researches import Researches, ResearchFailed, ResearchMetrics
from wiseflow.core.configuration import Configuration, SearchAPI, TaskPriority
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.settings.loading import Settings, load_settings

__all__ = [
    "ParallelResearchManager",
    "ProposedPlan",
    "ResearchConnector",
    "ResearchFailed",
    "ResearchMetrics",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPlan:
    """The plan of a research that awaits approval.

    Args:
        research_id: to approve it by.
        plan: title, language and sections, each with its title and queries.
    """

    research_id: str
    plan: Mapping[str, object]


class ParallelResearchManager:
    """Creates researches, runs them side by side, and reads what came of them.

    In this process, each call opens the database and closes it, so a manager holds nothing and
    needs no closing. With a service, that one runs the researches, and its settings hold.

    Args:
        settings: what holds; read from the environment, ``.env`` and YAML when ``None``.
        max_concurrent_research: how many run side by side; the setting's when ``None``.
        max_concurrent_tasks: how many things use this machine at once; the setting's when ``None``.
        service: the address of a service that does it all, as ``http://127.0.0.1:8000``; the
            setting ``WISEFLOW_SERVICE_URL`` when "".
        api_key: shown to the service; the setting ``WISEFLOW_API_KEY`` when "".
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        max_concurrent_research: int | None = None,
        max_concurrent_tasks: int | None = None,
        service: str = "",
        api_key: str = "",
    ) -> None:
        self._given = settings
        self._wanted = max_concurrent_research, max_concurrent_tasks
        self._service = service, api_key

    @property
    def max_concurrent_research(self) -> int:
        """How many researches run side by side. It may be set while they run.

        Raises:
            Conflict: a service runs them, and says so.
        """
        return self._researches.max_concurrent_research

    @max_concurrent_research.setter
    def max_concurrent_research(self, value: int) -> None:
        self._researches.max_concurrent_research = value

    @property
    def max_concurrent_tasks(self) -> int:
        """How many things use this machine at once. It may be set while researches run.

        Raises:
            Conflict: a service runs them, and says so.
        """
        return self._researches.max_concurrent_tasks

    @max_concurrent_tasks.setter
    def max_concurrent_tasks(self, value: int) -> None:
        self._researches.max_concurrent_tasks = value

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
        return await self._researches.create_research(
            topic, configuration, priority=priority, tags=tags, metadata=metadata, follows=follows
        )

    async def execute_research(self, *research_ids: str) -> list[Job]:
        """Run researches side by side until all of them have ended; their jobs in the same order.

        One whose plan is to be approved first stops there, and is to be executed again after that.

        Raises:
            NotFound: there is no such research.
        """
        return await self._researches.execute_research(*research_ids)

    async def get_research_plan(self, research_id: str) -> dict[str, object]:
        """The plan that a research works on, or is to work on: title, language and sections.

        Raises:
            NotFound: there is no such research, or it has no plan yet.
        """
        return await self._researches.get_research_plan(research_id)

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
        return await self._researches.approve_research(research_id, plan)

    async def cancel_research(self, research_id: str) -> Job:
        """Cancel a waiting research, or ask a running one to stop; raises ``IllegalTransition``."""
        return await self._researches.cancel_research(research_id)

    async def get_research_status(self, research_id: str) -> Job:
        """The research as it is now. Raises ``NotFound``."""
        return await self._researches.get_research_status(research_id)

    async def get_research_result(self, research_id: str) -> dict[str, object]:
        """The report of a research, as the JSON contract's dict. Raises ``NotFound``."""
        return await self._researches.get_research_result(research_id)

    async def get_all_research(self) -> list[Job]:
        """All researches, the newest first (at most 10,000)."""
        return await self._researches.get_all_research()

    async def get_active_research(self) -> list[Job]:
        """The researches that wait or run."""
        return await self._researches.get_active_research()

    async def get_completed_research(self) -> list[Job]:
        """The researches that ended with a report."""
        return await self._researches.get_completed_research()

    async def delete_research(self, research_id: str) -> None:
        """Erase a research that does not run, its report, and the questions to it.

        Raises:
            NotFound: there is no such research.
            IllegalTransition: it runs, or a question to it does.
        """
        await self._researches.delete_research(research_id)

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
        return await self._researches.ask_report(research_id, question, model=model)

    async def get_questions(self, research_id: str) -> list[Job]:
        """The questions that were asked to a research's report, the newest first."""
        return await self._researches.get_questions(research_id)

    async def get_metrics(self) -> ResearchMetrics:
        """Counts over all researches."""
        return await self._researches.get_metrics()

    async def index(self, *paths: Path | str) -> str:
        """Read files and folders into a collection of their own; its name, for ``Configuration``.

        Raises:
            InvalidInput: a path does not exist.
        """
        return await self._researches.index(*paths)

    @cached_property
    def _researches(self) -> Researches:
        """Where they run; found out at the first call, as settings may be wrong."""
        url, key = self._service
        settings = self._given
        if not url and settings is None:
            settings = load_settings(environ=os.environ, dotenv=Path(".env"))
        if settings is not None:
            url = url or settings.wiseflow_service_url
            key = key or settings.wiseflow_api_key.get_secret_value()
        if url:
            return RemoteResearches(url, api_key=key)
        researches, tasks = self._wanted
        return EmbeddedResearches(
            settings, max_concurrent_research=researches, max_concurrent_tasks=tasks
        )


class ResearchConnector:
    """One research at a time, from a topic to its report.

    Args:
        configuration: of the researches; the defaults when ``None``.
        manager: runs them; one over the settings of the environment when ``None``.
    """

    def __init__(
        self,
        configuration: Configuration | None = None,
        *,
        manager: ParallelResearchManager | None = None,
    ) -> None:
        self._configuration = configuration or Configuration()
        self._manager = manager or ParallelResearchManager()

    async def research(self, topic: str, *, docs: Sequence[Path | str] = ()) -> dict[str, object]:
        """The report on ``topic``, as the JSON contract's dict.

        Args:
            topic: what to research.
            docs: files and folders to research; the configuration's collection when empty.

        Raises:
            InvalidInput: the topic, the configuration or a path cannot be used.
            ResearchFailed: the research ended without a report; the reason is named.
        """
        return await self._ended(await self._created(topic, docs, self._configuration))

    async def plan(self, topic: str, *, docs: Sequence[Path | str] = ()) -> ProposedPlan:
        """The plan of a research on ``topic``, which then waits until it is approved.

        Args:
            topic: what to research.
            docs: as for ``research``.

        Raises:
            InvalidInput: the topic, the configuration or a path cannot be used.
            ResearchFailed: no plan could be made; the reason is named.
        """
        configuration = replace(self._configuration, approve_plan=True)
        research_id = await self._created(topic, docs, configuration)
        [job] = await self._manager.execute_research(research_id)
        if job.status is not JobStatus.AWAITING_APPROVAL:
            raise ResearchFailed(job)
        plan = await self._manager.get_research_plan(research_id)
        return ProposedPlan(research_id=research_id, plan=plan)

    async def approve(
        self, research_id: str, plan: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """The report of a research whose plan was proposed, as the JSON contract's dict.

        Args:
            research_id: of the research.
            plan: to work on, of the form that was proposed; that itself when ``None``.

        Raises:
            IllegalTransition: it does not await approval.
            InvalidInput: something of the plan cannot be used; its place is named.
            ResearchFailed: the research ended without a report; the reason is named.
        """
        await self._manager.approve_research(research_id, plan)
        return await self._ended(research_id)

    async def follow_up(
        self, research_id: str, topic: str, *, docs: Sequence[Path | str] = ()
    ) -> dict[str, object]:
        """The report on ``topic`` that builds on an earlier research, as for ``research``.

        Args:
            research_id: of the earlier research, which has a report.
            topic: what to research now.
            docs: as for ``research``.

        Raises:
            NotFound: the earlier research is not there.
            Conflict: it has no report.
            InvalidInput: the topic, the configuration or a path cannot be used.
            ResearchFailed: the research ended without a report; the reason is named.
        """
        return await self._ended(
            await self._created(topic, docs, self._configuration, follows=research_id)
        )

    async def ask(self, research_id: str, question: str) -> dict[str, object]:
        """The answer to a question to a report; see ``ParallelResearchManager.ask_report``."""
        return await self._manager.ask_report(research_id, question)

    async def _created(
        self,
        topic: str,
        docs: Sequence[Path | str],
        configuration: Configuration,
        *,
        follows: str = "",
    ) -> str:
        if docs:
            configuration = replace(
                configuration,
                search_api=SearchAPI.DOCUMENTS,
                collection=await self._manager.index(*docs),
            )
        return await self._manager.create_research(topic, configuration, follows=follows)

    async def _ended(self, research_id: str) -> dict[str, object]:
        [job] = await self._manager.execute_research(research_id)
        if job.status is not JobStatus.COMPLETED:
            raise ResearchFailed(job)
        return await self._manager.get_research_result(research_id)
