"""``wiseflow worker``: runs researches that others submit."""

from __future__ import annotations

import asyncio

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application


@click.command()
@click.option(
    "--parallel", type=click.IntRange(1), help="Researches at once; MAX_CONCURRENT_RESEARCH."
)
@click.pass_obj
def worker(context: CommandContext, parallel: int | None) -> None:
    """Run researches that are submitted to the same database, until told to end.

    Start as many as you like, on any machine that reaches the database. Ctrl-C or SIGTERM hands
    over: no more is begun, steps under way are finished, the rest is given back. A second one ends
    it at once.
    """
    settings = context.settings()
    places = parallel or settings.max_concurrent_research
    stop = asyncio.Event()

    async def body(app: Application) -> None:
        click.echo(f"Running up to {places} researches at once.", err=True)
        await app.work(places, stop=stop)
        click.echo("Handed over.", err=True)

    with_application(settings, body, stop=stop)
