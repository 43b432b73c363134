"""``wiseflow mcp``: the program as tools of an assistant that starts it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from wiseflow.cli.context import CommandContext
from wiseflow.core.errors import MissingExtra

if TYPE_CHECKING:
    from wiseflow.app import Application


@click.command()
@click.option(
    "--parallel", type=click.IntRange(0), help="Researches to run here; 0 leaves them to workers."
)
@click.pass_obj
def mcp(context: CommandContext, parallel: int | None) -> None:
    """Serve an assistant over standard input and output (MCP).

    An assistant starts it; see docs/how-to/use-with-an-assistant.md. Researches run in it, or in
    the service that WISEFLOW_SERVICE_URL names. It ends with its input, at Ctrl-C or SIGTERM.
    """
    settings = context.settings()
    context.log_to_console()
    _require_extra()
    # The library is slow to import.
    from wiseflow.cli.running import until_stopped, with_application  # noqa: PLC0415
    from wiseflow.server.mcp import over_stdio  # noqa: PLC0415
    from wiseflow.server.mcp.standard_streams import claimed  # noqa: PLC0415

    if sys.stdin.isatty():
        click.echo("An assistant is to speak to this over MCP; Ctrl-C ends it.", err=True)
    stop = asyncio.Event()
    places = settings.max_concurrent_research if parallel is None else parallel
    with claimed() as streams:
        if settings.wiseflow_service_url:
            key = settings.wiseflow_api_key.get_secret_value()
            url = settings.wiseflow_service_url
            until_stopped(lambda: over_stdio.serve_service(url, key, streams, stop=stop), stop=stop)
            return

        async def body(app: Application) -> None:
            await over_stdio.serve_embedded(app, streams, researches=places, stop=stop)

        with_application(settings, body, stop=stop)


def _require_extra() -> None:
    """Refuse where the library is missing.

    Raises:
        MissingExtra: it is.
    """
    import importlib.util  # noqa: PLC0415 - only here

    if importlib.util.find_spec("mcp") is None:
        raise MissingExtra("mcp", "wiseflow mcp")
