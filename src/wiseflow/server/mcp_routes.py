"""``POST /mcp``: the program as tools of assistants; see ``server.mcp``."""

from __future__ import annotations

import asyncio
import importlib
from http import HTTPStatus
from types import ModuleType
from typing import Any

from fastapi import APIRouter, Request, Response

from wiseflow.core.errors import Forbidden, MissingExtra
from wiseflow.server.origins import is_meant
from wiseflow.server.principals import App
from wiseflow.server.problems import problem
from wiseflow.server.scopes import READ

PATH = "/mcp"
router = APIRouter(dependencies=[READ])


@router.post(PATH, include_in_schema=False, response_model=None)
async def answer_mcp(request: Request, app: App) -> Response:
    """Answer a request of the Model Context Protocol."""
    _refuse_foreign(request, app.settings.cors_allowed_origins)
    # Most calls only read; those that change something are noted by what they do.
    request.state.noted = True
    body = await request.body()
    try:
        transport, server = await _loaded(request)
    except MissingExtra as error:
        return problem(HTTPStatus.NOT_IMPLEMENTED, error.message, cure=error.cure)
    most = app.settings.request_max_bytes
    answer: Response = transport.Answer(server, body, request.receive, most_bytes=most)
    return answer


async def _loaded(request: Request) -> tuple[ModuleType, Any]:
    """What speaks the protocol, and its server for this application, made once.

    Raises:
        MissingExtra: the library is not installed.
    """
    # In a thread, as it takes most of a second, and others go on meanwhile.
    transport = await asyncio.to_thread(_import)
    state = request.app.state
    if not hasattr(state, "mcp"):
        state.mcp = transport.server_of(state.application)
    return transport, state.mcp


def _import() -> ModuleType:
    try:
        return importlib.import_module("wiseflow.server.mcp.over_http")
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise MissingExtra("mcp", "the server for assistants") from error


def _refuse_foreign(request: Request, allowed: str) -> None:
    """Go on unless a page of another site sent the request, whatever key it shows.

    Source: the MCP specification, "Streamable HTTP", Security Warning: the Origin is to be checked
    against DNS rebinding. The Host is, where no key is shown: see ``local_access``.

    Raises:
        Forbidden: one did.
    """
    origin = request.headers.get("origin", "")
    if origin and origin in {one.strip() for one in allowed.split(",")}:
        return
    if not is_meant(request.method, request.headers, unless_told=True):
        raise Forbidden(
            "the request was made by a page of another site",
            cure="Name its origin in CORS_ALLOWED_ORIGINS, if it may use this service",
        )
