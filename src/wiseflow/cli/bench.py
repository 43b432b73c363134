"""``wiseflow bench``: measurements, as a table or as JSON."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from wiseflow.app import Application
from wiseflow.bench.figures import Figure
from wiseflow.cli.bench_outside import limits, modes, providers, service
from wiseflow.cli.bench_queue import queue
from wiseflow.cli.context import CommandContext
from wiseflow.cli.figures import json_option, render
from wiseflow.cli.running import with_application
from wiseflow.core.errors import InvalidInput

data_option = click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="The folder with the data sets."
)
PARTS = ("articles", "pdf", "retrieval", "briefs", "modes", "verdicts", "conflicts")
ENGINE_PARTS = ("overhead", "predictions", "maps", "workloads", "dask")


@click.group()
def bench() -> None:
    """Measure this program on this machine."""


@bench.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1, 1000))
@json_option
def startup(rounds: int, as_json: bool) -> None:
    """How long `wiseflow --help` and `import wiseflow` take, against a bare interpreter."""
    from wiseflow.bench.startup import measure_startup  # noqa: PLC0415 - the one that is run

    click.echo(render(measure_startup(rounds), as_json=as_json))


@bench.command()
@data_option
@click.option("--parallel", "levels", default="1,2,8,32", show_default=True)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--queued", default=10_000, show_default=True, type=click.IntRange(0))
@json_option
@click.pass_obj
def research(
    context: CommandContext, data: Path, levels: str, rounds: int, queued: int, as_json: bool
) -> None:
    """Researches a second over the questions of a data set (a folder like mh_mix)."""
    from wiseflow.bench.throughput import Plan, measure_research  # noqa: PLC0415

    plan = Plan(levels=parse_levels(levels), rounds=rounds, queued=queued)

    async def act(app: Application) -> list[Figure]:
        return await measure_research(app, data, plan)

    with tempfile.TemporaryDirectory() as folder:
        settings = context.settings(wiseflow_data_dir=folder)
        click.echo(render(with_application(settings, act), as_json=as_json))


@bench.command()
@click.option("--tasks", default=100_000, show_default=True, type=click.IntRange(1_000))
@click.option("--pending", default=1_000_000, show_default=True, type=click.IntRange(1_000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--only", "parts", multiple=True, type=click.Choice(ENGINE_PARTS), help="Only this.")
@json_option
def engine(tasks: int, pending: int, rounds: int, parts: tuple[str, ...], as_json: bool) -> None:
    """What the engine costs a task, and what it gains, against bare asyncio and others."""
    figures: list[Figure] = []
    for part in parts or ENGINE_PARTS:
        figures += engine_part(part, tasks=tasks, pending=pending, rounds=rounds)
    click.echo(render(figures, as_json=as_json))


def engine_part(part: str, *, tasks: int, pending: int, rounds: int) -> Sequence[Figure]:
    """The figures of one part of ``wiseflow bench engine``."""
    # Each is imported when it is run: together they take a while.
    if part == "overhead":
        from wiseflow.bench.engine import FEW, EnginePlan, measure_engine  # noqa: PLC0415

        plan = EnginePlan(tasks=tasks, pending=(min(FEW, pending), pending), rounds=rounds)
        return measure_engine(plan)
    if part == "maps":
        from wiseflow.bench.maps import MapPlan, measure_maps  # noqa: PLC0415

        return measure_maps(MapPlan())
    if part == "workloads":
        from wiseflow.bench.workload_runs import WorkloadPlan, measure_workloads  # noqa: PLC0415

        return measure_workloads(WorkloadPlan(rounds=rounds))
    if part == "predictions":
        from wiseflow.bench.prediction import measure_predictions  # noqa: PLC0415

        return measure_predictions()
    from wiseflow.bench.dask_comparison import measure_dask  # noqa: PLC0415

    return measure_dask(rounds=rounds)


@bench.command()
@data_option
@click.option("--only", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part.")
@json_option
def quality(data: Path, parts: tuple[str, ...], as_json: bool) -> None:
    """Extraction, retrieval, evidence and citations on data with known answers."""
    measures = quality_measures()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for part in parts or PARTS:
            figures += measures[part](data, Path(folder))
    click.echo(render(figures, as_json=as_json))


def quality_measures() -> dict[str, Callable[[Path, Path], Sequence[Figure]]]:
    """Each part's measurement: from the data's folder, in a folder to work in."""
    # As in worker processes: threads that wait for each other would be counted as work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Slow to import.
    from wiseflow.bench import briefs, conflicts, extraction, mode_evidence, retrieval, verdicts  # noqa: PLC0415

    return {
        "articles": lambda data, _: extraction.measure_articles(data),
        "pdf": lambda data, _: extraction.measure_pdfs(data),
        "retrieval": retrieval.measure_retrieval,
        "briefs": briefs.measure_briefs,
        "modes": mode_evidence.measure_mode_evidence,
        "verdicts": lambda data, _: verdicts.measure_verdicts(data),
        "conflicts": lambda data, _: conflicts.measure_conflicts(data),
    }


def parse_levels(text: str) -> tuple[int, ...]:
    """Whole numbers above 0 from ``1,2,8``, at least two.

    Raises:
        InvalidInput: they are not.
    """
    parts = text.split(",")
    if len(parts) < 2 or not all(part.strip().isdigit() and int(part) for part in parts):  # noqa: PLR2004 - a ratio needs two
        raise InvalidInput(
            f"--parallel takes two or more whole numbers, not {text!r}", cure="Write it as 1,2,8,32"
        )
    return tuple(int(part) for part in parts)


bench.add_command(providers)
bench.add_command(limits)
bench.add_command(modes)
bench.add_command(queue)
bench.add_command(service)
