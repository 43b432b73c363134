"""``wiseflow serve``: the program as a service."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application

PATH = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--root-path", default="", help="Under which a proxy offers it, as /wiseflow.")
@click.option(
    "--parallel", type=click.IntRange(0), help="Researches to run here; 0 leaves them to workers."
)
@click.option(
    "--tls-certificate", type=PATH, help="PEM file of a certificate and its chain: answer by HTTPS."
)
@click.option("--tls-key", type=PATH, help="PEM file of its key.")
@click.pass_obj
def serve(
    context: CommandContext,
    host: str,
    port: int,
    root_path: str,
    parallel: int | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
) -> None:
    """Answer over HTTP: REST, dashboard, health.

    Ctrl-C or SIGTERM ends it once what runs here has finished its step and was given back; a second
    one at once.
    """
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key are given together or not at all")
    settings = context.settings()
    context.log_to_console()
    # Prometheus' library and FastAPI are slow to import.
    from wiseflow.app.metering.meter import Meter  # noqa: PLC0415
    from wiseflow.app.metering.serving import serving  # noqa: PLC0415
    from wiseflow.server.serving import ServerOptions  # noqa: PLC0415
    from wiseflow.server.serving import serve as run  # noqa: PLC0415

    researches = settings.max_concurrent_research if parallel is None else parallel
    options = ServerOptions(
        host=host,
        port=port,
        root_path=root_path,
        researches=researches,
        tls=(tls_certificate, tls_key) if tls_certificate and tls_key else None,
    )

    stop = asyncio.Event()

    async def body(app: Application) -> None:
        async with serving(app.meter, settings, port=settings.metrics_port) as metrics:
            await run(
                app,
                options,
                stop=stop,
                on_ready=lambda url: click.echo(ready(url, metrics), err=True),
            )

    with_application(settings, body, stop=stop, meter=Meter(settings))


def ready(url: str, metrics: str) -> str:
    """What is said once the server answers.

    Args:
        url: where.
        metrics: the address of the metrics, or "" for none.
    """
    return f"WiseFlow answers at {url}" + (f", its metrics at {metrics}" if metrics else "")
