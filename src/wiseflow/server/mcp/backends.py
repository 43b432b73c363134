"""What the tools ask: the program in this process, or a service elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wiseflow.core.documents import Hit
from wiseflow.core.jobs import Event, Job
from wiseflow.core.library import Collection
from wiseflow.server.mcp.arguments import ListResearches, SubmitResearch
from wiseflow.server.renderings import ReportFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some researches, the newest first; ``cursor`` leads to the next page, "" on the last."""

    jobs: Sequence[Job]
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A research, and what has happened to it.

    Args:
        job: as it is.
        events: all, in order.
        now: seconds since the epoch, by the clock of who answered.
    """

    job: Job
    events: Sequence[Event]
    now: float


class Backend(Protocol):
    """The program, for one who asks; what is another tenant's is not there.

    Each method raises the errors of the program: ``NotFound``, ``Forbidden``, ``Conflict``,
    ``InvalidInput`` and so on, each with its cure.
    """

    async def submit(self, asked: SubmitResearch) -> Sequence[Job]:
        """Submit researches, all or none; their jobs in order."""
        ...

    async def watch(self, research_id: str, wait_s: float) -> Watched:
        """A research as it is, once it waits for somebody or has ended, or after ``wait_s``."""
        ...

    async def page(self, wanted: ListResearches) -> Page:
        """The researches that match, a page at a time."""
        ...

    async def report(self, research_id: str, form: ReportFormat) -> str:
        """The whole report in a form."""
        ...

    async def search(self, query: str, *, collection: str, k: int) -> Sequence[Hit]:
        """The best passages of a collection."""
        ...

    async def collections(self) -> Sequence[Collection]:
        """The collections by name."""
        ...

    async def cancel(self, research_id: str) -> Job:
        """Cancel a research, or ask it to stop."""
        ...

    async def resume(self, research_id: str) -> Job:
        """Let a research that failed or was cancelled go on."""
        ...

    async def plan(self, research_id: str) -> Mapping[str, object]:
        """The plan of a research: title, language and sections."""
        ...

    async def approve(self, research_id: str, plan: Mapping[str, object] | None) -> Job:
        """Let a research go on with its plan, or another."""
        ...

    async def note(self, action: str, *, outcome: str, target: str) -> None:
        """Write into the audit log what was done, or refused."""
        ...
