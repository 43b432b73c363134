"""Errors as ``application/problem+json``, in one place (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from wiseflow.core.errors import (
    CallError,
    ConfigurationError,
    StorageError,
    TooOften,
    Unauthenticated,
    WiseflowError,
    code_of,
)
from wiseflow.observability.logs import get_logger
from wiseflow.server.unknown_fields import tell_unknown

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="wiseflow"'
# What an answer of 503 asks to wait where nothing better is known.
RETRY_AFTER_S = 2
LONGEST_MESSAGE = 500
_log = get_logger(__name__)


class Place(BaseModel):
    """Something in a request that cannot be used."""

    place: Annotated[str, Field(examples=["body.configuration.length"])]
    message: Annotated[str, Field(examples=["Input should be 'brief', 'normal' or 'detailed'"])]


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: Annotated[str, Field(examples=["about:blank"])]
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    code: Annotated[str, Field(description="The kind of error.", examples=["not_found"])]
    detail: Annotated[str, Field(examples=["there is no research '01k'"])]
    cure: Annotated[str | None, Field(description="What can be done about it.")] = None
    errors: Annotated[list[Place] | None, Field(description="What of the request is wrong.")] = None


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error answered as a problem."""
    app.add_exception_handler(WiseflowError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unexpected)


def problem(
    status: int,
    detail: str,
    *,
    cure: str = "",
    code: str = "",
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> JSONResponse:
    """A problem as an answer.

    Args:
        status: of HTTP.
        detail: what happened.
        cure: what the reader can do about it.
        code: the kind of error; made of the status's name when "".
        headers: of the answer.
        more: further members.
    """
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status}
    told = {
        "code": code or title.lower().replace(" ", "_").replace("-", "_"),
        "detail": detail,
        "cure": cure,
        **more,
    }
    given = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        given.setdefault("Retry-After", str(RETRY_AFTER_S))
    return JSONResponse(
        body | {name: value for name, value in told.items() if value},
        status_code=status,
        headers=given,
        media_type=MEDIA_TYPE,
    )


def problem_of(error: WiseflowError) -> JSONResponse:
    """The answer that tells an error of the program."""
    if isinstance(error, StorageError | ConfigurationError):
        _log.warning("A request could not be served", error=str(error))
    status = HTTPStatus(error.http_status)
    # A named provider that is not set up is what the request asked for, not a fault of the server.
    if isinstance(error, ConfigurationError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = code_of(type(error))
    return problem(status, error.message, cure=error.cure, code=code, headers=_headers(error))


def _headers(error: WiseflowError) -> dict[str, str]:
    """What an answer tells of an error beside its body."""
    # Source: RFC 9110, 15.5.2: an answer 401 has to name how to authenticate.
    headers = {"WWW-Authenticate": CHALLENGE} if isinstance(error, Unauthenticated) else {}
    if isinstance(error, CallError | TooOften) and error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return headers


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How the OpenAPI document tells that a route may answer so."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


async def _of_ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WiseflowError)
    return problem_of(error)


async def _of_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    route = request.scope.get("route")
    places = [
        {
            "place": _printable(".".join(str(part) for part in one["loc"])),
            "message": _printable(_wrong(route, one)),
        }
        for one in error.errors()
    ]
    first = f"{places[0]['place']}: {places[0]['message']}" if places else "it cannot be read"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(status, first, code="invalid_input", errors=places)


def _wrong(route: object, one: Mapping[str, Any]) -> str:
    if one["type"] == "extra_forbidden":
        return tell_unknown(route, one["loc"])
    return str(one["msg"])


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    _log.error("A request met an error that nobody expected", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error, which is logged")


def _printable(text: str) -> str:
    """Text that can be sent, whatever was in the request."""
    return text[:LONGEST_MESSAGE].encode(errors="replace").decode()
