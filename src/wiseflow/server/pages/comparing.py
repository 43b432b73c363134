"""Two or more reports side by side: their figures, their sections, and which sources they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from wiseflow.app.services.pages import configuration_of
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.report import Report, SourceReference
from wiseflow.research.rendering.reading import duration, references
from wiseflow.server.pages.opened import place_of
from wiseflow.server.pages.research_page import mode_of
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.pages.words import price, status_word
from wiseflow.server.scopes import READ

MOST_COMPARED = 4
OFFERED = 50
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A research with its report, if it has one."""

    job: Job
    report: Report | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of all that are compared.

    Args:
        name: of the figure.
        values: in words, one a run.
        best: the places of those that are best; none where that cannot be said.
    """

    name: str
    values: tuple[str, ...]
    best: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A source and in which runs it is cited, one a run."""

    source: SourceReference
    cited: tuple[bool, ...]


@router.get("/dashboard/compare")
async def compare_page(
    visit: Visiting,
    ids: Annotated[list[str], Query(alias="id", max_length=1_000)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """The runs that were ticked, side by side; else the list to tick them in."""
    chosen = list(dict.fromkeys(ids))
    runs = [
        Run(
            job=await visit.researches.service.research(one),
            report=await visit.researches.report(one),
        )
        for one in chosen[:MOST_COMPARED]
    ]
    ended = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
    return visit.show(
        "compare.html",
        nav="compare",
        runs=runs,
        left_out=max(0, len(chosen) - MOST_COMPARED),
        chosen=set(chosen),
        offered=await visit.researches.recent(OFFERED, statuses=ended),
        mode_of=mode_of,
        figures=figures(runs),
        changed=earlier_and_later(runs),
        sources=shared(runs),
        references=references,
        place_of=place_of,
    )


def figures(runs: Sequence[Run]) -> list[Figure]:
    """What can be said of each run in a number or a word."""
    reports = [run.report for run in runs]
    shares = [_supported(one) if one else None for one in reports]
    seconds = [one.facts.seconds if one else None for one in reports]
    return [
        Figure(name="State", values=tuple(status_word(run.job) for run in runs)),
        Figure(name="Mode", values=tuple(mode_of(run.job) for run in runs)),
        Figure(
            name="Written by",
            values=tuple(
                "–" if one is None else ", ".join(one.author.models) or one.author.kind.value
                for one in reports
            ),
        ),
        Figure(name="Length", values=tuple(configuration_of(run.job).length for run in runs)),
        Figure(
            name="Citations supported",
            values=tuple("–" if share is None else f"{share:.0%}" for share in shares),
            best=_best(shares, most=True),
        ),
        _count("Citations", [one and one.facts.citations for one in reports]),
        _count("Sources cited", [one and len(one.sources) for one in reports]),
        _count("Passages considered", [one and one.facts.passages_considered for one in reports]),
        Figure(
            name="Time",
            values=tuple("–" if one is None else duration(one) for one in seconds),
            best=_best(seconds, most=False),
        ),
        Figure(name="Spend", values=tuple(price(run.job.cost) for run in runs)),
    ]


def earlier_and_later(runs: Sequence[Run]) -> tuple[str, str] | None:
    """The ids of two runs in the order of their ends, where both have a report to compare."""
    if len(runs) != 2 or any(run.report is None for run in runs):  # noqa: PLR2004 - a pair
        return None
    first, second = sorted(runs, key=lambda run: (run.job.completed_at or 0.0, run.job.job_id))
    return first.job.job_id, second.job.job_id


def shared(runs: Sequence[Run]) -> list[Shared]:
    """All sources that are cited, those of most runs first."""
    by_run = [{one.id: one for one in run.report.sources} if run.report else {} for run in runs]
    counts = Counter(key for sources in by_run for key in sources)
    known = {key: one for sources in by_run for key, one in sources.items()}
    ordered = sorted(counts, key=lambda key: (-counts[key], known[key].title))
    return [
        Shared(source=known[key], cited=tuple(key in sources for sources in by_run))
        for key in ordered
    ]


def _count(name: str, values: Sequence[int | None]) -> Figure:
    return Figure(name=name, values=tuple("–" if one is None else f"{one:,}" for one in values))


def _supported(report: Report) -> float | None:
    facts = report.facts
    return facts.supported / facts.citations if facts.citations else None


def _best(values: Sequence[float | None], *, most: bool) -> frozenset[int]:
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:  # noqa: PLR2004 - all alike, or one alone: none is best
        return frozenset()
    best = max(known) if most else min(known)
    return frozenset(at for at, value in enumerate(values) if value == best)
