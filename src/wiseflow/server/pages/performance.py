"""What the performance page shows, of figures of now and of ended researches. Pure.

The page draws a ``PerformanceView`` and nothing else, so where its figures come from may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wiseflow.app.services.workings import Now, quantile
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.limits import Dimension
from wiseflow.limits.states import KeyShown, LimitShown
from wiseflow.server.pages import charts
from wiseflow.server.pages.charts import Chart
from wiseflow.server.pages.words import lasted, size

HOURS = 24
HOUR_S = 3_600
FULL_MEMORY = 80.0
ERRORS_SHARE = 0.1
FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something to do, and where.

    Args:
        gain: what it is about, in a word or two.
        text: what was seen and what helps, as a sentence.
        action: the word on its button.
        page: the route that the button leads to.
        anchor: on that page.
    """

    gain: str
    text: str
    action: str
    page: str
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its chart.

    Args:
        name: what it is.
        value: now, in words.
        note: what it is measured over.
        chart: how it went; ``None`` where nothing was kept yet.
    """

    name: str
    value: str
    note: str = ""
    chart: Chart | None = None


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
        since: over which time.
        suggestions: the most urgent first.
        figures: with their charts.
        limits: of the keys that were asked for.
    """

    since: str
    suggestions: tuple[Suggestion, ...]
    figures: tuple[Figure, ...]
    limits: tuple[LimitRow, ...]


def view_of(
    now: Now, ended: Sequence[Job], active: Sequence[Job], *, at_once: int, at: float
) -> PerformanceView:
    """What the page shows.

    Args:
        now: the figures of the process.
        ended: the researches of the last day.
        active: those under way.
        at_once: how many researches run side by side.
        at: seconds since the epoch.
    """
    return PerformanceView(
        since=f"since this process began, {lasted(now.uptime_s)} ago",
        suggestions=tuple(suggestions(now, ended, active, at_once=at_once)),
        figures=(_machine(now), _tasks(now), _researches(ended, at), _latency(now)),
        limits=tuple(_limit_row(one) for one in now.limits),
    )


def suggestions(
    now: Now, ended: Sequence[Job], active: Sequence[Job], *, at_once: int
) -> list[Suggestion]:
    """What the figures say should be looked at."""
    return [
        *_held(now),
        *_limited(now.limits),
        *_failing(now),
        *_failed(ended),
        *_room(now, active, at_once),
    ]


def _held(now: Now) -> Iterator[Suggestion]:
    if now.held:
        text = f"No new task begins: {now.held}."
        yield Suggestion(gain="held", text=text, action="See the queue", page="queue_page")


def _limited(limits: Sequence[KeyShown]) -> Iterator[Suggestion]:
    for one in limits:
        if one.waiting or one.paused_s:
            yield Suggestion(
                gain="limit",
                text=f"{one.waiting} calls wait for the limit of {one.key.provider}. A higher "
                "limit in RATE_LIMITS, or a stand-in provider, lets them go.",
                action="See limits",
                page="settings_page",
                anchor="limits",
            )


def _failing(now: Now) -> Iterator[Suggestion]:
    for one in now.calls:
        failed = sum(one.totals.failed.values())
        if failed >= FEW and failed > ERRORS_SHARE * one.totals.attempts:
            worst = max(one.totals.failed, key=lambda name: one.totals.failed[name])
            yield Suggestion(
                gain="errors",
                text=f"{failed} of {one.totals.attempts} calls to {one.provider} failed, mostly "
                f"with {worst}.",
                action="See the provider",
                page="settings_page",
                anchor="providers",
            )


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


def _room(now: Now, active: Sequence[Job], at_once: int) -> Iterator[Suggestion]:
    pending = sum(job.status is JobStatus.PENDING for job in active)
    running = sum(job.status is JobStatus.RUNNING for job in active)
    roomy = now.machine_memory_percent < FULL_MEMORY and not now.held
    if pending and running >= at_once and roomy:
        yield Suggestion(
            gain="rate",
            text=f"{pending} researches wait and memory is at {now.machine_memory_percent:.0f} %: "
            f"MAX_CONCURRENT_RESEARCH, now {at_once}, can be raised.",
            action="See settings",
            page="settings_page",
            anchor="settings",
        )


def _machine(now: Now) -> Figure:
    value = f"{now.cpu_percent:.0f} % · {size(now.memory_bytes)}"
    machine = f"the machine's memory is {now.machine_memory_percent:.0f} % full"
    note = f"of one core on average, and memory now; {machine}"
    return Figure(name="CPU and memory", value=value, note=note)


def _tasks(now: Now) -> Figure:
    note = f"{now.tasks_waiting} wait for their turn"
    return Figure(name="Tasks at work", value=str(now.tasks_running), note=note)


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
    note = f"in {HOURS} h" + (f"; half of them took {lasted(half)} or less" if half else "")
    chart = charts.columns("Researches ended by the hour", points, head=("Hour", "Ended"))
    return Figure(name="Researches ended", value=str(sum(counts)), note=note, chart=chart)


def _latency(now: Now) -> Figure:
    p50, p95 = quantile(now.latencies, 0.5), quantile(now.latencies, 0.95)
    if p50 is None or p95 is None:
        return Figure(name="Latency of calls", value="–", note="nobody outside was asked yet")
    points = [(float(at), value) for at, value in enumerate(now.latencies, start=1)]
    chart = charts.area("Latency of calls", points, unit="Seconds", whole_s=float(len(points)))
    note = f"half and 95 % of the latest {len(points)} calls"
    return Figure(
        name="Latency of calls", value=f"{lasted(p50)} / {lasted(p95)}", note=note, chart=chart
    )


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
