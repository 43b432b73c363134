"""The settings of what operations see: metrics and traces."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from wiseflow.settings.setting import About


def _path(value: str) -> str:
    if not value.startswith("/") or any(one in value for one in "?# \r\n"):
        raise ValueError(value)
    return value


def _port_of_address(value: object) -> object:
    """Kubernetes names the port of a service ``metrics`` so: ``METRICS_PORT=tcp://10.0.0.1:9090``."""
    return value.rpartition(":")[2] if isinstance(value, str) and "://" in value else value


def _http_address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError(value)
    return value


class Observing(BaseModel):
    """Settings of metrics and traces; a part of ``Settings``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enable_metrics: Annotated[
        bool, About(place="metrics.enabled", help="Whether a service serves metrics.")
    ] = True
    metrics_host: Annotated[
        str,
        Field(min_length=1),
        About(
            place="metrics.host",
            help="The address that METRICS_PORT is opened at; who reaches it may read the metrics.",
        ),
    ] = "127.0.0.1"
    metrics_port: Annotated[
        int,
        BeforeValidator(_port_of_address),
        Field(ge=0, le=65_535),
        About(
            place="metrics.port",
            help="The port on which `wiseflow serve` serves metrics beside its own; 0 takes a free "
            "one. No short command opens it.",
        ),
    ] = 9090
    metrics_path: Annotated[
        str,
        AfterValidator(_path),
        About(
            place="metrics.path",
            help="The path of the metrics.",
            expects="a path that begins with /",
        ),
    ] = "/metrics"
    otel_exporter_otlp_endpoint: Annotated[
        str,
        AfterValidator(_http_address),
        About(
            place="tracing.endpoint",
            help="Where traces are sent, over OTLP and HTTP: the address of a collector, to which "
            "`/v1/traces` is added. Without it there are none.",
            expects="an address like http://127.0.0.1:4318",
        ),
    ] = ""
    otel_exporter_otlp_headers: Annotated[
        SecretStr,
        About(
            place="tracing.headers",
            help="Headers that go with the traces: `name=value,name=value`.",
        ),
    ] = SecretStr("")
