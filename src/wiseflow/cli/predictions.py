"""``wiseflow predictions``: what is expected of each kind of task, and how right that was."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application
from wiseflow.core.statistics import Estimate, PredictionError

Known = tuple[Estimate, PredictionError | None]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a kind and line.")
@click.pass_obj
def predictions(context: CommandContext, as_json: bool) -> None:
    """What each kind of task is expected to take, by those before, and how right that was."""

    async def act(app: Application) -> list[Known]:
        kinds = sorted(app.predictor.dump())
        found = ((app.predictor.estimate(kind), app.predictor.error(kind)) for kind in kinds)
        return [(estimate, error) for estimate, error in found if estimate is not None]

    known = with_application(context.settings(), act)
    click.echo(render_json(known) if as_json else render_table(known))


def render_json(known: Sequence[Known]) -> str:
    """One JSON object a kind and line."""
    return "\n".join(
        json.dumps(
            dataclasses.asdict(estimate)
            | {"error": None if error is None else dataclasses.asdict(error)}
        )
        for estimate, error in known
    )


def render_table(known: Sequence[Known]) -> str:
    """A line a kind: the middle, the range of 90 %, how often it fails, and how right that was."""
    if not known:
        return "Nothing is known yet: run some researches first."
    wide = max(4, *(len(estimate.kind) for estimate, _ in known))
    head = f"{'kind':<{wide}}  {'half within':>11}  {'range of 90 %':>19}  {'fails':>6}  "
    return "\n".join(
        [head + "off by (median), inside the range", *(_line(*one, wide) for one in known)]
    )


def _line(estimate: Estimate, error: PredictionError | None, wide: int) -> str:
    span = f"{_time(estimate.low_s)} – {_time(estimate.high_s)}"
    line = (
        f"{estimate.kind:<{wide}}  {_time(estimate.p50_s):>11}  {span:>19}  "
        f"{estimate.failure_probability:>6.1%}  "
    )
    if error is None:
        return line + f"too few yet ({estimate.samples})"
    return line + f"{_time(error.median_s)}, {error.inside:.0%} of {error.samples}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
