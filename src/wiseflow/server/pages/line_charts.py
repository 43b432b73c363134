"""Lines over time with a scale beside them, as SVG.

The lines are drawn in a frame that stretches with the page, and the words around it are not
stretched with them. Like all charts they have no attribute ``style``; see ``charts``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from wiseflow.server.pages.charts import Chart

LEFT = 11  # per cent of the width that the scale takes
TOP, PLOT, FOOT = 8, 88, 22
WIDTH, HEIGHT = 600, 2 * PLOT  # of the frame, in its own units
MOST_LINES = 4  # so many kinds of lines are told apart
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a chart.

    Args:
        name: of what it shows.
        values: at equal distances, oldest first; ``None`` leaves a gap.
    """

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How values are shown.

    Args:
        shown: a value in words.
        top: the least value at the top; more where a line goes above it.
        ends: what is said of the time at the left, in the middle and at the right.
    """

    shown: Callable[[float], str]
    top: float
    ends: tuple[str, str, str]


def lines(title: str, drawn: Sequence[Line], scale: Scale) -> Chart:
    """A chart of at most four lines; the table beside it is the caller's."""
    highest = max(
        (value for line in drawn for value in line.values if value is not None), default=0
    )
    top = scale.top if highest <= scale.top else round_up(highest)
    parts = [*_scale(scale, top), _frame(drawn[:MOST_LINES], top)]
    svg = Markup(
        '<svg class="chart" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(TOP + PLOT + FOOT, title, Markup("").join(parts))
    names = tuple(line.name for line in drawn[:MOST_LINES])
    return Chart(title=title, svg=svg, names=names)


def round_up(value: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below a value above 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value)


def key(place: int) -> Markup:
    """What the line at a place, from 1, looks like."""
    return Markup(
        '<svg class="key" viewBox="0 0 20 4" width="20" height="4" aria-hidden="true">'
        '<path class="line line-{}" d="M0 2h20"/></svg>'
    ).format(place)


def _scale(scale: Scale, top: float) -> Iterable[Markup]:
    for value in (0.0, top / 2, top):
        y = TOP + PLOT * (1 - value / top)
        yield Markup('<line class="grid" x1="{}%" x2="100%" y1="{}" y2="{}"/>').format(LEFT, y, y)
        yield _text(LEFT - 1, y + 4, scale.shown(value), "end")
    places = ((LEFT, "start"), ((100 + LEFT) / 2, "middle"), (100, "end"))
    for (x, anchor), said in zip(places, scale.ends, strict=True):
        yield _text(x, TOP + PLOT + FOOT - 4, said, anchor)


def _frame(drawn: Sequence[Line], top: float) -> Markup:
    paths = [
        Markup('<path class="line line-{}" d="{}"/>').format(place, _path(line.values, top))
        for place, line in enumerate(drawn, start=1)
    ]
    return Markup(
        '<svg x="{}%" y="{}" width="{}%" height="{}" viewBox="0 0 {} {}"'
        ' preserveAspectRatio="none">{}</svg>'
    ).format(LEFT, TOP, 100 - LEFT, PLOT, WIDTH, HEIGHT, Markup("").join(paths))


def _path(values: Sequence[float | None], top: float) -> str:
    """The line, broken where nothing is known; a value alone becomes a point.

    In whole units and each from the one before, as most of the page is made of these.
    """
    step = WIDTH / max(len(values) - 1, 1)
    parts: list[str] = []
    before: tuple[int, int] | None = None
    for at, value in enumerate(values):
        if value is None:
            before = None
            continue
        # At the very edge half of it would be cut off.
        x, y = round(at * step), min(max(round(HEIGHT * (1 - value / top)), 1), HEIGHT - 1)
        parts.append(f"l{x - before[0]} {y - before[1]}" if before else f"M{x} {y}h0")
        before = x, y
    return "".join(parts).replace(" -", "-")


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}%" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)
