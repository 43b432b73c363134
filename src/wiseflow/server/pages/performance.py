"""What the performance page shows, of figures of now, of the last hour and of ended researches.

Pure. The page draws a ``PerformanceView`` and nothing else, so where its figures come from may
change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wiseflow.app.metering import suggesting
from wiseflow.app.services.performance import Performance
from wiseflow.app.services.workings import Now, quantile
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.limits import Dimension
from wiseflow.limits.states import KeyShown, LimitShown
from wiseflow.server.pages import charts
from wiseflow.server.pages.performance_figures import Figure, figures
from wiseflow.server.pages.spans import Range
from wiseflow.server.pages.words import lasted

HOURS = 24
HOUR_S = 3_600
# Where the page is on which a command's effect, or what it is about, is to be seen.
ABOUT = {"wiseflow config show": ("See the providers", "settings_page", "providers")}
ELSEWHERE = ("See the processes", "queue_page", "instances")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something to do, and where.

    Args:
        gain: what it is about, in a word or two.
        text: what was seen and what helps, as a sentence.
        action: the word on its button.
        page: the route that the button leads to.
        anchor: on that page.
        typed: what is to be set or typed, as it is; "" where there is nothing.
    """

    gain: str
    text: str
    action: str
    page: str
    anchor: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Why there are no figures of the last hour.

    Args:
        why: as a sentence.
        cure: what to do about it, as a sentence.
        command: what to type for it; "" for nothing.
    """

    why: str
    cure: str
    command: str = ""


FORBIDDEN = Absent(
    why="The figures of the last hour are of all tenants together, and your key does not have the "
    "scope admin.",
    cure="Log in with a key that has it; at the machine itself one is made with:",
    command="wiseflow keys create NAME --scope admin",
)
UNMEASURED = Absent(
    why="This process takes no samples of itself.",
    cure="A service does, which is started with:",
    command="wiseflow serve",
)
TOO_EARLY = Absent(
    why="The first sample is taken five seconds after the start.",
    cure="Look again in a moment; with scripts, this page does so itself.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One key of a provider in the table of limits; a use is ``(used, limit or None)``."""

    name: str
    requests: tuple[float, float | None] | None
    tokens: tuple[float, float | None] | None
    under_way: int
    waiting: int
    paused_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceView:
    """All that the page shows.

    Args:
        suggestions: the most urgent first.
        figures: of the last hour or a part of it, with their charts.
        absent: why there are none; ``None`` where there are.
        researches: that ended, by the hour.
        limits: of the keys that were asked for.
    """

    suggestions: tuple[Suggestion, ...]
    figures: tuple[Figure, ...]
    absent: Absent | None
    researches: Figure
    limits: tuple[LimitRow, ...]


def view_of(
    now: Now, ended: Sequence[Job], measured: Performance | None, *, over: Range, at: float
) -> PerformanceView:
    """What the page shows.

    Args:
        now: the figures of the process.
        ended: the researches of the last day.
        measured: the last hour; ``None`` for one who may not see it.
        over: how much of it is shown.
        at: seconds since the epoch.
    """
    absent = why_absent(measured)
    shown = () if absent or measured is None else figures(measured.samples, over=over, at=at)
    return PerformanceView(
        suggestions=tuple(suggestions(now, ended, measured)),
        figures=shown,
        absent=absent,
        researches=_researches(ended, at),
        limits=tuple(_limit_row(one) for one in now.limits),
    )


def why_absent(measured: Performance | None) -> Absent | None:
    """Why there are no figures of the last hour; ``None`` where there are."""
    if measured is None:
        return FORBIDDEN
    if not measured.measured:
        return UNMEASURED
    return None if measured.samples else TOO_EARLY


def suggestions(now: Now, ended: Sequence[Job], measured: Performance | None) -> list[Suggestion]:
    """What the figures say should be looked at."""
    found = [_shown(one) for one in measured.suggestions] if measured else []
    return [*_held(now), *found, *_failed(ended)]


def _shown(one: suggesting.Suggestion) -> Suggestion:
    if one.setting:
        typed = f"{one.setting}={one.value}" if one.value else one.setting
        return Suggestion(
            gain="setting",
            text=one.text,
            action="See the setting",
            page="settings_page",
            anchor=one.setting,
            typed=typed,
        )
    action, page, anchor = ABOUT.get(one.command, ELSEWHERE)
    return Suggestion(
        gain="command", text=one.text, action=action, page=page, anchor=anchor, typed=one.command
    )


def _held(now: Now) -> Iterator[Suggestion]:
    if now.held:
        text = f"No new task begins: {now.held}."
        yield Suggestion(gain="held", text=text, action="See the queue", page="queue_page")


def _failed(ended: Sequence[Job]) -> Iterator[Suggestion]:
    failed = [job for job in ended if job.status is JobStatus.FAILED]
    if failed:
        yield Suggestion(
            gain="failed",
            text=f"{len(failed)} of {len(ended)} researches failed in the last {HOURS} h; what "
            "they have is kept, and they can go on.",
            action="See the last",
            page="research_page",
            anchor=failed[0].job_id,
        )


def _researches(ended: Sequence[Job], at: float) -> Figure:
    counts = [0] * HOURS
    for job in ended:
        hours = int((at - (job.completed_at or at)) // HOUR_S)
        if 0 <= hours < HOURS:
            counts[HOURS - 1 - hours] += 1
    points = [(f"{HOURS - place} h ago", float(count)) for place, count in enumerate(counts)]
    took = [
        job.completed_at - job.started_at
        for job in ended
        if job.status is JobStatus.COMPLETED and job.completed_at and job.started_at
    ]
    half = quantile(took, 0.5)
    note = f"By the hour, in the last {HOURS} h" + (
        f"; half of the completed ones took {lasted(half)} or less." if half else "."
    )
    if not ended:
        return Figure(name="Researches ended", value="0", note=f"None in the last {HOURS} h.")
    chart = charts.columns("Researches ended by the hour", points, head=("Hour", "Ended"))
    return Figure(name="Researches ended", value=str(sum(counts)), note=note, chart=chart)


def _limit_row(key: KeyShown) -> LimitRow:
    def of(dimension: Dimension) -> tuple[float, float | None] | None:
        found: list[LimitShown] = [one for one in key.limits if one.dimension is dimension]
        first = min(found, key=lambda one: one.window_s, default=None)
        return None if first is None else (first.used, first.limit)

    name = f"{key.key.provider} {key.key.model}".strip()
    return LimitRow(
        name=name,
        requests=of(Dimension.REQUESTS),
        tokens=of(Dimension.TOKENS),
        under_way=key.under_way,
        waiting=key.waiting,
        paused_s=key.paused_s,
    )
