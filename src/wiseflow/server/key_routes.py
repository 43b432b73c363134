"""API keys under ``/api/v1/keys``, for administrators."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from wiseflow.app import Application
from wiseflow.app.services.keys import IssuedKey, KeysService
from wiseflow.core.access import Principal, Scope
from wiseflow.core.keys import ApiKey, NewKey
from wiseflow.server.path_names import AnId
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.problems import problems
from wiseflow.server.scopes import ADMIN
from wiseflow.server.strict import StrictRoute

router = APIRouter(prefix="/keys", tags=["keys"], dependencies=[ADMIN], route_class=StrictRoute)

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class KeyBody(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    tenant: Annotated[str | None, Field(max_length=63)] = None
    scope: Scope = Scope.RUN
    requests_per_minute: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    expires_in_s: Seconds | None = None


class RotationBody(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid")

    grace_s: Seconds = 0.0


class KeyAnswer(BaseModel):
    """A key; times are seconds since the epoch."""

    id: str
    name: str
    tenant: str
    scope: Scope
    requests_per_minute: int | None
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None
    live: bool

    @classmethod
    def of(cls, key: ApiKey) -> KeyAnswer:
        """The answer that tells of a key."""
        return cls.model_validate(_fields(key))


class IssuedAnswer(KeyAnswer):
    """A key that was just made, with what is sent with requests: it is not shown again."""

    key: str

    @classmethod
    def issued(cls, made: IssuedKey) -> IssuedAnswer:
        """The answer that hands a key over."""
        return cls.model_validate(_fields(made.key) | {"key": made.text})


def keys_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> KeysService:
    """The keys, for who asks."""
    return KeysService(application, principal)


Keys = Annotated[KeysService, Depends(keys_of)]


@router.get("")
async def list_keys(keys: Keys) -> list[KeyAnswer]:
    """All keys that you have charge of, the newest first."""
    return [KeyAnswer.of(key) for key in await keys.keys()]


@router.post("", status_code=HTTPStatus.CREATED, responses=problems(409))
async def create_key(
    body: KeyBody, keys: Keys, request: Request, response: Response
) -> IssuedAnswer:
    """Make a key; without a tenant it is of your own."""
    tenant = keys.principal.tenant if body.tenant is None else body.tenant
    made = await keys.create(
        NewKey(
            name=body.name,
            tenant=tenant,
            scope=body.scope,
            requests_per_minute=body.requests_per_minute,
            expires_in_s=body.expires_in_s,
        )
    )
    return _handed_over(made, request, response)


@router.get("/{key_id}", responses=problems(404))
async def get_key(key_id: AnId, keys: Keys) -> KeyAnswer:
    """One key."""
    return KeyAnswer.of(await keys.key(key_id))


@router.post("/{key_id}/revoke", responses=problems(404))
async def revoke_key(key_id: AnId, keys: Keys) -> KeyAnswer:
    """End a key."""
    return KeyAnswer.of(await keys.revoke(key_id))


@router.post("/{key_id}/rotate", status_code=HTTPStatus.CREATED, responses=problems(404))
async def rotate_key(
    key_id: AnId, body: RotationBody, keys: Keys, request: Request, response: Response
) -> IssuedAnswer:
    """Make a key that may do the same, and end the old one, at once or after a grace."""
    made = await keys.rotate(key_id, grace_s=body.grace_s)
    return _handed_over(made, request, response)


def _handed_over(made: IssuedKey, request: Request, response: Response) -> IssuedAnswer:
    response.headers["Location"] = str(request.url_for("get_key", key_id=made.key.key_id).path)
    response.headers["Cache-Control"] = "no-store"
    return IssuedAnswer.issued(made)


def _fields(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "name": key.name,
        "tenant": key.tenant,
        "scope": key.scope,
        "requests_per_minute": key.requests_per_minute,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "live": key.live,
    }
