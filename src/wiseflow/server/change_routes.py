"""What changed since an earlier research, under ``/api/v1/research/{id}/changes``."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from wiseflow.app import Application
from wiseflow.app.services.changes import ChangesService
from wiseflow.core.access import Principal
from wiseflow.research.rendering.changes import (
    changes_to_html,
    changes_to_json,
    changes_to_markdown,
)
from wiseflow.server.path_names import AnId, MaybeId
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.problems import problems
from wiseflow.server.scopes import READ

router = APIRouter(prefix="/research", tags=["research"], dependencies=[READ])


def changes_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> ChangesService:
    """Comparisons, for who asks."""
    return ChangesService(application, principal)


@router.get(
    "/{research_id}/changes",
    response_class=Response,
    responses={
        200: {
            "description": "What changed.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/markdown": {"schema": {"type": "string"}},
                "text/html": {"schema": {"type": "string"}},
            },
        },
        **problems(404, 409),
    },
)
async def get_changes(
    research_id: AnId,
    comparing: Annotated[ChangesService, Depends(changes_of)],
    since: MaybeId = "",
    form: Annotated[Literal["json", "markdown", "html"], Query(alias="format")] = "json",
) -> Response:
    """What changed since another research, or since the last completed run of its schedule."""
    changes = await comparing.changes(research_id, since=since)
    if form == "html":
        return HTMLResponse(changes_to_html(changes))
    if form == "markdown":
        return PlainTextResponse(changes_to_markdown(changes), media_type="text/markdown")
    return JSONResponse(changes_to_json(changes))
