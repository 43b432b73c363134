"""Researches in this process: each call opens the database, and runs what it is to run itself."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakSet

from pydantic import TypeAdapter

from wiseflow.app import Application, open_application
from wiseflow.connector.batches import Silent, batch_of, run_batch
from wiseflow.connector.researches import (
    ACTIVE,
    MOST_LISTED,
    ResearchFailed,
    ResearchMetrics,
    mean_seconds,
)
from wiseflow.core.configuration import Configuration, TaskPriority
from wiseflow.core.errors import InvalidInput
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobFilter, JobStatus
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.jobs.submission import Batch
from wiseflow.jobs.worker import Worker
from wiseflow.observability.logs import get_logger
from wiseflow.research.asking import from_payload
from wiseflow.research.handler import KIND
from wiseflow.research.plans import plan_to_json
from wiseflow.research.rendering.json import report_to_json
from wiseflow.settings.loading import Settings, load_settings

_log = get_logger(__name__)
_CONFIGURATION: TypeAdapter[Configuration] = TypeAdapter(Configuration)


class EmbeddedResearches:
    """Researches that run in this process; see ``Researches``.

    Each call opens the database and closes it, so a manager holds nothing and needs no closing.

    Args:
        settings: what holds; read from the environment, ``.env`` and YAML when ``None``.
        max_concurrent_research: how many run side by side; the setting's when ``None``.
        max_concurrent_tasks: how many things use this machine at once; the setting's when ``None``.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        max_concurrent_research: int | None = None,
        max_concurrent_tasks: int | None = None,
    ) -> None:
        self._given = settings
        self._wanted = max_concurrent_research
        self._wanted_tasks = max_concurrent_tasks
        self._workers: WeakSet[Worker] = WeakSet()
        self._applications: WeakSet[Application] = WeakSet()

    @property
    def max_concurrent_research(self) -> int:
        """How many researches run side by side. It may be set while they run."""
        return self._wanted or self._settings().max_concurrent_research

    @max_concurrent_research.setter
    def max_concurrent_research(self, value: int) -> None:
        if value < 1:
            raise InvalidInput(f"max_concurrent_research is {value}", cure="Give at least 1")
        self._wanted = value
        for worker in self._workers:
            worker.resize(value)

    @property
    def max_concurrent_tasks(self) -> int:
        """How many things use this machine at once. It may be set while researches run."""
        return self._wanted_tasks or self._settings().max_concurrent_tasks

    @max_concurrent_tasks.setter
    def max_concurrent_tasks(self, value: int) -> None:
        if value < 1:
            raise InvalidInput(f"max_concurrent_tasks is {value}", cure="Give at least 1")
        self._wanted_tasks = value
        for application in self._applications:
            application.resize(value)

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
        asked = configuration or Configuration()
        documents = asked.search_api is None and asked.collection != DEFAULT_COLLECTION
        async with self._application() as app:
            settled = await app.settle(_as_json(asked), documents=documents)
            for note in settled.notes:
                _log.warning("A research is done otherwise than the settings say", why=note)
            earlier = (await app.follow_ups.finished(follows)).job_id if follows else ""
            request = app.research_request(
                topic,
                settled.given,
                follows=earlier,
                priority=priority,
                tags=tags,
                metadata=metadata,
            )
            [research_id] = await app.queue.submit([request])
            return research_id

    async def execute_research(self, *research_ids: str) -> list[Job]:
        """Run researches side by side until all of them have ended; their jobs in the same order.

        One whose plan is to be approved first stops there, and is to be executed again after that.

        Raises:
            NotFound: there is no such research.
        """
        async with self._application() as app:
            batch = Batch(name=f"manager-{new_id()}", job_ids=research_ids)
            for job in [await app.queue.get(research_id) for research_id in research_ids]:
                app.warm(from_payload(job.payload).configuration)
            await app.queue.regroup(research_ids, batch.name)
            await run_batch(
                app,
                batch,
                Silent(),
                parallel=self.max_concurrent_research,
                on_worker=self._workers.add,
            )
            await app.queue.mark_delivered(research_ids)
            return [await app.queue.get(research_id) for research_id in research_ids]

    async def get_research_plan(self, research_id: str) -> dict[str, object]:
        """The plan that a research works on, or is to work on: title, language and sections.

        Raises:
            NotFound: there is no such research, or it has no plan yet.
        """
        async with self._application() as app:
            return plan_to_json(await app.plan_of(research_id))

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
        async with self._application() as app:
            return await app.approve(research_id, plan)

    async def cancel_research(self, research_id: str) -> Job:
        """Cancel a waiting research, or ask a running one to stop; raises ``IllegalTransition``."""
        async with self._application() as app:
            return await app.queue.cancel(research_id)

    async def get_research_status(self, research_id: str) -> Job:
        """The research as it is now. Raises ``NotFound``."""
        async with self._application() as app:
            return await app.queue.get(research_id)

    async def get_research_result(self, research_id: str) -> dict[str, object]:
        """The report of a research, as the JSON contract's dict. Raises ``NotFound``."""
        async with self._application() as app:
            return report_to_json(await app.report(research_id))

    async def get_all_research(self) -> list[Job]:
        """All researches, the newest first (at most 10,000)."""
        return await self._list(())

    async def get_active_research(self) -> list[Job]:
        """The researches that wait or run."""
        return await self._list(ACTIVE)

    async def get_completed_research(self) -> list[Job]:
        """The researches that ended with a report."""
        return await self._list((JobStatus.COMPLETED,))

    async def delete_research(self, research_id: str) -> None:
        """Erase a research that does not run, its report, and the questions to it.

        Raises:
            NotFound: there is no such research.
            IllegalTransition: it runs, or a question to it does.
        """
        async with self._application() as app:
            await app.follow_ups.delete(research_id)

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
        async with self._application() as app:
            job = await app.follow_ups.submit(research_id, question, model)
            await run_batch(app, batch_of(job), Silent(), parallel=1, on_worker=self._workers.add)
            job = await app.queue.get(job.job_id)
            if job.status is not JobStatus.COMPLETED:
                raise ResearchFailed(job)
            return report_to_json(await app.report(job.job_id))

    async def get_questions(self, research_id: str) -> list[Job]:
        """The questions that were asked to a research's report, the newest first."""
        async with self._application() as app:
            return await app.follow_ups.questions_of(research_id)

    async def get_metrics(self) -> ResearchMetrics:
        """Counts over all researches."""
        async with self._application() as app:
            counts = await app.queue.counts()
            newest = await app.queue.list(JobFilter(statuses=(JobStatus.COMPLETED,), kind=KIND))
        return ResearchMetrics(
            total=sum(counts.values()),
            by_status={status.value: count for status, count in counts.items()},
            mean_seconds=mean_seconds(newest),
        )

    async def index(self, *paths: Path | str) -> str:
        """Read files and folders into a collection of their own; its name, for ``Configuration``.

        Raises:
            InvalidInput: a path does not exist.
        """
        async with self._application() as app:
            places = [Path(path) for path in paths]
            name = app.collection_for(places)
            await app.ingest(places, collection=name)
            return name

    async def _list(self, statuses: Sequence[JobStatus]) -> list[Job]:
        async with self._application() as app:
            return await app.queue.list(
                JobFilter(statuses=tuple(statuses), kind=KIND, limit=MOST_LISTED)
            )

    @asynccontextmanager
    async def _application(self) -> AsyncGenerator[Application]:
        async with open_application(self._settings()) as app:
            if self._wanted_tasks is not None:
                app.resize(self._wanted_tasks)
            self._applications.add(app)
            try:
                yield app
            finally:
                self._applications.discard(app)

    def _settings(self) -> Settings:
        if self._given is None:
            self._given = load_settings(environ=os.environ, dotenv=Path(".env"))
        return self._given


def _as_json(configuration: Configuration) -> dict[str, object]:
    dumped: dict[str, object] = _CONFIGURATION.dump_python(configuration, mode="json")
    return dumped
