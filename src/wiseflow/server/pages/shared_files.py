"""The style, the script and the icon; the way in; and the theme."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from wiseflow.core.errors import NotFound
from wiseflow.server.pages.site import ASSETS, THEME_COOKIE, THEMES, PageRoute, asset, link
from wiseflow.server.scopes import PUBLIC

YEAR_S = 31_536_000
router = APIRouter(route_class=PageRoute, dependencies=[PUBLIC])


@router.get("/")
async def front(request: Request) -> Response:
    """The way in."""
    return RedirectResponse(link(request, "dashboard_page"), HTTPStatus.SEE_OTHER)


@router.get("/static/{name}")
async def asset_file(name: str) -> Response:
    """A file that pages load; its address changes with it, so that it may be kept."""
    if name not in ASSETS:
        raise NotFound(f"there is no file {name!r}")
    return Response(
        asset(name),
        media_type=ASSETS[name],
        headers={"Cache-Control": f"public, max-age={YEAR_S}, immutable"},
    )


@router.post("/dashboard/theme")
async def theme_form(
    request: Request, theme: Annotated[str, Form()], back: Annotated[str, Form()] = ""
) -> Response:
    """Keep a theme, and go back."""
    home = link(request, "front")
    # Only to a page of ours: "//elsewhere" would be another site.
    inside = back.startswith(home) and not back.startswith(("//", "/\\"))
    target = back if inside else link(request, "dashboard_page")
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_S, path=home, samesite="lax")
    return response
