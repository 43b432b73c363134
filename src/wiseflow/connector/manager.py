"""Researches from Python: create, run, watch, cancel, read and delete, one or hundreds."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakSet

from pydantic import TypeAdapter

from wiseflow.app import Application, open_application
from wiseflow.connector.batches import Moment, run_batch
from wiseflow.core.configuration import Configuration, SearchAPI, TaskPriority
from wiseflow.core.errors import InvalidInput, WiseflowError
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobFilter, JobStatus
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.jobs.submission import Batch
from wiseflow.jobs.worker import Worker
from wiseflow.observability.logs import get_logger
from wiseflow.research.asking import from_payload
from wiseflow.research.rendering.json import report_to_json
from wiseflow.settings.loading import Settings, load_settings

ACTIVE = (JobStatus.AWAITING_APPROVAL, JobStatus.PENDING, JobStatus.RUNNING)
MOST_LISTED = 10_000
_log = get_logger(__name__)
_CONFIGURATION: TypeAdapter[Configuration] = TypeAdapter(Configuration)


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


class ParallelResearchManager:
    """Creates researches, runs them side by side, and reads what came of them.

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
    ) -> str:
        """Submit a research; its id. It runs when it is executed, or when a worker takes it.

        Where the configuration names no model and no search, it gets those that are set up; where a
        collection is named, that is searched.

        Raises:
            InvalidInput: the topic or the configuration cannot be used, or what must stay on this
                machine would leave it.
            ConfigurationError: a provider that is named is not set up.
        """
        asked = configuration or Configuration()
        documents = asked.search_api is None and asked.collection != DEFAULT_COLLECTION
        async with self._application() as app:
            settled = await app.settle(_as_json(asked), documents=documents)
            for note in settled.notes:
                _log.warning("A research is done otherwise than the settings say", why=note)
            request = app.research_request(
                topic, settled.given, priority=priority, tags=tags, metadata=metadata
            )
            [research_id] = await app.queue.submit([request])
            return research_id

    async def execute_research(self, *research_ids: str) -> list[Job]:
        """Run researches side by side until all of them have ended; their jobs in the same order.

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
                _Silent(),
                parallel=self.max_concurrent_research,
                on_worker=self._workers.add,
            )
            await app.queue.mark_delivered(research_ids)
            return [await app.queue.get(research_id) for research_id in research_ids]

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
        """Erase a research that does not run, with its report; raises ``IllegalTransition``."""
        async with self._application() as app:
            await app.queue.delete(research_id)

    async def get_metrics(self) -> ResearchMetrics:
        """Counts over all researches."""
        async with self._application() as app:
            counts = await app.queue.counts()
            newest = await app.queue.list(JobFilter(statuses=(JobStatus.COMPLETED,)))
        seconds = [
            job.completed_at - job.started_at
            for job in newest
            if job.completed_at and job.started_at
        ]
        return ResearchMetrics(
            total=sum(counts.values()),
            by_status={status.value: count for status, count in counts.items()},
            mean_seconds=sum(seconds) / len(seconds) if seconds else 0.0,
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
            return await app.queue.list(JobFilter(statuses=tuple(statuses), limit=MOST_LISTED))

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
        configuration = self._configuration
        if docs:
            configuration = replace(
                configuration,
                search_api=SearchAPI.DOCUMENTS,
                collection=await self._manager.index(*docs),
            )
        research_id = await self._manager.create_research(topic, configuration)
        [job] = await self._manager.execute_research(research_id)
        if job.status is not JobStatus.COMPLETED:
            raise ResearchFailed(job)
        return await self._manager.get_research_result(research_id)


class ResearchFailed(WiseflowError):
    """A research ended without a report.

    Args:
        job: the research; ``job.stop_reason`` and ``job.error`` say why.
    """

    http_status = 422

    def __init__(self, job: Job) -> None:
        super().__init__(job.error or f"the research {job.job_id} is {job.status}")
        self.job = job


class _Silent:
    """Listens to a batch and says nothing."""

    details = False

    async def ended(self, job: Job) -> None:
        """Nothing to tell."""

    def moment(self, moment: Moment) -> None:
        """Nothing to show."""


def _as_json(configuration: Configuration) -> dict[str, object]:
    dumped: dict[str, object] = _CONFIGURATION.dump_python(configuration, mode="json")
    return dumped
