"""JSON of requests, read strictly: what could not be stored or answered is named and refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from wiseflow.server.scopes import Needs
from wiseflow.server.unstorable import MOST_DEPTH, why_unstorable

# Beyond 64 bits, databases and many readers of JSON take no whole number as it is.
LARGEST = 2**63 - 1
_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class StrictRoute(APIRoute):
    """A route whose body is read of who may send it, of its media type, and its JSON strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind these checks where the route has a body."""
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler
        form = isinstance(self.body_field.field_info, Form)
        wanted = "multipart/form-data" if form else "application/json"
        needed = [one.dependency for one in self.dependencies if isinstance(one.dependency, Needs)]

        async def strict(request: Request) -> Response:
            for one in needed:  # before the body is read: nobody else's is
                await one(request)
            _check_media_type(request, wanted)
            asked = _StrictRequest(request.scope, request.receive)
            if not form:
                await asked.read()
            return await handler(asked)

        return strict


class _StrictRequest(Request):
    """A request whose JSON is read before anybody else does, and strictly."""

    _strict: object = None

    async def read(self) -> None:
        """Read the body, if there is one; raises as ``read_json``."""
        try:
            body = await self.body()
        except ClientDisconnect:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the body did not come") from None
        if body:
            self._strict = read_json(body)

    async def json(self) -> Any:
        """The body, as it was read."""
        return self._strict


def read_json(body: bytes) -> object:
    """What a body of JSON says.

    Raises:
        RequestValidationError: it is no JSON, is nested too deeply, or holds a number or a
            character that has no place in JSON or in a database.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("it is not UTF-8")
    if _depth(text) > MOST_DEPTH:
        _refuse(f"it is nested more than {MOST_DEPTH} deep")
    try:
        read: object = json.loads(
            text, parse_constant=_no_number, parse_int=_whole, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg} at character {error.pos}", "json_invalid")
    if why := why_unstorable(read):
        _refuse(why)
    return read


def _depth(text: str) -> int:
    """How deep the brackets outside of texts are nested; of bad JSON, something like it."""
    most = text.count("[") + text.count("{")
    if most <= MOST_DEPTH:
        return most
    depth = deepest = 0
    for bracket in _BRACKET.findall(_TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _whole(digits: str) -> int:
    # Longer ones are not even converted, which takes time by the square of their length.
    if len(digits) > len(str(LARGEST)) + 1 or abs(number := int(digits)) > LARGEST:
        _refuse("a whole number has more than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse("a number is too large")
    return number


def _no_number(name: str) -> NoReturn:
    _refuse(f"{name} is no number of JSON")


def _refuse(why: str, kind: str = "json_refused") -> NoReturn:
    raise RequestValidationError([{"type": kind, "loc": ("body",), "msg": why, "input": None}])


def _check_media_type(request: Request, wanted: str) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    as_json = wanted == "application/json" and given.endswith("+json")
    has_body = request.headers.get("content-length") != "0" and (
        "content-length" in request.headers or "transfer-encoding" in request.headers
    )
    if given == wanted or as_json or (not given and not has_body):
        return
    raise HTTPException(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"the body is {given or 'of no type'}, not {wanted}",
        headers={"Accept": wanted},
    )
