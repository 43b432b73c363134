"""All pages, as one router."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from wiseflow.server.pages import (
    acting,
    comparing,
    library_page,
    live,
    new_page,
    performance_page,
    queue_page,
    research_page,
    settings_page,
    shared_files,
)
from wiseflow.server.pages.site import PageRoute
from wiseflow.server.scopes import READ

router = APIRouter(include_in_schema=False)
for one in (
    shared_files,
    new_page,
    live,
    acting,
    research_page,
    queue_page,
    library_page,
    comparing,
    performance_page,
    settings_page,
):
    router.include_router(one.router)

lost = APIRouter(route_class=PageRoute, dependencies=[READ])


@lost.get("/dashboard/{rest:path}")
async def nowhere(rest: str, request: Request) -> Response:
    """Any other address below the dashboard: a page that says so."""
    del request
    raise HTTPException(404, f"there is no page /dashboard/{rest}")


router.include_router(lost)
