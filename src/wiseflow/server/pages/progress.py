"""How far a research is, read from its events. Pure.

Events are told when a step is done, so a step began when the one before it in its section ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from wiseflow.core.configuration import ResearchMode
from wiseflow.core.jobs import Event, Job, JobStatus
from wiseflow.core.report import Report, StepSpan

Data = Mapping[str, object]


class Lane(StrEnum):
    """What a step does; also the row of the timeline that it stands in."""

    PLAN = "Plan"
    SEARCH = "Search"
    READ = "Read"
    WRITE = "Write"
    VERIFY = "Verify"


# By the last word of a step's key that says it.
LANE_OF_STEP = {
    "plan": Lane.PLAN,
    "evidence": Lane.SEARCH,
    "reading": Lane.READ,
    "critique": Lane.READ,
    "draft": Lane.WRITE,
    "summary": Lane.WRITE,
    "verify": Lane.VERIFY,
}
LANE_OF_EVENT = {
    "plan": Lane.PLAN,
    "source": Lane.SEARCH,
    "reading": Lane.READ,
    "critique": Lane.READ,
    "draft": Lane.WRITE,
    "verdict": Lane.VERIFY,
}


class Stand(StrEnum):
    """Where a phase is."""

    TODO = "to do"
    NOW = "under way"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of every research of its mode."""

    lane: Lane
    stand: Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A step on the timeline, in seconds since the attempt began; no end while it runs."""

    lane: Lane
    label: str
    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A source that a search found, as its event tells it."""

    source_id: str
    title: str = ""
    url: str = ""
    path: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How long it will still take, by an estimate that was told at a time."""

    seconds: float
    low_s: float
    high_s: float
    researches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the events of a research tell.

    Args:
        last: the number of the last one; 0 before the first.
        phases: in order.
        sources: what was found, each once, in the order of finding.
        sentences: that were written so far.
        cost: in US dollars; ``None`` while none was told.
        left: the estimate, counted down to now; ``None`` without one.
        bars: of the timeline.
        sources_over_time, sentences_over_time: ``(seconds, count)``, growing.
        elapsed_s: since it was started; 0 before.
        waits: who does not answer and is waited for, as a sentence; "" for nobody.
    """

    last: int = 0
    phases: tuple[Phase, ...] = ()
    sources: tuple[Found, ...] = ()
    sentences: int = 0
    cost: float | None = None
    left: Left | None = None
    bars: tuple[Bar, ...] = ()
    sources_over_time: tuple[tuple[float, int], ...] = ()
    sentences_over_time: tuple[tuple[float, int], ...] = ()
    elapsed_s: float = 0.0
    waits: str = ""


@dataclass(slots=True)
class _Reading:
    sources: dict[str, Found] = field(default_factory=dict[str, Found])
    sentences: dict[object, int] = field(default_factory=dict[object, int])
    grown: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    written: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])


def progress_of(
    job: Job, mode: ResearchMode, events: Sequence[Event], report: Report | None, *, now: float
) -> Progress:
    """What is known of a research.

    Args:
        job: as it is now.
        mode: of the research.
        events: all of them.
        report: where there is one; its times are exact.
        now: seconds since the epoch.
    """
    began = job.started_at
    end = job.completed_at or now
    read = _Reading()
    for event in events:
        _take(read, event, began or event.at)
    exact = report.facts.timeline if report and job.attempt == 1 else ()
    running = job.status is JobStatus.RUNNING
    return Progress(
        last=events[-1].number if events else 0,
        phases=_phases(job, mode, events),
        sources=tuple(read.sources.values()),
        sentences=sum(read.sentences.values()),
        cost=job.cost if job.status.final else _cost(events),
        left=_left(events, now) if running else None,
        bars=tuple(bars_of_report(exact) if exact else _bars(job, events)),
        sources_over_time=tuple(read.grown),
        sentences_over_time=tuple(read.written),
        elapsed_s=max(0.0, end - began) if began is not None else 0.0,
        waits=_waits(events) if running else "",
    )


def bars_of_report(spans: Iterable[StepSpan]) -> Iterator[Bar]:
    """The steps of a run as they were timed."""
    for span in sorted(spans, key=lambda one: (one.start_s, one.end_s)):
        words = reversed(span.step.split("/"))
        lane = next((LANE_OF_STEP[word] for word in words if word in LANE_OF_STEP), None)
        if lane is not None:
            label = span.title or lane
            yield Bar(lane=lane, label=label, start_s=span.start_s, end_s=span.end_s)


def planned_titles(events: Iterable[Event]) -> list[str]:
    """The titles of the sections, as the last plan has them."""
    titles: list[str] = []
    for event in events:
        if event.type in {"plan", "approved"} and event.data.get("sections"):
            titles = [str(one.get("title", "")) for one in _objects(event.data, "sections")]
    return titles


def _take(read: _Reading, event: Event, began: float) -> None:
    at = max(0.0, event.at - began)
    if event.type == "source":
        for one in _objects(event.data, "sources"):
            found = _found(one)
            read.sources.setdefault(found.source_id, found)
        read.grown.append((at, len(read.sources)))
    elif event.type == "draft":
        claims = event.data.get("claims")
        read.sentences[event.data.get("section")] = claims if isinstance(claims, int) else 0
        read.written.append((at, sum(read.sentences.values())))


def _found(told: Data) -> Found:
    names = ("source_id", "title", "url", "path", "provider")
    return Found(**{name: str(told.get(name) or "") for name in names})


def _objects(data: Data, name: str) -> list[Data]:
    value = data.get(name)
    if not isinstance(value, list):
        return []
    return [cast("Data", one) for one in cast("list[object]", value) if isinstance(one, Mapping)]


def _cost(events: Sequence[Event]) -> float | None:
    told = [event.data["cost"] for event in events if "cost" in event.data]
    return float(told[-1]) if told and isinstance(told[-1], int | float) else None


def _left(events: Sequence[Event], now: float) -> Left | None:
    told = next((event for event in reversed(events) if event.type == "estimate"), None)
    if told is None:
        return None
    passed = max(0.0, now - told.at)

    def less(name: str) -> float:
        value = told.data.get(name)
        return max(0.0, (float(value) if isinstance(value, int | float) else 0.0) - passed)

    samples = told.data.get("researches")
    return Left(
        seconds=less("remaining_s"),
        low_s=less("low_s"),
        high_s=less("high_s"),
        researches=samples if isinstance(samples, int) else 0,
    )


def _waits(events: Sequence[Event]) -> str:
    if not events or events[-1].type != "waiting":
        return ""
    data = events[-1].data
    return f"waits for {data.get('provider', 'a provider')}: {data.get('why', '')}"


def _phases(job: Job, mode: ResearchMode, events: Sequence[Event]) -> tuple[Phase, ...]:
    lanes = [one for one in Lane if one is not Lane.READ or mode is not ResearchMode.LINEAR]
    told = {LANE_OF_EVENT[event.type] for event in events if event.type in LANE_OF_EVENT}
    if job.status is JobStatus.COMPLETED:
        return tuple(Phase(lane=lane, stand=Stand.DONE) for lane in lanes)
    furthest = max((lanes.index(lane) for lane in told if lane in lanes), default=-1)
    sections = len(planned_titles(events))
    searched = {event.data.get("section") for event in events if event.type == "source"}
    drafted = {event.data.get("section") for event in events if event.type == "draft"}
    whole = {
        Lane.PLAN: Lane.PLAN in told,
        Lane.SEARCH: bool(sections) and len(searched) >= sections,
        Lane.READ: bool(sections) and len(drafted) >= sections,
        Lane.WRITE: bool(sections) and len(drafted) >= sections,
        Lane.VERIFY: Lane.VERIFY in told,
    }
    found: list[Phase] = []
    for place, lane in enumerate(lanes):
        stand = Stand.DONE if whole[lane] else Stand.TODO
        before = place == 0 or whole[lanes[place - 1]]
        if (
            stand is Stand.TODO
            and job.status is JobStatus.RUNNING
            and (place <= furthest or before)
        ):
            stand = Stand.NOW
        found.append(Phase(lane=lane, stand=stand))
    return tuple(found)


def _bars(job: Job, events: Sequence[Event]) -> Iterator[Bar]:
    began = job.started_at
    if began is None:
        return
    titles = planned_titles(events)
    last: dict[object, float] = {}
    floor = 0.0
    open_sections: dict[object, Lane] = {}
    for event in events:
        at = event.at - began
        lane = LANE_OF_EVENT.get(event.type)
        if event.type == "approved":
            floor = max(0.0, at)
        if lane is None or at < 0:  # told by an attempt before this one
            continue
        section = event.data.get("section")
        start = max(
            last.get(section, floor), floor if section is not None else max([floor, *last.values()])
        )
        yield Bar(lane=lane, label=_label(lane, section, titles), start_s=start, end_s=at)
        last[section] = at
        if lane is Lane.PLAN:
            floor = at
            open_sections = dict.fromkeys(range(len(titles)), Lane.SEARCH)
        elif lane is Lane.WRITE:
            open_sections.pop(section, None)
        elif section is not None:
            open_sections[section] = Lane.WRITE
    if job.status is JobStatus.RUNNING:
        yield from _open(open_sections, last, floor, titles, planned=bool(titles))


def _open(
    sections: Mapping[object, Lane],
    last: Mapping[object, float],
    floor: float,
    titles: Sequence[str],
    *,
    planned: bool,
) -> Iterator[Bar]:
    if not planned:
        yield Bar(lane=Lane.PLAN, label=Lane.PLAN, start_s=floor, end_s=None)
    elif not sections:
        start = max([floor, *last.values()])
        yield Bar(lane=Lane.VERIFY, label=Lane.VERIFY, start_s=start, end_s=None)
    for section, lane in sections.items():
        start = last.get(section, floor)
        yield Bar(lane=lane, label=_label(lane, section, titles), start_s=start, end_s=None)


def _label(lane: Lane, section: object, titles: Sequence[str]) -> str:
    if isinstance(section, int) and 0 <= section < len(titles):
        return titles[section]
    return lane
