"""The figures of the last hour, each with its lines, its words and its table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wiseflow.app.metering.series import PerformanceSample
from wiseflow.server.pages.charts import Chart
from wiseflow.server.pages.line_charts import MOST_LINES, Line, Scale, lines
from wiseflow.server.pages.spans import (
    DRAWN,
    Range,
    Samples,
    Span,
    mean,
    most,
    per_minute,
    spans,
    total,
)
from wiseflow.server.pages.words import lasted, number, percent, size, took

Quantity = Callable[[Samples], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its chart.

    Args:
        name: what it is.
        value: now, in words.
        note: what that means, and what it was over the whole time, in a sentence.
        chart: how it went; ``None`` where there is nothing to draw, and the note says why.
    """

    name: str
    value: str
    note: str = ""
    chart: Chart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a figure is made from.

    Args:
        name: of the figure.
        lines: the name of each line and what it shows of some samples.
        shown: a value in words.
        now: the value that is told first, of the latest samples.
        note: what is said of all samples of the range.
        top: the least value at the top of the scale.
    """

    name: str
    lines: Sequence[tuple[str, Quantity]]
    shown: Callable[[float], str]
    now: Callable[[Samples], str]
    note: Callable[[Samples], str]
    top: float


def figures(samples: Samples, *, over: Range, at: float) -> tuple[Figure, ...]:
    """All figures of a range.

    Args:
        samples: at least one, oldest first.
        over: the range.
        at: seconds since the epoch.
    """
    drawn = spans(samples, until=at, range_s=over.seconds, count=DRAWN)
    told = spans(samples, until=at, range_s=over.seconds, count=over.rows)
    seen = [one for span in drawn for one in span.samples] or list(samples[-1:])
    latest = next((span.samples for span in reversed(drawn) if span.samples), seen)
    return tuple(
        Figure(
            name=one.name,
            value=one.now(latest),
            note=one.note(seen),
            chart=_chart(one, drawn, told, over),
        )
        for one in _subjects(seen)
    )


def _chart(
    subject: Subject, drawn: Sequence[Span], told: Sequence[Span], over: Range
) -> Chart | None:
    found = [
        Line(name=name, values=[of(span.samples) for span in drawn]) for name, of in subject.lines
    ]
    if all(value is None for line in found for value in line.values):
        return None
    half = "30 min" if over is Range.HOUR else "7.5 min"
    scale = Scale(shown=subject.shown, top=subject.top, ends=(f"{over.words} ago", half, "now"))
    chart = lines(subject.name, found, scale)
    head = ("From (UTC)", *(name for name, _ in subject.lines))
    rows = tuple(_row(subject, span) for span in told if span.samples)
    return replace(chart, head=head, rows=rows)


def _row(subject: Subject, span: Span) -> tuple[str, ...]:
    values = [of(span.samples) for _, of in subject.lines]
    words = ("–" if value is None else subject.shown(value) for value in values)
    return (datetime.fromtimestamp(span.start, UTC).strftime("%H:%M"), *words)


def _subjects(seen: Samples) -> Sequence[Subject]:
    """The figures in the order of the page; which limits there are is found in the samples."""
    return (_machine(), _jobs(), _api(), _queue(), _places(), _limits(seen), _calls(), _errors())


def _machine() -> Subject:
    def now(latest: Samples) -> str:
        cpu, memory = mean(latest, _cpu), mean(latest, _memory)
        return f"{percent(cpu or 0)} · {percent(memory or 0)}"

    def note(seen: Samples) -> str:
        last = seen[-1]
        return (
            "Of the cores and the memory that it may use, with all else that runs here. Itself: "
            f"{last.own_cores:.1f} cores and {size(last.memory_bytes)}."
        )

    return Subject(
        name="CPU and memory",
        lines=(
            ("CPU", lambda some: mean(some, _cpu)),
            ("memory", lambda some: mean(some, _memory)),
        ),
        shown=percent,
        now=now,
        note=note,
        top=1.0,
    )


def _jobs() -> Subject:
    def note(seen: Samples) -> str:
        ended, failed = total(seen, lambda one: one.jobs_ended), total(seen, _jobs_failed)
        if not ended:
            return "No job has ended in this process."
        return f"{_of(ended, 'job')} ended in this process, {failed or 'none'} of them failed."

    def ended(some: Samples) -> float | None:
        return per_minute(some, lambda one: one.jobs_ended)

    return Subject(
        name="Jobs per minute",
        lines=(("ended", ended), ("failed", lambda some: per_minute(some, _jobs_failed))),
        shown=number,
        now=lambda latest: number(ended(latest) or 0),
        note=note,
        top=1.0,
    )


def _api() -> Subject:
    def now(latest: Samples) -> str:
        p50, p95 = _p50(latest), _p95(latest)
        return "–" if p50 is None or p95 is None else f"{took(p50)} / {took(p95)}"

    def note(seen: Samples) -> str:
        answers = total(seen, lambda one: one.api.count)
        if not answers:
            return "Nobody has asked this process for anything yet."
        failed = total(seen, lambda one: one.api.failed)
        return (
            f"Half of the answers, and 95 of 100, took no longer. {_of(answers, 'answer')}, "
            f"{failed or 'none'} of them an error of the server."
        )

    return Subject(
        name="API latency p50 / p95",
        lines=(("p50", _p50), ("p95", _p95)),
        shown=took,
        now=now,
        note=note,
        top=0.01,
    )


def _queue() -> Subject:
    def now(latest: Samples) -> str:
        pending = latest[-1].pending
        return "–" if pending is None else number(pending)

    def note(seen: Samples) -> str:
        last = seen[-1]
        if last.pending is None:
            return "The database did not tell how many wait when it was asked last."
        if not last.pending:
            return "Nothing waits, in any instance."
        if not last.oldest_s:
            return "Jobs of all instances, messages to webhooks too; none of them is due yet."
        return (
            f"Jobs of all instances that wait; the first that is due for {lasted(last.oldest_s)}."
        )

    return Subject(
        name="Queue",
        lines=(("waiting", lambda some: mean(some, lambda one: one.pending)),),
        shown=number,
        now=now,
        note=note,
        top=1.0,
    )


def _places() -> Subject:
    def use(some: Samples) -> float | None:
        return mean(some, lambda one: one.worker_use if one.places else None)

    def now(latest: Samples) -> str:
        last = latest[-1]
        return f"{last.running} of {last.places}" if last.places else "–"

    def note(seen: Samples) -> str:
        used = use(seen)
        if used is None:
            return "No worker runs in this process: researches run in those of `wiseflow worker`."
        return f"Places of this process's worker that have a job; {percent(used)} on average."

    return Subject(
        name="Worker in use", lines=(("taken", use),), shown=percent, now=now, note=note, top=1.0
    )


def _limits(seen: Samples) -> Subject:
    """The limits that are used most; what is used beyond one was answered all the same."""

    def most_used(provider: str) -> float:
        return most(seen, _use_of(provider)) or 0.0

    known = {name for one in seen for name, use in one.limits.items() if use.used}
    names = sorted(known, key=lambda name: (-most_used(name), name))[:MOST_LINES]

    def now(latest: Samples) -> str:
        return percent(latest[-1].limit_use) if names else "–"

    def note(samples: Samples) -> str:
        if not names:
            return "No provider with a known limit was asked yet."
        waiting = sum(use.waiting for use in samples[-1].limits.values())
        top = most(samples, lambda one: one.limit_use) or 0.0
        return f"At most {percent(top)} of a limit was used; {_of(waiting, 'call')} wait now."

    return Subject(
        name="Limits in use",
        lines=tuple((name, _mean_use(name)) for name in names),
        shown=percent,
        now=now,
        note=note,
        top=1.0,
    )


def _calls() -> Subject:
    def made(some: Samples) -> float | None:
        return per_minute(some, lambda one: one.calls_made)

    def note(seen: Samples) -> str:
        calls = total(seen, lambda one: one.calls_made)
        if not calls:
            return "Nobody outside was asked."
        return f"{_of(calls, 'call')} to models, searches and pages; by provider below."

    return Subject(
        name="Calls per minute",
        lines=(("calls", made),),
        shown=number,
        now=lambda latest: number(made(latest) or 0),
        note=note,
        top=1.0,
    )


def _errors() -> Subject:
    def note(seen: Samples) -> str:
        failed = total(seen, lambda one: one.errors)
        if not failed:
            return "Nothing failed."
        calls, jobs = total(seen, _calls_failed), total(seen, _jobs_failed)
        return f"{calls} calls, {jobs} jobs and {failed - calls - jobs} answers failed."

    return Subject(
        name="Errors per minute",
        lines=(
            ("calls", lambda some: per_minute(some, _calls_failed)),
            ("jobs", lambda some: per_minute(some, _jobs_failed)),
            ("API", lambda some: per_minute(some, lambda one: one.api.failed)),
        ),
        shown=number,
        now=lambda latest: number(per_minute(latest, lambda one: one.errors) or 0),
        note=note,
        top=1.0,
    )


def _cpu(one: PerformanceSample) -> float:
    return one.cpu_use


def _memory(one: PerformanceSample) -> float:
    return one.memory_use


def _jobs_failed(one: PerformanceSample) -> int:
    return one.jobs_failed


def _calls_failed(one: PerformanceSample) -> int:
    return sum(calls.failed for calls in one.calls.values())


def _p50(samples: Samples) -> float | None:
    """The middle of the samples' own, each as often as it has answers."""
    weighted = [(one.api.p50_s, one.api.count) for one in samples if one.api.p50_s is not None]
    count = sum(number for _, number in weighted)
    return sum((value or 0.0) * number for value, number in weighted) / count if count else None


def _p95(samples: Samples) -> float | None:
    """The most of the samples' own: never less than that of all answers together."""
    return most(samples, lambda one: one.api.p95_s)


def _use_of(provider: str) -> Callable[[PerformanceSample], float | None]:
    def use(one: PerformanceSample) -> float | None:
        limits = one.limits.get(provider)
        return None if limits is None else max(limits.used.values(), default=None)

    return use


def _mean_use(provider: str) -> Quantity:
    return lambda some: mean(some, _use_of(provider))


def _of(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
