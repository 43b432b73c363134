"""The settings of the service: what a request may bring, and where a service is found."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from wiseflow.settings.setting import About


def _origins(value: str) -> str:
    for origin in origins_in(value):
        parts = urlsplit(origin)
        wrong = parts.scheme not in {"http", "https"} or not parts.netloc
        if wrong or parts.path or parts.query or parts.fragment:
            raise ValueError(origin)
    return value


def _service(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
        raise ValueError(value)
    return value.rstrip("/")


def origins_in(value: str) -> list[str]:
    """The origins that the setting names."""
    return [one.strip() for one in value.split(",") if one.strip()]


class Service(BaseModel):
    """Settings of the service and of who asks one; a part of ``Settings``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_max_bytes: Annotated[
        int,
        Field(ge=1024, le=1_073_741_824),
        About(
            place="server.request_max_bytes",
            help="How many bytes the body of a request may have; uploads have UPLOAD_MAX_BYTES.",
        ),
    ] = 1_048_576
    request_timeout_s: Annotated[
        float,
        Field(gt=0, le=3600, allow_inf_nan=False),
        About(
            place="server.request_timeout_s",
            help="How many seconds a request may take until its answer begins; uploads have five "
            "times as long.",
        ),
    ] = 60
    parallel_max_topics: Annotated[
        int,
        Field(ge=1, le=10_000),
        About(
            place="server.parallel_max_topics",
            help="How many researches one `POST /research/parallel` may submit.",
        ),
    ] = 1000
    event_clients_max: Annotated[
        int,
        Field(ge=1, le=100_000),
        About(
            place="server.event_clients_max",
            help="How many may follow events of researches at once, in one process.",
        ),
    ] = 2000
    idempotency_key_days: Annotated[
        float,
        Field(gt=0, le=3650, allow_inf_nan=False),
        About(
            place="server.idempotency_key_days",
            help="For how many days an `Idempotency-Key` belongs to the body it first came with.",
        ),
    ] = 7
    upload_max_bytes: Annotated[
        int,
        Field(ge=1024),
        About(
            place="server.upload_max_bytes",
            help="How many bytes the files of one upload may have together.",
        ),
    ] = 134_217_728
    upload_quota_bytes: Annotated[
        int,
        Field(ge=0),
        About(
            place="server.upload_quota_bytes",
            help="How many bytes of uploaded files one tenant may keep.",
        ),
    ] = 1_073_741_824
    cors_allowed_origins: Annotated[
        str,
        AfterValidator(_origins),
        About(
            place="server.cors_allowed_origins",
            help="Web pages of which origins may use the API from a browser, with commas between "
            "them, as `https://app.example.org`; none by default.",
            expects="origins like https://app.example.org, with commas between them",
        ),
    ] = ""
    wiseflow_service_url: Annotated[
        str,
        AfterValidator(_service),
        About(
            place="client.service_url",
            help="The service that `ParallelResearchManager`, `ResearchConnector` and "
            "`wiseflow mcp` use, as `http://127.0.0.1:8000`; without it they work in their own "
            "process.",
            expects="an address like http://127.0.0.1:8000",
        ),
    ] = ""
    wiseflow_api_key: Annotated[
        SecretStr,
        About(place="client.api_key", help="The API key that is shown to WISEFLOW_SERVICE_URL."),
    ] = SecretStr("")
