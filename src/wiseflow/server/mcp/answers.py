"""What the tools answer, as records that are checked by their schema, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from wiseflow.core.documents import Hit
from wiseflow.core.jobs import Job, JobStatus, StopReason
from wiseflow.core.library import Collection
from wiseflow.research.asking import from_payload
from wiseflow.server.bodies import PlanBody
from wiseflow.server.mcp.backends import Page, Watched
from wiseflow.server.pages.progress import Stand, progress_of
from wiseflow.server.renderings import ReportFormat

Id = Annotated[str, Field(description="Of the research.")]
Cost = Annotated[
    float | None, Field(description="US dollars so far; null where a price is not known, or yet.")
]
Moment = Annotated[datetime | None, Field(description="In UTC.")]
# What an assistant is to do next, by where a research is.
NEXT = {
    JobStatus.PENDING: "It waits for its turn. Call get_status with wait_s.",
    JobStatus.RUNNING: "It runs. Call get_status with wait_s.",
    JobStatus.AWAITING_APPROVAL: "Show the user the plan (get_plan); approve_plan lets it go on.",
    JobStatus.COMPLETED: "Read it with get_report.",
    JobStatus.FAILED: "resume_research tries again what failed, and keeps what was done.",
    JobStatus.CANCELLED: "resume_research lets it go on where it stopped.",
}


class Answer(BaseModel):
    """What a tool answers."""

    def text(self) -> str:
        """The same for who reads no records."""
        return self.model_dump_json()


class ResearchShown(Answer):
    """A research."""

    id: Id
    topic: str
    status: JobStatus
    progress: Annotated[float, Field(ge=0, le=1)]
    partial: Annotated[bool, Field(description="Whether something is lost that should be there.")]
    stop_reason: StopReason | None
    error: Annotated[str, Field(description="Why it failed, or empty.")]
    cost: Cost
    tags: list[str]
    created_at: Moment
    started_at: Moment
    completed_at: Moment

    @classmethod
    def of(cls, job: Job, **more: object) -> Self:
        """What is shown of a job."""
        shown: dict[str, Any] = {
            "id": job.job_id,
            "topic": job.title,
            "status": job.status,
            "progress": job.progress,
            "partial": job.partial,
            "stop_reason": job.stop_reason,
            "error": job.error,
            "cost": job.cost,
            "tags": list(job.tags),
            "created_at": _moment(job.created_at),
            "started_at": _moment(job.started_at),
            "completed_at": _moment(job.completed_at),
        }
        return cls.model_validate({**shown, **more})


class StatusShown(ResearchShown):
    """A research, and how far it is."""

    doing: Annotated[list[str], Field(description="The steps under way.")]
    waits_for: Annotated[str, Field(description="Who does not answer and is waited for, or empty.")]
    seconds_taken: Annotated[float, Field(description="Since it was started.")]
    seconds_left: Annotated[
        float | None, Field(description="About; null while there is nothing to tell it by.")
    ]
    seconds_left_low: float | None
    seconds_left_high: float | None
    sources_found: int
    sentences_written: int
    next_step: str

    @classmethod
    def of_watched(cls, watched: Watched) -> Self:
        """What is shown of a research that was looked at."""
        job = watched.job
        mode = from_payload(job.payload).configuration.research_mode
        far = progress_of(job, mode, watched.events, None, now=watched.now)
        running = job.status is JobStatus.RUNNING
        return cls.of(
            job,
            cost=far.cost if job.cost is None else job.cost,
            doing=[str(one.lane) for one in far.phases if running and one.stand is Stand.NOW],
            waits_for=far.waits,
            seconds_taken=round(far.elapsed_s, 1),
            seconds_left=far.left and round(far.left.seconds, 1),
            seconds_left_low=far.left and round(far.left.low_s, 1),
            seconds_left_high=far.left and round(far.left.high_s, 1),
            sources_found=len(far.sources),
            sentences_written=far.sentences,
            next_step=NEXT[job.status],
        )


class Submitted(Answer):
    """Researches that were submitted together, in the order of their topics."""

    researches: list[ResearchShown]
    next_step: str

    @classmethod
    def of(cls, jobs: Sequence[Job]) -> Self:
        """What is shown of them."""
        shown = [ResearchShown.of(job) for job in jobs]
        return cls(researches=shown, next_step="Call get_status with an id and wait_s.")


class Changed(Answer):
    """A research that was changed."""

    research: ResearchShown
    next_step: str

    @classmethod
    def of(cls, job: Job) -> Self:
        """What is shown of it."""
        step = "It stops soon." if job.cancel_requested and not job.status.final else ""
        return cls(research=ResearchShown.of(job), next_step=step or NEXT[job.status])


class ResearchesShown(Answer):
    """Some researches, the newest first."""

    researches: list[ResearchShown]
    next_cursor: Annotated[
        str | None, Field(description="Give it as `cursor` for the next page; null on the last.")
    ]

    @classmethod
    def of(cls, page: Page) -> Self:
        """What is shown of a page."""
        shown = [ResearchShown.of(job) for job in page.jobs]
        return cls(researches=shown, next_cursor=page.cursor or None)


class ReportPart(Answer):
    """A part of a report; all parts joined are the report."""

    id: Id
    format: ReportFormat
    part: Annotated[str, Field(description="From `offset` on.")]
    offset: int
    characters: Annotated[int, Field(description="Of the whole report.")]
    next_offset: Annotated[
        int | None, Field(description="Where the next part begins; null after the last.")
    ]

    @classmethod
    def of(
        cls, research_id: str, form: ReportFormat, report: str, *, offset: int, limit: int
    ) -> Self:
        """A part of a report of at most ``limit`` characters."""
        end = offset + limit
        return cls(
            id=research_id,
            format=form,
            part=report[offset:end],
            offset=offset,
            characters=len(report),
            next_offset=end if end < len(report) else None,
        )

    def text(self) -> str:
        """The part as it is, not within JSON; and how to go on."""
        if self.next_offset is None:
            return self.part
        return (
            f"{self.part}\n\n[Characters {self.offset} to {self.next_offset} of {self.characters}. "
            f"For the next part call get_report with offset {self.next_offset}.]"
        )


class PassageShown(BaseModel):
    """A passage that was found."""

    rank: int
    score: Annotated[float, Field(description="Higher is better, within one search.")]
    text: str
    title: str
    heading: str
    source_id: str
    url: str
    published: str
    start: Annotated[int, Field(description="Its first character in the source.")]
    end: int

    @classmethod
    def of(cls, rank: int, hit: Hit) -> Self:
        """What is shown of a hit."""
        passage = hit.passage
        return cls(
            rank=rank,
            score=hit.score,
            text=passage.text,
            title=passage.title,
            heading=passage.heading,
            source_id=passage.source_id,
            url=hit.url,
            published=hit.published,
            start=passage.start,
            end=passage.end,
        )


class PassagesShown(Answer):
    """What a search found, best first."""

    passages: list[PassageShown]

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> Self:
        """What is shown of hits."""
        return cls(passages=[PassageShown.of(rank, hit) for rank, hit in enumerate(hits, start=1)])


class CollectionShown(BaseModel):
    """A collection of documents."""

    name: str
    private: Annotated[bool, Field(description="Whether its passages never leave the machine.")]
    files: int
    passages: int


class CollectionsShown(Answer):
    """The collections, by name."""

    collections: list[CollectionShown]

    @classmethod
    def of(cls, found: Sequence[Collection]) -> Self:
        """What is shown of them."""
        return cls(
            collections=[
                CollectionShown(
                    name=one.name, private=one.private, files=one.files, passages=one.passages
                )
                for one in found
            ]
        )


class PlanShown(Answer):
    """The plan of a research."""

    id: Id
    plan: PlanBody


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
