"""The tools' backend in this process: one call of the application's services for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing

from wiseflow.app import Application
from wiseflow.app.service import NewResearch, Service
from wiseflow.app.services.documents import DocumentService
from wiseflow.core.access import Principal
from wiseflow.core.documents import Hit
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Event, Job, JobFilter, JobStatus
from wiseflow.core.library import Collection
from wiseflow.research.plans import plan_to_json
from wiseflow.server.mcp.arguments import ListResearches, SubmitResearch
from wiseflow.server.mcp.backends import Page, Watched
from wiseflow.server.paging import cursor_after, read_cursor
from wiseflow.server.renderings import ReportFormat, rendered


class EmbeddedBackend:
    """The program in this process; see ``Backend``.

    Args:
        application: open.
        principal: who asks.
        address: where from, for the audit log; "" for this machine.
    """

    def __init__(self, application: Application, principal: Principal, address: str = "") -> None:
        self._app = application
        self._service = Service(application, principal)
        self._documents = DocumentService(application, principal)
        self._address = address

    async def submit(self, asked: SubmitResearch) -> Sequence[Job]:
        """Submit researches; raises as ``Service.submit``."""
        most = self._app.settings.parallel_max_topics
        if len(asked.topics) > most:
            raise InvalidInput(f"there are {len(asked.topics)} topics", cure=f"Give 1 to {most}")
        # A key is of the way it came, so that the same text over REST is another.
        key = f"{asked.request_key} mcp" if asked.request_key else ""
        wanted = [_research(topic, asked) for topic in asked.topics]
        return await self._service.submit(wanted, request_key=key)

    async def watch(self, research_id: str, wait_s: float) -> Watched:
        """A research as it is, or comes to be within a time."""
        settings = self._app.settings
        full = self._app.following.followers >= settings.event_clients_max
        # Well before a request over HTTP would be cut off.
        wait_s = 0 if full else min(wait_s, settings.request_timeout_s / 2)
        until = self._app.clock.monotonic() + wait_s
        events: list[Event] = []
        async with aclosing(self._service.follow(research_id)) as batches:
            async for batch, status in batches:
                events += batch
                late = self._app.clock.monotonic() >= until
                if not batch and (late or not _moves(status)):
                    break
        job = await self._service.research(research_id)
        return Watched(job=job, events=events, now=self._app.clock.now())

    async def page(self, wanted: ListResearches) -> Page:
        """The researches that match, a page at a time."""
        found = await self._service.researches(
            JobFilter(
                statuses=tuple(wanted.status),
                tag=wanted.tag,
                mode=wanted.mode or "",
                after=read_cursor(wanted.cursor),
                limit=wanted.limit + 1,
            )
        )
        jobs = found[: wanted.limit]
        more = len(found) > wanted.limit
        return Page(jobs=jobs, cursor=cursor_after(jobs[-1].job_id) if more else "")

    async def report(self, research_id: str, form: ReportFormat) -> str:
        """The whole report in a form; raises as ``Service.report``."""
        job = await self._service.research(research_id)
        report = await self._service.report(research_id)
        drawings = self._service.wants_drawings(job)
        return (await rendered(report, form, drawings=drawings)).decode()

    async def search(self, query: str, *, collection: str, k: int) -> Sequence[Hit]:
        """The best passages of a collection; raises as ``DocumentService.search``."""
        return await self._documents.search(query, collection=collection, k=k)

    async def collections(self) -> Sequence[Collection]:
        """The collections by name."""
        return await self._documents.collections()

    async def cancel(self, research_id: str) -> Job:
        """Cancel a research, or ask it to stop."""
        return await self._service.cancel(research_id)

    async def resume(self, research_id: str) -> Job:
        """Let an ended research go on."""
        return await self._service.resume(research_id)

    async def plan(self, research_id: str) -> Mapping[str, object]:
        """The plan of a research."""
        return plan_to_json(await self._service.plan(research_id))

    async def approve(self, research_id: str, plan: Mapping[str, object] | None) -> Job:
        """Let a research go on with its plan, or another."""
        return await self._service.approve(research_id, plan)

    async def note(self, action: str, *, outcome: str, target: str) -> None:
        """Write into the audit log."""
        await self._app.auditor.note(
            self._service.principal, action, outcome=outcome, target=target, address=self._address
        )


def _research(topic: str, asked: SubmitResearch) -> NewResearch:
    return NewResearch(
        topic=topic,
        configuration=asked.configuration.given(),
        priority=asked.priority,
        tags=tuple(asked.tags),
        follows=asked.follows or "",
    )


def _moves(status: JobStatus) -> bool:
    """Whether something may happen by itself."""
    return status in {JobStatus.PENDING, JobStatus.RUNNING}
