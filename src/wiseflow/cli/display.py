"""The screen of a running command: one line a research and the totals below, on stderr.

On a terminal the lines are drawn anew a few times a second; elsewhere each finished research is
one plain line. The rendering is pure; ``Display`` puts it on the screen.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from wiseflow.core.jobs import Job, JobStatus

if TYPE_CHECKING:  # rich is slow to import, and only a terminal needs it
    from rich.console import Group
    from rich.live import Live

BAR_WIDTH = 20
TITLE_WIDTH = 44
MOST_LINES = 20
REFRESH_PER_S = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What is known of a running command at one moment.

    Args:
        total: how many researches it has.
        ended: how many ended, by status.
        running: the ones that run now.
        notes: what a running one does, by job id (its last event, in words).
        sources: how many sources a running one has found, by job id.
        elapsed_s: since the command began.
        holding: which limit holds work back, or "".
    """

    total: int
    ended: Mapping[JobStatus, int]
    running: Sequence[Job] = ()
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Mapping[str, int] = field(default_factory=dict[str, int])
    elapsed_s: float = 0.0
    holding: str = ""

    @property
    def done(self) -> int:
        """How many researches have ended."""
        return sum(self.ended.values())

    @property
    def remaining_s(self) -> float | None:
        """The estimated time left, from the rate so far; ``None`` before the first has ended."""
        started = self.done + sum(job.progress for job in self.running)
        if self.done == 0 or started <= 0:
            return None
        return self.elapsed_s / started * (self.total - started)


def render_bar(fraction: float, width: int = BAR_WIDTH) -> str:
    """A bar of ``width`` characters, filled by ``fraction`` (0.0 to 1.0)."""
    filled = round(max(0.0, min(1.0, fraction)) * width)
    return "━" * filled + "─" * (width - filled)


def render_line(job: Job, view: RunView) -> str:
    """One running research: state, bar, sources, what it does."""
    title = shorten(job.title, TITLE_WIDTH)
    sources = view.sources.get(job.job_id, 0)
    return (
        f"{title:<{TITLE_WIDTH}} {render_bar(job.progress)} {job.progress:>4.0%} "
        f"{sources:>3} sources  {view.notes.get(job.job_id, '')}"
    )


def render_totals(view: RunView) -> str:
    """The line below: how many of what, how long, how long still, and what holds work back."""
    states = ", ".join(f"{count} {status}" for status, count in view.ended.items() if count)
    waiting = view.total - view.done - len(view.running)
    parts = [f"{view.done}/{view.total} done" + (f" ({states})" if states else "")]
    parts.append(f"{len(view.running)} running")
    if waiting:
        parts.append(f"{waiting} waiting" + (f" for {view.holding}" if view.holding else ""))
    parts.append(f"{render_duration(view.elapsed_s)} elapsed")
    if view.remaining_s is not None and view.done < view.total:
        parts.append(f"about {render_duration(view.remaining_s)} left")
    return " · ".join(parts)


def render_ended(job: Job, number: int, total: int) -> str:
    """One plain line for a research that has ended."""
    reason = f": {job.error}" if job.error else ""
    partial = " (partial)" if job.partial else ""
    took = render_duration((job.completed_at or 0.0) - (job.started_at or job.completed_at or 0.0))
    return (
        f"[{number}/{total}] {job.status}{partial}  {shorten(job.title, 70)}  "
        f"{took}  {job.job_id}{reason}"
    )


def render_duration(seconds: float) -> str:
    """Seconds for a person: ``0.3 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:  # noqa: PLR2004 - below ten seconds the tenths matter
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def shorten(text: str, width: int) -> str:
    """``text`` on one line of at most ``width`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def show_path(path: str) -> str:
    """A path on one line: control characters in it are escaped, so that none reaches a terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in path
    )


class Display:
    """The live screen, or plain lines where stderr is not a terminal.

    Args:
        quiet: say nothing but errors.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and not quiet
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._terminal:
            from rich.console import Console  # noqa: PLC0415 - slow; a terminal only
            from rich.live import Live  # noqa: PLC0415

            self._live = Live(
                console=Console(stderr=True), refresh_per_second=REFRESH_PER_S, transient=True
            )
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None

    @property
    def live(self) -> bool:
        """Whether the screen shows running researches, so that their details are worth reading."""
        return self._live is not None

    def show(self, view: RunView) -> None:
        """Draw the running researches and the totals."""
        if self._live is not None:
            self._live.update(_lines(view))

    def say(self, line: str) -> None:
        """Print one line above the running ones."""
        if self._quiet:
            return
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            # Nobody reads it, or the disk it goes to is full: no reason to stop the researches.
            with contextlib.suppress(OSError):
                click.echo(line, err=True)


def _lines(view: RunView) -> Group:
    from rich.console import Group  # noqa: PLC0415 - slow; a terminal only
    from rich.text import Text  # noqa: PLC0415

    running = [Text(render_line(job, view), no_wrap=True) for job in view.running[:MOST_LINES]]
    more = len(view.running) - MOST_LINES
    if more > 0:
        running.append(Text(f"… and {more} more"))
    return Group(*running, Text(render_totals(view), style="bold"))
