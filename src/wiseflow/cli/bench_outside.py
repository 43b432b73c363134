"""``wiseflow bench providers``, ``limits``, ``modes`` and ``service``: over the simulator."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence

import click

from wiseflow.bench.figures import Figure
from wiseflow.cli.figures import json_option, render
from wiseflow.core.errors import MissingExtra

PROVIDER_PARTS = ("walls", "cost", "faults", "outages", "budgets")
LIMIT_PARTS = ("rates", "sharing")
MODE_PARTS = ("depth", "walls", "faults")


@click.command()
@click.option("--only", "parts", multiple=True, type=click.Choice(PROVIDER_PARTS))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--researches",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="In each measurement of faults and budgets.",
)
@click.option("--many", default=100, show_default=True, type=click.IntRange(0, 500))
@click.option("--others", default=200, show_default=True, type=click.IntRange(0, 500))
@json_option
def providers(
    parts: tuple[str, ...], rounds: int, researches: int, many: int, others: int, as_json: bool
) -> None:
    """Researches against the least they can take; with faults, outages and budgets."""
    _check_extra()
    figures: list[Figure] = []
    for part in parts or PROVIDER_PARTS:
        if part == "walls":
            from wiseflow.bench.walls import WallPlan, measure_walls  # noqa: PLC0415 - the one run

            plan = WallPlan(rounds=rounds, many=many, others=others)
            figures += asyncio.run(measure_walls(plan))
        else:
            figures += provider_part(part, rounds=rounds, researches=researches)
    click.echo(render(figures, as_json=as_json))


def provider_part(part: str, *, rounds: int, researches: int) -> Sequence[Figure]:
    """The figures of one part of ``wiseflow bench providers``."""
    # Each is imported when it is run.
    if part == "cost":
        from wiseflow.bench.gateway_cost import CostPlan, measure_gateway_cost  # noqa: PLC0415

        return asyncio.run(measure_gateway_cost(CostPlan(rounds=rounds)))
    if part == "budgets":
        from wiseflow.bench.budgets import BudgetPlan, measure_budgets  # noqa: PLC0415

        return asyncio.run(measure_budgets(BudgetPlan(researches=researches)))
    from wiseflow.bench.mishaps import MishapPlan, measure_faults, measure_outages  # noqa: PLC0415

    measure = measure_faults if part == "faults" else measure_outages
    return asyncio.run(measure(MishapPlan(researches=researches)))


@click.command()
@click.option("--only", "parts", multiple=True, type=click.Choice(LIMIT_PARTS))
@click.option("--rpm", default=60, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--minutes", default=3.0, show_default=True, type=click.FloatRange(0.01, 60))
@click.option("--researches", default=20, show_default=True, type=click.IntRange(0, 1000))
@click.option(
    "--database", default="", help="Where processes share the limit; SQLite if not given."
)
@json_option
def limits(
    parts: tuple[str, ...], rpm: int, minutes: float, researches: int, database: str, as_json: bool
) -> None:
    """How much of an allowed rate is used, and how many refusals that takes."""
    _check_extra()
    # Each is imported when it is run.
    figures: list[Figure] = []
    if not parts or "rates" in parts:
        from wiseflow.bench.rates import RatePlan, measure_rates  # noqa: PLC0415

        rate = RatePlan(rpm=rpm, minutes=minutes, researches=researches)
        figures += asyncio.run(measure_rates(rate))
    if not parts or "sharing" in parts:
        from wiseflow.bench.sharing import SharePlan, measure_sharing  # noqa: PLC0415

        share = SharePlan(rpm=rpm, minutes=minutes, database=database)
        figures += asyncio.run(measure_sharing(share))
    click.echo(render(figures, as_json=as_json))


@click.command()
@click.option("--only", "parts", multiple=True, type=click.Choice(MODE_PARTS))
@click.option("--questions", default=25, show_default=True, type=click.IntRange(1, 500))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--researches", default=100, show_default=True, type=click.IntRange(1, 500))
@json_option
def modes(
    parts: tuple[str, ...], questions: int, rounds: int, researches: int, as_json: bool
) -> None:
    """What each mode costs and takes, and what its depth buys on questions of 1 to 4 hops."""
    _check_extra()
    from wiseflow.bench import modes as measures  # noqa: PLC0415 - the one run

    plan = measures.ModePlan(questions=questions, rounds=rounds, faulty=researches)
    measured = {
        "depth": measures.measure_depth,
        "walls": measures.measure_mode_walls,
        "faults": measures.measure_mode_faults,
    }
    figures: list[Figure] = []
    for part in parts or MODE_PARTS:
        figures += asyncio.run(measured[part](plan))
    click.echo(render(figures, as_json=as_json))


@click.command()
@click.option("--rate", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1, 3600))
@click.option("--running", default=50, show_default=True, type=click.IntRange(1, 500))
@json_option
def service(rate: int, seconds: float, running: int, as_json: bool) -> None:
    """How fast the service answers while researches run, and with `wrk` (if there) at its most."""
    _check_extra()
    from wiseflow.bench.service import ServicePlan, measure_service  # noqa: PLC0415 - the one run

    plan = ServicePlan(rate=rate, seconds=seconds, running=running)
    click.echo(render(asyncio.run(measure_service(plan)), as_json=as_json))


def _check_extra() -> None:
    """Refuse before work where the simulator's library is missing. Raises ``MissingExtra``."""
    if importlib.util.find_spec("aiohttp") is None:
        raise MissingExtra("simulator", "wiseflow bench")
