"""``wiseflow bench queue``: the durable queue, against the bare engines that it stands on."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click

from wiseflow.app import Application, upgrade_database
from wiseflow.bench.figures import Figure
from wiseflow.cli.context import CommandContext
from wiseflow.cli.figures import json_option, render
from wiseflow.cli.running import with_application

# Fewer do not fill the places of the most workers.
LEAST_RESEARCHES = 5


@click.command()
@click.option("--jobs", default=1000, show_default=True, type=click.IntRange(10, 100_000))
@click.option("--places", default=32, show_default=True, type=click.IntRange(1, 1000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--queued", default=10_000, show_default=True, type=click.IntRange(100))
@click.option(
    "--researches",
    default=8,
    show_default=True,
    type=click.IntRange(0),
    help="On each number of workers; fewer than 5 leave this out.",
)
@click.option(
    "--database", default="", help="postgresql://…, empty, to be measured on; a file without."
)
@json_option
@click.pass_obj
def queue(
    context: CommandContext,
    *,
    jobs: int,
    places: int,
    rounds: int,
    queued: int,
    researches: int,
    database: str,
    as_json: bool,
) -> None:
    """Trivial jobs a second, submit to start, 10,000 queued, and researches on many workers.

    On PostgreSQL against procrastinate's no-ops in the same database, on SQLite against one
    synchronous writer. The researches run over the simulator, on 1, 2 and 4 worker processes.
    """
    # Slow to import.
    from wiseflow.bench.bare_queues import BareProcrastinate, BareSqlite  # noqa: PLC0415
    from wiseflow.bench.queue import QueuePlan, measure_queue  # noqa: PLC0415
    from wiseflow.bench.scaling import ScalingPlan, measure_scaling  # noqa: PLC0415

    def bare_file(path: Path) -> BareSqlite:
        asyncio.run(upgrade_database(context.settings(database_url=f"sqlite:///{path}")))
        return BareSqlite(path)

    with tempfile.TemporaryDirectory() as folder:
        bare = BareProcrastinate(database) if database else bare_file(Path(folder) / "bare.db")
        plan = QueuePlan(
            jobs=jobs, places=places, rounds=rounds, queued=queued, least=0.7 if database else 0.5
        )
        # The bare engines write no log either.
        settings = context.settings(
            wiseflow_data_dir=folder, database_url=database or None, log_level="WARNING"
        )

        async def act(app: Application) -> list[Figure]:
            return await measure_queue(app, bare, plan)

        figures = with_application(settings, act)
    if researches >= LEAST_RESEARCHES:
        figures += asyncio.run(
            measure_scaling(ScalingPlan(researches=researches), database=database)
        )
    click.echo(render(figures, as_json=as_json))
