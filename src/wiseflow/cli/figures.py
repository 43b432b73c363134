"""The figures of a benchmark, as a table or as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable

import click

from wiseflow.bench.figures import Figure

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a figure.")


def render(figures: Iterable[Figure], *, as_json: bool) -> str:
    """Figures as a table, or one JSON object a line."""
    rows = list(figures)
    if as_json:
        return "\n".join(
            json.dumps({**dataclasses.asdict(row), "holds": row.holds}) for row in rows
        )
    wide = max((len(row.subject) for row in rows), default=0)
    middle = max((len(row.measure) for row in rows), default=0)
    return "\n".join(_line(row, wide, middle) for row in rows)


def _line(figure: Figure, wide: int, middle: int) -> str:
    spread = ""
    if figure.low is not None and figure.high is not None:
        spread = f"[{_number(figure.low)} – {_number(figure.high)}]"
    bar = ""
    if figure.bar is not None:
        bar = f"≥ {_number(figure.bar)}"
    elif figure.most is not None:
        bar = f"≤ {_number(figure.most)}"
    verdict = {None: "", True: "holds", False: "MISSED"}[figure.holds]
    return (
        f"{figure.subject:<{wide}}  {figure.measure:<{middle}}  {_number(figure.value):>9}  "
        f"{spread:<21} n={figure.samples:<5} {bar:<9} {verdict}"
    ).rstrip()


def _number(value: float) -> str:
    if math.isnan(value):
        return "none"
    if value == int(value) and abs(value) < 1e6:  # noqa: PLR2004 - whole numbers as such
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"  # noqa: PLR2004 - three digits
