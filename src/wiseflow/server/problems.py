"""Errors as ``application/problem+json``, in one place (RFC 9457)."""

from __future__ import annotations

import math
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from wiseflow.core.errors import TooOften, Unauthenticated, WiseflowError
from wiseflow.observability.logs import get_logger

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="wiseflow"'
_log = get_logger(__name__)


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error answered as a problem."""
    app.add_exception_handler(WiseflowError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_body)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unexpected)


def problem(status: int, detail: str, *, cure: str = "", **more: object) -> JSONResponse:
    """A problem as an answer.

    Args:
        status: of HTTP.
        detail: what happened.
        cure: what the reader can do about it.
        more: further members.
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    told = {"detail": detail, "cure": cure, **more}
    return JSONResponse(
        body | {name: value for name, value in told.items() if value},
        status_code=status,
        media_type=MEDIA_TYPE,
    )


async def _of_ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WiseflowError)
    answer = problem(error.http_status, error.message, cure=error.cure)
    if isinstance(error, Unauthenticated):
        # Source: RFC 9110, 15.5.2: an answer 401 has to name how to authenticate.
        answer.headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return answer


async def _of_body(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [
        {"place": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
        for one in error.errors()
    ]
    first = f"{places[0]['place']}: {places[0]['message']}" if places else "it cannot be read"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, first, errors=places)


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail))


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    _log.error("A request met an error that nobody expected", error=repr(error))
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error, which is logged")
