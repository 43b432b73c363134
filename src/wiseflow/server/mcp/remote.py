"""The tools' backend in a service: what is asked for is asked of that one over REST."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress

from wiseflow.client.client import Client
from wiseflow.core.documents import Hit
from wiseflow.core.errors import CallTimeout
from wiseflow.core.jobs import Event, Job, JobStatus
from wiseflow.core.library import Collection
from wiseflow.server.mcp.arguments import ListResearches, SubmitResearch
from wiseflow.server.mcp.backends import Page, Watched
from wiseflow.server.renderings import ReportFormat

# Events that are there come at once; this long a silence tells that these were all.
SILENCE_S = 0.4


class ServiceBackend:
    """A service; see ``Backend``. Scopes and tenants are those of the client's key.

    Args:
        client: of the service, closed by who opened it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submit(self, asked: SubmitResearch) -> Sequence[Job]:
        """Submit researches; raises as ``Client.submit_parallel``."""
        shared: dict[str, object] = {
            "configuration": asked.configuration.given(),
            "priority": asked.priority.value,
            "tags": asked.tags,
            "follows": asked.follows,
        }
        bodies = [{"topic": topic, **shared} for topic in asked.topics]
        return await self._client.submit_parallel(researches=bodies, key=asked.request_key)

    async def watch(self, research_id: str, wait_s: float) -> Watched:
        """A research as it is, or comes to be within a time."""
        job = await self._client.get_research(research_id)
        if wait_s:
            with suppress(CallTimeout):  # of the wait
                job = await self._client.wait(research_id, timeout_s=wait_s)
            job = await self._client.get_research(research_id)
        events = () if job.status is JobStatus.PENDING else await self._events(research_id)
        return Watched(job=job, events=events, now=time.time())

    async def page(self, wanted: ListResearches) -> Page:
        """The researches that match, a page at a time."""
        page = await self._client.list_research(
            status=wanted.status,
            tag=wanted.tag,
            limit=wanted.limit,
            cursor=wanted.cursor,
            mode=wanted.mode,
        )
        return Page(jobs=page.researches, cursor=page.next_cursor)

    async def report(self, research_id: str, form: ReportFormat) -> str:
        """The whole report in a form."""
        if form is not ReportFormat.JSON:
            return await self._client.get_rendered(research_id, form.value)
        told = await self._client.get_result(research_id)
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    async def search(self, query: str, *, collection: str, k: int) -> Sequence[Hit]:
        """The best passages of a collection."""
        return await self._client.search_documents(query, collection=collection, k=k)

    async def collections(self) -> Sequence[Collection]:
        """The collections by name."""
        return await self._client.list_collections()

    async def cancel(self, research_id: str) -> Job:
        """Cancel a research, or ask it to stop."""
        return await self._client.cancel_research(research_id)

    async def resume(self, research_id: str) -> Job:
        """Let an ended research go on."""
        return await self._client.resume_research(research_id)

    async def plan(self, research_id: str) -> Mapping[str, object]:
        """The plan of a research."""
        return await self._client.get_plan(research_id)

    async def approve(self, research_id: str, plan: Mapping[str, object] | None) -> Job:
        """Let a research go on with its plan, or another."""
        return await self._client.approve_plan(research_id, plan)

    async def note(self, action: str, *, outcome: str, target: str) -> None:
        """Nothing: the service notes each request itself."""

    async def _events(self, research_id: str) -> Sequence[Event]:
        """What has happened to a research up to now."""
        events: list[Event] = []
        timer = asyncio.timeout(SILENCE_S)
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with timer, aclosing(self._client.follow_events(research_id)) as stream:
                async for event in stream:
                    events.append(event)
                    timer.reschedule(loop.time() + SILENCE_S)
        return events
