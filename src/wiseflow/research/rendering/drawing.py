"""Drawings of a report as SVG: no scripts, colours of the page's own style, a table beside each.

Source of the accessible names: W3C, SVG-AAM 1.0 (``role="img"`` with a title); the table that each
has beside it says the same to whoever does not see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from wiseflow.core.report import StepSpan
from wiseflow.research.picturing import Entity, Mentions, Pictures
from wiseflow.research.rendering.reading import printable

# In units of the drawing, which a browser fits to the page.
WIDTH, ROW, TOP, EDGE = 640, 24, 24, 12
NAMES, SOURCES = 230, 520  # where the names end, and where the sources begin
BARS = 230
LONGEST_LABEL = 30
# What a step is called, by the last word of its key that has a name.
DOING = {
    "plan": "plan",
    "evidence": "search",
    "reading": "read",
    "draft": "write",
    "critique": "criticise",
    "summary": "sum up",
    "verify": "check citations",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing with what it says.

    Args:
        title: of the drawing.
        svg: the drawing; "" when there is nothing to draw.
        head: of the table's columns.
        rows: of the table.
    """

    title: str
    svg: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def drawings_of(pictures: Pictures, numbers: Mapping[str, int]) -> list[Drawing]:
    """The drawings of a report that there is something to draw for.

    Args:
        pictures: what can be drawn.
        numbers: of the sources in the bibliography, by id.
    """
    made = (graph(pictures.entities, numbers), trend(pictures.trend), timeline(pictures.timeline))
    return [drawing for drawing in made if drawing.rows]


def graph(entities: Sequence[Entity], numbers: Mapping[str, int]) -> Drawing:
    """Names on one side, sources on the other, a line for each source that a name is cited from."""
    named = [one for one in entities if any(key in numbers for key, _ in one.sources)]
    used = sorted({numbers[key] for one in named for key, _ in one.sources if key in numbers})
    height = TOP + ROW * max(len(named), len(used), 1)
    places = {number: TOP + ROW * at for at, number in enumerate(used)}
    parts: list[Markup] = []
    for at, one in enumerate(named):
        y = TOP + ROW * at
        for key, count in one.sources:
            if key in numbers:
                parts.append(_tie(y, places[numbers[key]], count))
        parts.append(_text(NAMES - EDGE, y, one.name, anchor="end"))
    parts += [_text(SOURCES + EDGE, y, f"source {number}") for number, y in places.items()]
    rows = tuple((one.name, str(one.mentions), ", ".join(_numbers(one, numbers))) for one in named)
    title = "Who and what is named, and by which sources"
    return _drawing(title, height, parts, ("name", "claims", "sources"), rows)


def trend(points: Sequence[Mentions]) -> Drawing:
    """Citations by the year in which their source was published."""
    most = max((one.citations for one in points), default=1)
    parts = [
        part
        for at, one in enumerate(points)
        for part in _bar(TOP + ROW * at, str(one.year), 0.0, one.citations / most)
    ]
    rows = tuple((str(one.year), str(one.citations)) for one in points)
    title = "Citations by the year of their source"
    return _drawing(title, TOP + ROW * len(points), parts, ("year", "citations"), rows)


def timeline(spans: Sequence[StepSpan]) -> Drawing:
    """The steps of the run, each from its beginning to its end."""
    whole = max((one.end_s for one in spans), default=0.0) or 1.0
    parts = [
        part
        for at, one in enumerate(spans)
        for part in _bar(TOP + ROW * at, _label(one), one.start_s / whole, one.end_s / whole)
    ]
    rows = tuple((_label(one), f"{one.start_s:.1f} s", f"{one.end_s:.1f} s") for one in spans)
    title = "When each step was made"
    return _drawing(title, TOP + ROW * len(spans), parts, ("step", "from", "to"), rows)


def _drawing(
    title: str,
    height: int,
    parts: Sequence[Markup],
    head: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
) -> Drawing:
    svg = Markup(
        '<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
        "<title>{title}</title>{parts}</svg>"
    ).format(width=WIDTH, height=height, title=title, parts=Markup("").join(parts))
    return Drawing(title=title, svg=svg, head=head, rows=rows)


def _tie(left: int, right: int, count: int) -> Markup:
    return Markup(
        '<path class="tie" d="M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"'
        ' stroke-width="{width}"/>'
    ).format(
        x1=NAMES, y1=left, x2=SOURCES, y2=right, middle=(NAMES + SOURCES) // 2, width=min(count, 6)
    )


def _bar(y: int, label: str, start: float, end: float) -> Iterator[Markup]:
    room = WIDTH - BARS - EDGE
    yield _text(BARS - EDGE, y, label, anchor="end")
    yield Markup('<rect class="bar" x="{x}" y="{y}" width="{width}" height="{height}"/>').format(
        x=round(BARS + room * start, 1),
        y=y - ROW // 3,
        width=round(max(room * (end - start), 1.0), 1),
        height=ROW // 2,
    )


def _text(x: int, y: int, text: str, *, anchor: str = "start") -> Markup:
    shown = printable(text)
    short = shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 1]}…"
    return Markup('<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>').format(
        x=x, y=y + 4, anchor=anchor, text=short
    )


def _numbers(entity: Entity, numbers: Mapping[str, int]) -> list[str]:
    return [str(numbers[key]) for key, _ in entity.sources if key in numbers]


def _label(span: StepSpan) -> str:
    parts = span.step.split("/")
    doing = next((DOING[part] for part in reversed(parts) if part in DOING), span.step)
    return f"{doing}: {span.title}" if span.title else doing
