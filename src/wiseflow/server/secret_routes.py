"""Kept secrets under ``/api/v1/secrets``, for administrators of the tenant "": set, never shown."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from wiseflow.app import Application
from wiseflow.app.services.secrets import LONGEST, SecretsService
from wiseflow.core.access import Principal
from wiseflow.server.path_names import SettingName
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.problems import problems
from wiseflow.server.scopes import ADMIN
from wiseflow.server.strict import StrictRoute

router = APIRouter(
    prefix="/secrets", tags=["secrets"], dependencies=[ADMIN], route_class=StrictRoute
)


class SecretBody(BaseModel):
    """The value of a secret setting."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]


class SecretAnswer(BaseModel):
    """That a secret is kept; ``set_at`` is seconds since the epoch."""

    name: str
    key_id: str
    set_at: float


def secrets_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> SecretsService:
    """The secrets, for who asks."""
    return SecretsService(application, principal)


Secrets = Annotated[SecretsService, Depends(secrets_of)]


@router.get("")
async def list_secrets(secrets: Secrets) -> list[SecretAnswer]:
    """Which secrets are kept, without their values."""
    return [
        SecretAnswer(name=one.name, key_id=one.key_id, set_at=one.set_at)
        for one in await secrets.secrets()
    ]


@router.put("/{name}", status_code=HTTPStatus.NO_CONTENT, responses=problems(404))
async def set_secret(name: SettingName, body: SecretBody, secrets: Secrets) -> None:
    """Keep a secret; processes that start from then on have it."""
    await secrets.set(name, body.value.get_secret_value())


@router.delete("/{name}", status_code=HTTPStatus.NO_CONTENT, responses=problems(404))
async def delete_secret(name: SettingName, secrets: Secrets) -> None:
    """Erase a secret."""
    await secrets.delete(name)
