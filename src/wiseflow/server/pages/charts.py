"""Charts as SVG: places in per cent, so that they fit any width with their text as it is.

No attribute ``style`` and no script, as the pages' policy forbids both; colours are the page's,
by class. Every chart has a table beside it that says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from wiseflow.server.pages.progress import Bar, Lane
from wiseflow.server.pages.words import clock, face, lasted

LABELS = 13.0  # per cent of the width that the names of the lanes take
ROW, THICK, TOP, FOOT = 12, 7, 6, 22
MOST_ROWS = 60
TICKS = 5
SHORT_S = 10.0  # below it, parts of a second matter
PLOT_WIDTH, PLOT_HEIGHT = 300, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing and the table that says the same.

    Args:
        title: what it shows.
        svg: the drawing.
        head: of the table's columns.
        rows: of the table.
        names: of its lines, where there are several.
    """

    title: str
    svg: Markup
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()


def timeline(bars: Sequence[Bar], *, now_s: float, running: bool) -> Chart:
    """The steps of a research, one a row.

    Args:
        bars: in the order of beginning.
        now_s: how long the research has run.
        running: whether it goes on: then a line shows where it is.
    """
    order = list(Lane)
    rows = sorted(bars, key=lambda bar: (order.index(bar.lane), bar.start_s))
    shown = rows[:MOST_ROWS]
    whole = max([now_s, *(bar.end_s or 0.0 for bar in bars)], default=0.0) or 1.0
    whole *= 1.08 if running else 1.0
    height = TOP + ROW * max(len(shown), 1) + FOOT
    parts: list[Markup] = [*_grid(whole, height)]
    lane: Lane | None = None
    for at, bar in enumerate(shown):
        y = TOP + ROW * at
        if bar.lane is not lane:
            lane = bar.lane
            parts.append(_text("0%", y + THICK + 1, lane))
        parts.append(_span(bar, y, whole, now_s))
    if running:
        parts.append(_line(_x(now_s, whole), height, "now"))
    table = tuple((bar.lane.value, bar.label, clock(bar.start_s), _ended(bar)) for bar in rows)
    return Chart(
        title="Timeline of the steps",
        svg=_svg("Timeline of the steps", height, parts),
        head=("Step", "About", "From", "To"),
        rows=table,
    )


def area(title: str, points: Sequence[tuple[float, float]], *, unit: str, whole_s: float) -> Chart:
    """A quantity that grows, as an area under a line.

    Args:
        title: what it is.
        points: ``(seconds, quantity)`` in the order of time.
        unit: of the quantity, for the table.
        whole_s: how long the chart is.
    """
    most = max((value for _, value in points), default=0.0) or 1.0
    whole = max(whole_s, 1e-9)
    steps: list[str] = [f"0,{PLOT_HEIGHT}"]
    last = PLOT_HEIGHT
    for at, value in points:
        x = round(PLOT_WIDTH * min(at / whole, 1.0), 1)
        y = round(PLOT_HEIGHT * (1 - value / most) * 0.94 + 2, 1)
        steps += [f"{x},{last}", f"{x},{y}"]
        last = y
    steps.append(f"{PLOT_WIDTH},{last}")
    path = " ".join(steps)
    parts = [
        Markup('<polygon class="area" points="{} {},{}"/>').format(path, PLOT_WIDTH, PLOT_HEIGHT),
        Markup('<polyline class="line" points="{}"/>').format(path),
    ]
    rows = tuple((lasted(at), f"{value:g}") for at, value in points)
    return Chart(title=title, svg=_plot(title, parts), head=("After", unit), rows=rows)


def columns(title: str, points: Sequence[tuple[str, float]], *, head: tuple[str, str]) -> Chart:
    """Quantities side by side, such as one an hour."""
    most = max((value for _, value in points), default=0.0) or 1.0
    width = PLOT_WIDTH / max(len(points), 1)
    parts = [
        Markup('<rect class="column" x="{}" y="{}" width="{}" height="{}"/>').format(
            round(at * width + width * 0.12, 2),
            round(PLOT_HEIGHT * (1 - value / most), 2),
            round(width * 0.76, 2),
            round(PLOT_HEIGHT * value / most, 2),
        )
        for at, (_, value) in enumerate(points)
        if value
    ]
    rows = tuple((name, f"{value:g}") for name, value in points)
    return Chart(title=title, svg=_plot(title, parts), head=head, rows=rows)


def meter(share: float) -> Markup:
    """A bar that is filled by a share, 0 to 1; the number stands beside it."""
    return Markup(
        '<svg class="meter" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rest" width="100" height="3"/><rect class="full" width="{}" height="3"/>'
        "</svg>"
    ).format(round(100 * min(max(share, 0.0), 1.0), 1))


def _grid(whole: float, height: int) -> Iterable[Markup]:
    for tick in range(TICKS + 1):
        at = whole * tick / TICKS
        x = _x(at, whole)
        yield _line(x, height - FOOT + 4, "grid")
        anchor = "end" if tick == TICKS else "start" if tick == 0 else "middle"
        label = face(at) if whole >= SHORT_S else f"{at:.{1 if whole >= 1 else 2}f} s"
        yield _text(f"{x}%", height - 5, label, anchor=anchor)


def _span(bar: Bar, y: int, whole: float, now_s: float) -> Markup:
    end = bar.end_s if bar.end_s is not None else max(now_s, bar.start_s)
    start_x, end_x = _x(bar.start_s, whole), _x(end, whole)
    return Markup(
        '<rect class="bar {}{}" x="{}%" y="{}" width="{}%" height="{}" rx="3">'
        "<title>{}: {}</title></rect>"
    ).format(
        bar.lane.value.lower(),
        "" if bar.end_s is not None else " open",
        start_x,
        y,
        round(max(end_x - start_x, 0.7), 2),
        THICK,
        bar.lane.value,
        bar.label,
    )


def _x(at: float, whole: float) -> float:
    return round(LABELS + (100 - LABELS) * min(at / whole, 1.0), 2)


def _line(x: float, height: int, name: str) -> Markup:
    return Markup('<line class="{}" x1="{}%" x2="{}%" y1="0" y2="{}"/>').format(name, x, x, height)


def _text(x: str, y: int, text: str, *, anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _svg(title: str, height: int, parts: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(height, title, Markup("").join(parts))


def _plot(title: str, parts: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(PLOT_WIDTH, PLOT_HEIGHT, title, Markup("").join(parts))


def _ended(bar: Bar) -> str:
    return "goes on" if bar.end_s is None else clock(bar.end_s)
