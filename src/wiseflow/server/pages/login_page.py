"""The form that asks for an API key. What is sent there is judged elsewhere, by who owns keys."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from wiseflow.server.pages.site import PageRoute, render

router = APIRouter(route_class=PageRoute)


@router.get("/login")
async def login_page(request: Request) -> Response:
    """The form."""
    return login_response(request)


def login_response(request: Request, *, problem: str = "", status: int = HTTPStatus.OK) -> Response:
    """The form, with what was wrong with the last key.

    Args:
        request: that asks for it.
        problem: as a sentence; "" for none.
        status: of HTTP.
    """
    return render(request, "login.html", status=status, nav="", problem=problem)
