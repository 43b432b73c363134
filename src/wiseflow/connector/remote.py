"""Researches in a service: what is asked for is asked of that one over REST."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

from wiseflow.client.client import Client
from wiseflow.connector.researches import (
    ACTIVE,
    MOST_LISTED,
    ResearchFailed,
    ResearchMetrics,
    mean_seconds,
)
from wiseflow.connector.uploading import bring_up
from wiseflow.core.configuration import Configuration, TaskPriority
from wiseflow.core.errors import Conflict, NotFound
from wiseflow.core.jobs import Job, JobStatus

PAGE = 500
LOOK_S = 0.25
NEWEST = 100


class RemoteResearches:
    """Researches that a service runs; see ``Researches``.

    Args:
        url: of the service.
        api_key: shown to it, unless "".
    """

    def __init__(self, url: str, *, api_key: str = "") -> None:
        self._url = url
        self._api_key = api_key

    @property
    def max_concurrent_research(self) -> int:
        """Not told by a service. Raises ``Conflict``."""
        self._refuse()

    @max_concurrent_research.setter
    def max_concurrent_research(self, value: int) -> None:
        del value
        self._refuse()

    @property
    def max_concurrent_tasks(self) -> int:
        """Not told by a service. Raises ``Conflict``."""
        self._refuse()

    @max_concurrent_tasks.setter
    def max_concurrent_tasks(self, value: int) -> None:
        del value
        self._refuse()

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
        """Submit a research; its id. A worker of the service takes it at once."""
        async with self._client() as client:
            job = await client.submit_research(
                topic,
                configuration or Configuration(),
                follows=follows,
                priority=priority.value,
                tags=list(tags),
                metadata=dict(metadata or {}),
            )
            return job.job_id

    async def execute_research(self, *research_ids: str) -> list[Job]:
        """Wait until all have ended, or await approval; their jobs in the same order."""
        async with self._client() as client:
            for research_id in research_ids:
                await client.get_research(research_id)
            return [await client.wait(research_id) for research_id in research_ids]

    async def get_research_plan(self, research_id: str) -> dict[str, object]:
        """The plan of a research."""
        async with self._client() as client:
            return await client.get_plan(research_id)

    async def approve_research(
        self, research_id: str, plan: Mapping[str, object] | None = None
    ) -> Job:
        """Let a research that awaits approval go on."""
        async with self._client() as client:
            return await client.approve_plan(research_id, plan)

    async def cancel_research(self, research_id: str) -> Job:
        """Cancel a waiting research, or ask a running one to stop."""
        async with self._client() as client:
            return await client.cancel_research(research_id)

    async def get_research_status(self, research_id: str) -> Job:
        """The research as it is now."""
        async with self._client() as client:
            return await client.get_research(research_id)

    async def get_research_result(self, research_id: str) -> dict[str, object]:
        """The report of a research."""
        async with self._client() as client:
            try:
                return await client.get_result(research_id)
            except Conflict as error:  # it is there, and its report is not
                raise NotFound(error.message, cure=error.cure) from None

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
        """Erase a research that does not run."""
        async with self._client() as client:
            await client.delete_research(research_id)

    async def ask_report(
        self, research_id: str, question: str, *, model: str | None = None
    ) -> dict[str, object]:
        """The answer to a question to a report."""
        async with self._client() as client:
            asked = await client.ask_report(research_id, question, model=model)
            while not asked.job.status.final:
                await asyncio.sleep(LOOK_S)
                asked = await client.get_question(research_id, asked.job.job_id)
            if asked.answer is None:
                raise ResearchFailed(asked.job)
            return dict(asked.answer)

    async def get_questions(self, research_id: str) -> list[Job]:
        """The questions that were asked to a research's report, the newest first."""
        async with self._client() as client:
            return await client.list_questions(research_id)

    async def get_metrics(self) -> ResearchMetrics:
        """Counts over the researches (the newest 10,000)."""
        found = await self.get_all_research()
        counts = Counter(job.status for job in found)
        completed = [job for job in found if job.status is JobStatus.COMPLETED]
        return ResearchMetrics(
            total=len(found),
            by_status={status.value: counts[status] for status in JobStatus},
            mean_seconds=mean_seconds(completed[:NEWEST]),
        )

    async def index(self, *paths: Path | str) -> str:
        """Upload files and folders into a collection of their own; its name."""
        async with self._client() as client:
            return await bring_up(client, [Path(path) for path in paths])

    async def _list(self, statuses: Sequence[JobStatus]) -> list[Job]:
        found: list[Job] = []
        cursor = ""
        async with self._client() as client:
            while len(found) < MOST_LISTED:
                page = await client.list_research(status=statuses, limit=PAGE, cursor=cursor)
                found += page.researches
                cursor = page.next_cursor
                if not cursor:
                    break
        return found[:MOST_LISTED]

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[Client]:
        async with Client(self._url, api_key=self._api_key) as client:
            yield client

    def _refuse(self) -> NoReturn:
        raise Conflict(
            f"the service {self._url} decides how many run side by side",
            cure="Set MAX_CONCURRENT_RESEARCH and MAX_CONCURRENT_TASKS there",
        )
