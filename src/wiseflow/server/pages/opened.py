"""The open research as its page shows it: read once, put together for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from wiseflow.app.services.pages import Asked, ResearchPages, configuration_of
from wiseflow.core.authoring import Draft, Plan
from wiseflow.core.configuration import Configuration
from wiseflow.core.jobs import Event, Job, JobStatus
from wiseflow.core.report import AuthorKind, Report, ReportAuthor, Section, SourceReference
from wiseflow.core.transitions import MOVES, Move
from wiseflow.research.picturing import pictures_of
from wiseflow.research.rendering.drawing import Drawing, drawings_of
from wiseflow.research.rendering.reading import Reference, references
from wiseflow.server.pages import charts
from wiseflow.server.pages.charts import Chart
from wiseflow.server.pages.progress import Found, Progress, progress_of


class View(StrEnum):
    """What of a research is looked at."""

    REPORT = "report"
    LIVE = "live"
    TIMELINE = "timeline"
    SOURCES = "sources"
    GRAPH = "graph"
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that a research followed, with those that came of it.

    Args:
        node: its number.
        text: what was asked.
        answered: whether the passages answered it; ``None`` while it was not read.
        parts: the questions that came of it.
    """

    node: int
    text: str
    answered: bool | None
    parts: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A research with all that its page shows.

    Args:
        job: as it is now.
        configuration: how it was asked for.
        events: all of them.
        progress: what they tell.
        plan: ``None`` while there is none.
        report: the report, or what is written of it so far; ``None`` before a plan.
        finished: whether it is the report itself.
        answers: the questions to it.
    """

    job: Job
    configuration: Configuration
    events: Sequence[Event]
    progress: Progress
    plan: Plan | None
    report: Report | None
    finished: bool
    answers: Sequence[Asked] = ()

    @property
    def running(self) -> bool:
        """Whether it goes on by itself."""
        return not self.job.status.final and self.job.status is not JobStatus.AWAITING_APPROVAL

    def may(self, move: str) -> bool:
        """Whether it can be cancelled, resumed and so on now."""
        status, wanted = self.job.status, Move[move.upper()]
        idle = wanted is Move.RESUME and not status.final
        return (status, wanted) in MOVES and not idle

    @property
    def references(self) -> Mapping[str, Reference]:
        """The bibliography by source id."""
        return references(self.report) if self.report else {}

    @property
    def timeline(self) -> Chart:
        """When each step was made."""
        running = self.job.status is JobStatus.RUNNING
        return charts.timeline(self.progress.bars, now_s=self.progress.elapsed_s, running=running)

    @property
    def growth(self) -> list[tuple[str, int, Chart]]:
        """What grew while it ran: name, how much there is now, and its chart."""
        told = self.progress
        pairs = (
            ("Sources found", told.sources_over_time, "Sources"),
            ("Sentences written", told.sentences_over_time, "Sentences"),
        )
        return [
            (name, points[-1][1], charts.area(name, points, unit=unit, whole_s=told.elapsed_s))
            for name, points, unit in pairs
            if points
        ]

    @property
    def drawings(self) -> list[Drawing]:
        """Who is named by which sources, and when these were published."""
        if not self.report:
            return []
        numbers = {key: one.number for key, one in self.references.items()}
        made = drawings_of(pictures_of(self.report), numbers)
        return [one for one in made if one.title != "When each step was made"]

    @property
    def questions(self) -> tuple[Question, ...]:
        """What the research asked itself, as a tree."""
        return _tree(self.events)

    @property
    def parallel(self) -> int:
        """How many steps were under way at once, at most."""
        edges = [(bar.start_s, 1) for bar in self.progress.bars]
        edges += [(bar.end_s, -1) for bar in self.progress.bars if bar.end_s is not None]
        most = now = 0
        for _, step in sorted(edges):
            now += step
            most = max(most, now)
        return most


async def opened(
    pages: ResearchPages, research_id: str, *, answers: bool = False, now: float
) -> Opened:
    """Reads a research.

    Args:
        pages: for who asks.
        research_id: which.
        answers: whether the questions to its report are read, too.
        now: seconds since the epoch.

    Raises:
        NotFound: there is none.
    """
    job = await pages.service.research(research_id)
    configuration = configuration_of(job)
    events = await pages.events(job.job_id)
    plan = await pages.plan(job.job_id)
    report = await pages.report(job.job_id) if job.status.final else None
    mode = configuration.research_mode
    progress = progress_of(job, mode, events, report, now=now)
    shown = report
    if shown is None and plan is not None:
        drafts = await pages.drafts(job.job_id)
        shown = draft_report(job, plan, drafts, progress.sources)
    return Opened(
        job=job,
        configuration=configuration,
        events=events,
        progress=progress,
        plan=plan,
        report=shown,
        finished=report is not None,
        answers=await pages.answers(job.job_id) if answers and report else (),
    )


def draft_report(
    job: Job, plan: Plan, drafts: Mapping[int, Draft], found: Sequence[Found]
) -> Report:
    """What is written so far, in the form of a report; its citations are not checked yet."""
    sections = tuple(
        Section(title=one.title, claims=drafts[place].claims if place in drafts else ())
        for place, one in enumerate(plan.sections)
    )
    claims = [claim for section in sections for claim in section.claims]
    cited = dict.fromkeys(one.source_id for claim in claims for one in claim.citations)
    known = {one.source_id: one for one in found}
    return Report(
        id=job.job_id,
        topic=job.title,
        mode="",
        status=job.status,
        language=plan.language,
        author=ReportAuthor(kind=AuthorKind.MODEL),
        title=plan.title,
        summary=(),
        sections=sections,
        sources=tuple(_reference(known.get(key, Found(source_id=key))) for key in cited),
    )


def place_of(source: SourceReference) -> str:
    """Where a source is from, in a word: a host, or a file's name."""
    if source.url:
        return urlsplit(source.url).hostname or source.url
    return source.path.rstrip("/").rpartition("/")[2]


def _reference(found: Found) -> SourceReference:
    return SourceReference(
        id=found.source_id,
        title=found.title,
        url=found.url,
        path=found.path,
        published="",
        provider=found.provider,
        sha256="",
    )


def _tree(events: Sequence[Event]) -> tuple[Question, ...]:
    texts: dict[int, str] = {}
    parents: dict[int, int | None] = {}
    answered: dict[int, bool] = {}
    for event in events:
        node = event.data.get("node")
        if not isinstance(node, int):
            continue
        parent = event.data.get("parent")
        parents.setdefault(node, parent if isinstance(parent, int) and parent != node else None)
        if event.type == "reading":
            texts[node] = str(event.data.get("question", ""))
            answered[node] = bool(event.data.get("answered"))
        elif event.type == "query":
            queries = event.data.get("queries")
            first = str(queries[0]) if isinstance(queries, list) and queries else ""  # pyright: ignore[reportUnknownArgumentType] - JSON
            texts.setdefault(node, first)

    def made(node: int, above: tuple[int, ...]) -> Question:
        inside = (*above, node)
        parts = tuple(
            made(one, inside)
            for one, parent in parents.items()
            if parent == node and one not in inside
        )
        return Question(
            node=node, text=texts.get(node, ""), answered=answered.get(node), parts=parts
        )

    return tuple(made(node, ()) for node, parent in parents.items() if parent is None)
