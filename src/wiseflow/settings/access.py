"""The settings of who may do what over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from wiseflow.settings.setting import About


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class AccessSettings(BaseModel):
    """Settings of keys, logins and the audit log; a part of ``Settings``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_local_access: Annotated[
        Literal["auto", "on", "off"],
        BeforeValidator(_lower),
        About(
            place="api.local_access",
            help="Whether requests without a key are those of who is at this machine, who may do "
            "everything, where the server listens on a loopback address and no proxy is seen: "
            "`auto` until the first key is made, `on` also after that, `off` never.",
        ),
    ] = "auto"
    api_requests_per_minute: Annotated[
        int,
        Field(ge=0, le=1_000_000),
        About(
            place="api.requests_per_minute",
            help="How many requests a minute each API key may send that has no number of its own; "
            "0 for no limit.",
        ),
    ] = 600
    login_hours: Annotated[
        float,
        Field(gt=0, le=8760, allow_inf_nan=False),
        About(place="api.login_hours", help="After how many hours a login at the dashboard ends."),
    ] = 12
    audit_retention_days: Annotated[
        float,
        Field(gt=0, le=36_500, allow_inf_nan=False),
        About(
            place="api.audit_retention_days",
            help="For how many days the audit log keeps what was done.",
        ),
    ] = 365
    wiseflow_secret_key: Annotated[
        SecretStr,
        About(
            place="",
            help="Encrypts the secrets that `wiseflow secrets set` keeps, and signs logins; at "
            "least 32 random characters, as `wiseflow secrets new-key` makes them. Several, with "
            "commas between, are the newest first: it is used, the others only read. All processes "
            "of a service need the same.",
        ),
    ] = SecretStr("")
