"""Times, amounts and events in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import cast

from wiseflow.core.jobs import Event, Job, JobStatus
from wiseflow.core.money import money

Data = Mapping[str, object]
MINUTE_S, HOUR_S, DAY_S, WEEK_S = 60, 3_600, 86_400, 604_800
STATUS = {
    JobStatus.AWAITING_APPROVAL: "awaits approval",
    JobStatus.PENDING: "queued",
    JobStatus.RUNNING: "running",
    JobStatus.COMPLETED: "done",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
LONGEST_VALUE = 160
CLOCK_FROM_S = 10.0


def status_word(job: Job) -> str:
    """What a research does, in a word or three."""
    if job.status is JobStatus.RUNNING and job.cancel_requested:
        return "stopping"
    if job.status is JobStatus.COMPLETED and job.partial:
        return "done in part"
    return STATUS[job.status]


def exact_time(at: float) -> str:
    """A time in full, in UTC: ``2026-03-01 12:00:05 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso_time(at: float) -> str:
    """A time as programs read it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def ago(at: float, now: float) -> str:
    """How long ago: ``just now``, ``5 min ago``, ``3 h ago``, ``2 days ago``; then the date."""
    passed = now - at
    if passed < MINUTE_S:
        return "just now"
    if passed < HOUR_S:
        return f"{int(passed // MINUTE_S)} min ago"
    if passed < DAY_S:
        return f"{int(passed // HOUR_S)} h ago"
    if passed < WEEK_S:
        days = int(passed // DAY_S)
        return "yesterday" if days == 1 else f"{days} days ago"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def ahead(at: float, now: float) -> str:
    """How far ahead: ``now``, ``in 5 min``, ``in 3 h 20 min``, ``in 2 days``; then the date."""
    left = at - now
    if left < MINUTE_S:
        return "now"
    if left < DAY_S:
        return f"in {lasted(left)}"
    if left < WEEK_S:
        days = round(left / DAY_S)
        return "in a day" if days == 1 else f"in {days} days"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def clock(seconds: float) -> str:
    """A duration as a clock shows it: ``0.4 s``, ``0:17``, ``2:58``, ``1:04:10``."""
    if 0 < seconds < CLOCK_FROM_S:
        return f"{seconds:.1f} s"
    return face(seconds)


def face(seconds: float) -> str:
    """A duration in minutes and seconds, and in hours where there are some."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lasted(seconds: float) -> str:
    """A duration in words: ``0.4 s``, ``12 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 9.95:  # noqa: PLR2004 - below ten seconds the tenths matter
        return f"{seconds:.1f} s"
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{round(seconds / MINUTE_S)} min"
    return f"{int(seconds // HOUR_S)} h {int(seconds % HOUR_S // MINUTE_S)} min"


def took(seconds: float) -> str:
    """How long an answer took: ``4 ms``, ``340 ms``, ``1.2 s``, ``12 s``."""
    if not seconds:
        return "0"
    if seconds < 0.9995:  # noqa: PLR2004 - below a second the thousandths matter
        return f"{seconds * 1000:.0f} ms"
    return lasted(seconds)


def number(value: float) -> str:
    """A number that need not be whole: ``0``, ``0.4``, ``12``, ``1,204``."""
    # Below ten the tenths matter, where there are any.
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")  # noqa: PLR2004


def percent(share: float) -> str:
    """A share of one: ``53 %``."""
    return f"{100 * share:.0f} %"


def price(amount: float | None) -> str:
    """An amount of money, or a dash where it is not known."""
    return "–" if amount is None else money(amount)


def size(count: float) -> str:
    """Bytes: ``512 B``, ``3.1 kB``, ``4.1 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - units of a thousand
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"  # noqa: PLR2004
        count /= 1000
    return f"{count:.1f} TB"


def told(event: Event) -> str:
    """What an event tells, as a line for people."""
    tell = _TOLD.get(event.type)
    if tell is not None:
        return tell(event.data)
    pairs = (
        f"{name}: {value}"
        for name, value in event.data.items()
        if value is not None and value != ""
    )
    return ", ".join(pairs)[:LONGEST_VALUE]


def _reading(data: Data) -> str:
    outcome = "answered" if data.get("answered") else _count(data, "questions", "question")
    return f"{data.get('question', '')}: {outcome}"


def _verdict(data: Data) -> str:
    names = ("supported", "unsupported", "unverified")
    counts = ", ".join(f"{data.get(name, 0)} {name}" for name in names)
    return f"{data.get('citations', 0)} citations: {counts}"


def _critique(data: Data) -> str:
    remarks = _count(data, "remarks", "remark")
    return "nothing is to be mended" if not _listed(data, "remarks") else remarks


def _estimate(data: Data) -> str:
    left = data.get("remaining_s")
    return f"about {lasted(left)} left" if isinstance(left, int | float) else ""


def _listed(data: Data, name: str) -> list[object]:
    value = data.get(name)
    return list(cast("list[object]", value)) if isinstance(value, list) else []


def _count(data: Data, name: str, word: str) -> str:
    number = len(_listed(data, name))
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


_TOLD: Mapping[str, Callable[[Data], str]] = {
    "plan": lambda data: f"“{data.get('title', '')}”, {_count(data, 'sections', 'section')}",
    "query": lambda data: "; ".join(map(str, _listed(data, "queries"))),
    "source": lambda data: f"{_count(data, 'sources', 'source')} found",
    "draft": lambda data: f"“{data.get('title', '')}”, {data.get('claims', 0)} sentences",
    "reading": _reading,
    "critique": _critique,
    "verdict": _verdict,
    "estimate": _estimate,
}
