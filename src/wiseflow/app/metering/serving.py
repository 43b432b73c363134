"""A service's metrics on a port of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from wiseflow.app.metering.meter import Meter
from wiseflow.observability.metrics.endpoint import MetricsAddress, serving_metrics
from wiseflow.settings.model import Settings


@asynccontextmanager
async def serving(
    meter: Meter | None, settings: Settings, *, port: int | None
) -> AsyncGenerator[str]:
    """Serve metrics inside; gives their address, or "" when there are none.

    Args:
        meter: what counts; ``None`` where nothing is counted, and so served.
        settings: where they are served, and whether.
        port: 0 takes a free one; ``None`` serves none.

    Raises:
        ConfigurationError: the port is taken, or cannot be listened at.
    """
    if meter is None or port is None or not settings.enable_metrics:
        yield ""
        return
    address = MetricsAddress(host=settings.metrics_host, port=port, path=settings.metrics_path)
    async with serving_metrics(meter.exposition, address) as url:
        yield url
