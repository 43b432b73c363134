"""The screen of a running command: one line a research and the totals below, on stderr.

On a terminal the lines are drawn anew a few times a second; elsewhere each finished research is
one plain line. The rendering is pure; ``Display`` puts it on the screen.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from wiseflow.core.calls import Totals
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.money import money

if TYPE_CHECKING:  # rich is slow to import, and only a terminal needs it
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from wiseflow.library.tally import IngestProgress

BAR_WIDTH = 20
# All widths are in cells of a terminal: a Chinese character takes two.
LIVE_BAR_WIDTHS = (8, 12)
LIVE_TITLE_WIDTHS = (16, 44)
LIVE_NOTE_WIDTH = 24
PLAIN_TITLE_WIDTH = 70
LEAST_TITLE_WIDTH = 8
INDENT = "    "
MOST_LINES = 20
REFRESH_PER_S = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How many seconds a research is expected to take still, and the range of 90 %."""

    seconds: float
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What is known of a running command at one moment.

    Args:
        total: how many researches it has.
        ended: how many ended, by status.
        running: the ones that run now.
        notes: what a running one does, by job id (its last event, in words).
        sources: how many sources a running one has found, by job id.
        left: the seconds that a running one is expected to take still, with the range in which
            nine of ten end, by job id.
        elapsed_s: since the command began.
        spent: what its calls to models and searches came to.
        holding: which limit holds work back, or "".
    """

    total: int
    ended: Mapping[JobStatus, int]
    running: Sequence[Job] = ()
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Mapping[str, int] = field(default_factory=dict[str, int])
    left: Mapping[str, Left] = field(default_factory=dict[str, "Left"])
    elapsed_s: float = 0.0
    spent: Totals = field(default_factory=Totals)
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

    @property
    def expected(self) -> Left | None:
        """What is expected of the last to end, when all that is left runs and each is expected."""
        lefts = [self.left.get(job.job_id) for job in self.running]
        known = [left for left in lefts if left is not None]
        if not known or len(known) < self.total - self.done:
            return None
        return max(known, key=lambda left: left.seconds)


def render_bar(fraction: float, width: int = BAR_WIDTH) -> str:
    """A bar of ``width`` characters, filled by ``fraction`` (0.0 to 1.0)."""
    filled = round(max(0.0, min(1.0, fraction)) * width)
    return "━" * filled + "─" * (width - filled)


def render_line(job: Job, view: RunView, width: int) -> str:
    """One running research in at most ``width`` cells: title, bar, sources, what it does."""
    middle = f" {job.progress:>4.0%} {view.sources.get(job.job_id, 0):>3} sources  "
    least_title, most_title = LIVE_TITLE_WIDTHS
    least_bar, most_bar = LIVE_BAR_WIDTHS
    room = width - len(middle) - 1
    title = clamp(room - most_bar - LIVE_NOTE_WIDTH, least_title, most_title)
    bar = clamp(room - title - LIVE_NOTE_WIDTH, least_bar, most_bar)
    note = shorten(view.notes.get(job.job_id, ""), max(0, room - title - bar))
    line = f"{pad(shorten(job.title, title), title)} {render_bar(job.progress, bar)}{middle}{note}"
    return shorten_end(line.rstrip(), width)


def render_totals(view: RunView, width: int | None = None) -> str:
    """The line below: how many of what, what holds work back, how long still.

    Args:
        view: what is known.
        width: in cells; what does not fit is left out, the last parts first. ``None`` for no limit.
    """
    # In one order whatever ended first, so that the line does not jump.
    counts = [(view.ended.get(status, 0), status) for status in JobStatus]
    states = ", ".join(f"{count} {status}" for count, status in counts if count)
    waiting = view.total - view.done - len(view.running)
    parts = [f"{view.done}/{view.total} done" + (f" ({states})" if states else "")]
    if waiting:
        parts.append(f"{waiting} waiting" + (f" for {view.holding}" if view.holding else ""))
    if view.expected is not None:
        parts.append(render_left(view.expected))
    elif view.remaining_s is not None and view.done < view.total:
        parts.append(f"~{render_duration(view.remaining_s)} left")
    if view.running:
        parts.append(f"{len(view.running)} running")
    if view.spent.calls:
        parts.append(render_spent(view.spent))
    parts.append(f"{render_duration(view.elapsed_s)} elapsed")
    return join_parts(parts, width)


def render_left(left: Left) -> str:
    """The time left with its range: ``~12 s left (8.0 s to 20 s)``."""
    span = f"{render_duration(left.low_s)} to {render_duration(left.high_s)}"
    return f"~{render_duration(left.seconds)} left ({span})"


def render_spent(spent: Totals) -> str:
    """Calls, tokens and cost: ``12 calls, 34,567 tokens, 0.0123 USD``."""
    return f"{spent.calls:,} calls, {spent.tokens:,} tokens, {money(spent.cost)}"


def render_reading(progress: IngestProgress, width: int) -> str:
    """How far the reading of documents is, in at most ``width`` cells; "" before it begins."""
    if not progress.files_total:
        return ""
    parts = [
        f"{progress.files_done:,}/{progress.files_total:,} files",
        f"{progress.passages:,} passages",
    ]
    if progress.passages_indexed:
        parts.append(f"{progress.passages_indexed:,} indexed")
    if progress.current:
        name = "/".join(Path(progress.current).parts[-2:])
        left = width - cells(" · ".join([*parts, ""]))
        parts.append(shorten_start(show_path(name), max(LEAST_TITLE_WIDTH, left)))
    return join_parts(parts, width)


def render_ended(job: Job, number: int, total: int, width: int | None = None) -> str:
    """A research that has ended: its status, id, duration, title, and why it failed.

    Args:
        job: the research.
        number: how many have ended with it.
        total: how many there are.
        width: of the terminal in cells, where the reason has lines of its own; ``None`` for one
            plain line.
    """
    partial = " (partial)" if job.partial else ""
    took = render_duration((job.completed_at or 0.0) - (job.started_at or job.completed_at or 0.0))
    line = f"[{number}/{total}] {job.status}{partial}  {job.job_id}  {took}"
    left = PLAIN_TITLE_WIDTH if width is None else width - len(line) - 2
    if left >= LEAST_TITLE_WIDTH:
        line = f"{line}  {shorten(job.title, left)}"
    reason = " ".join(job.error.split())
    if not reason:
        return line
    if width is None:
        return f"{line}: {reason}"
    indented = textwrap.wrap(
        reason, width, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False
    )
    return "\n".join([line, *indented])


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


def cells(text: str) -> int:
    """How many cells of a terminal ``text`` takes.

    Source: Unicode Standard Annex 11, "East Asian Width": wide and full-width characters take two;
    marks that combine with the character before them and format characters take none.
    """
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def shorten(text: str, width: int) -> str:
    """``text`` on one line of at most ``width`` cells."""
    return shorten_end(" ".join(text.split()), width)


def shorten_end(line: str, width: int) -> str:
    """The beginning of ``line``, at most ``width`` cells of it."""
    return (
        line if cells(line) <= width else f"{_fitting(line, width - 1).rstrip()}…"[: max(0, width)]
    )


def shorten_start(line: str, width: int) -> str:
    """The end of ``line``, at most ``width`` cells of it."""
    if cells(line) <= width:
        return line
    return f"…{_fitting(line[::-1], width - 1)[::-1]}"[: max(0, width)]


def pad(text: str, width: int) -> str:
    """``text`` with blanks behind it up to ``width`` cells."""
    return text + " " * (width - cells(text))


def clamp(value: int, least: int, most: int) -> int:
    """``value``, but not less than ``least`` and not more than ``most``."""
    return max(least, min(most, value))


def join_parts(parts: Sequence[str], width: int | None) -> str:
    """The first parts as far as they fit ``width`` cells together, divided by dots."""
    line = " · ".join(parts)
    if width is None or cells(line) <= width:
        return line
    return join_parts(parts[:-1], width) if len(parts) > 1 else shorten_end(line, width)


def most_lines(height: int) -> int:
    """How many researches a screen of ``height`` lines shows; two lines below tell of the rest."""
    return clamp(height - 3, 1, MOST_LINES)


def output_width() -> int | None:
    """The width of the terminal that stdout is, or ``None`` when it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


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

    @property
    def width(self) -> int | None:
        """The width of the live screen in cells, or ``None`` without one."""
        return None if self._live is None else self._live.console.width

    def show(self, view: RunView) -> None:
        """Draw the running researches and the totals."""
        if self._live is not None:
            size = self._live.console.size
            self._live.update(_lines(view, size.width, most_lines(size.height)))

    def show_reading(self, progress: IngestProgress) -> None:
        """Draw how far the reading of documents is."""
        if self._live is not None:
            self._live.update(_line(render_reading(progress, self._live.console.width)))

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


def _lines(view: RunView, width: int, most: int) -> Group:
    from rich.console import Group  # noqa: PLC0415 - slow; a terminal only

    running = [_line(render_line(job, view, width)) for job in view.running[:most]]
    more = len(view.running) - most
    if more > 0:
        running.append(_line(f"… and {more} more"))
    return Group(*running, _line(render_totals(view, width), style="bold"))


def _line(text: str, *, style: str = "") -> Text:
    from rich.text import Text  # noqa: PLC0415 - slow; a terminal only

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitting(text: str, width: int) -> str:
    taken = 0
    for place, character in enumerate(text):
        taken += _cells_of(character)
        if taken > width:
            return text[:place]
    return text
