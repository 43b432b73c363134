"""Traces, where the settings ask for them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from wiseflow.app.databases import is_loopback
from wiseflow.core.errors import ConfigurationError
from wiseflow.jobs.owners import instance_name
from wiseflow.observability.tracing import Tracing
from wiseflow.settings.model import Settings


@asynccontextmanager
async def open_tracing(settings: Settings) -> AsyncGenerator[Tracing | None]:
    """What makes spans, its last ones sent on leaving; ``None`` when nobody wants any.

    Raises:
        ConfigurationError: the extra ``otel`` is not installed, the headers cannot be read, or the
            collector is on another machine while LOCAL_ONLY holds.
    """
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        yield None
        return
    here = is_loopback(urlsplit(endpoint).hostname or "")
    if settings.local_only and not here:
        raise ConfigurationError(
            "LOCAL_ONLY is set, and OTEL_EXPORTER_OTLP_ENDPOINT names another machine",
            cure="Send traces to a collector on this machine, or unset one of the two",
        )
    headers = read_headers(settings.otel_exporter_otlp_headers.get_secret_value())
    try:
        # An extra, and slow to import.
        from wiseflow.observability.otel import OtelTracing, TraceOptions  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what makes traces is not installed",
            cure="Install it with: pip install 'wiseflow[otel]'",
        ) from error
    tracing = OtelTracing(
        TraceOptions(endpoint=endpoint, headers=headers, instance=instance_name(), proxies=not here)
    )
    try:
        yield tracing
    finally:
        await tracing.aclose()


def read_headers(text: str) -> dict[str, str]:
    """Headers as ``name=value,name=value``, values quoted as in addresses.

    Source: the OpenTelemetry specification, "Specifying headers via environment variables".

    Raises:
        ConfigurationError: a part has no ``=``.
    """
    headers: dict[str, str] = {}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for number, part in enumerate(parts, start=1):
        name, separator, value = part.partition("=")
        if not separator or not name.strip():
            raise ConfigurationError(
                f"OTEL_EXPORTER_OTLP_HEADERS: header {number} is not name=value",
                cure="Write them as name=value,name=value",
            )
        headers[name.strip().lower()] = unquote(value.strip())
    return headers
