"""``wiseflow worker``: runs researches that others submit."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application


@click.command()
@click.option(
    "--parallel", type=click.IntRange(1), help="Researches at once; MAX_CONCURRENT_RESEARCH."
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Serve metrics on this port; 0 takes a free one. None by default.",
)
@click.option(
    "--nice",
    type=click.IntRange(0, 19),
    default=10,
    show_default=True,
    help="How far it gives way to other programs of the machine, a server above all; 0 for not.",
)
@click.pass_obj
def worker(
    context: CommandContext, parallel: int | None, metrics_port: int | None, nice: int
) -> None:
    """Run researches that are submitted to the same database, until told to end.

    Start as many as you like, on any machine that reaches the database. Ctrl-C or SIGTERM hands
    over: no more is begun, steps under way are finished, the rest is given back. A second one ends
    it at once.
    """
    settings = context.settings()
    context.log_to_console()
    # Prometheus' library is slow to import.
    from wiseflow.app.metering.meter import Meter  # noqa: PLC0415
    from wiseflow.app.metering.serving import serving  # noqa: PLC0415

    if sys.platform != "win32":  # which knows no such thing
        os.nice(nice)
    places = parallel or settings.max_concurrent_research
    stop = asyncio.Event()

    async def body(app: Application) -> None:
        async with serving(app.meter, settings, port=metrics_port) as metrics:
            click.echo(begun(places, metrics), err=True)
            await app.work(places, stop=stop)
        click.echo("Handed over.", err=True)

    with_application(settings, body, stop=stop, meter=Meter(settings))


def begun(places: int, metrics: str) -> str:
    """What is said when it begins.

    Args:
        places: how many researches it runs at once.
        metrics: the address of the metrics, or "" for none.
    """
    told = f"; its metrics are at {metrics}" if metrics else ""
    return f"Running up to {places} researches at once{told}."
