"""Logging in and out at a browser: an API key for a cookie that ends."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from wiseflow.core.access import Principal
from wiseflow.core.errors import Forbidden, TooOften, Unauthenticated
from wiseflow.server.admission import Admission
from wiseflow.server.client_limits import ClientLimits
from wiseflow.server.origins import is_meant
from wiseflow.server.pages.site import PageRoute, render
from wiseflow.server.principals import admission_of
from wiseflow.server.scopes import PUBLIC

HOME = "/dashboard"
NOBODY = Principal(name="unknown")
router = APIRouter(
    tags=["login"], dependencies=[PUBLIC], include_in_schema=False, route_class=PageRoute
)

Admitting = Annotated[Admission, Depends(admission_of)]


@router.get("/login")
async def login_page(
    request: Request, next_page: Annotated[str, Query(alias="next")] = HOME
) -> Response:
    """The page to log in at."""
    return _page(request, next_page)


@router.post("/login")
async def log_in(
    request: Request,
    admission: Admitting,
    key: Annotated[str, Form()] = "",
    next_page: Annotated[str, Form(alias="next")] = HOME,
) -> Response:
    """Take a key, and set the cookie in its place."""
    _refuse_foreign(request)
    limits: ClientLimits = request.app.state.client_limits
    try:
        await limits.try_login(request.client.host if request.client else "")
        found = await admission.ring.key(key.strip())
    except TooOften as error:
        page = _page(request, next_page, error=str(error), status=error.http_status)
        page.headers["Retry-After"] = str(int(error.retry_after_s))
        return page
    except Unauthenticated as error:
        request.state.principal = NOBODY  # the audit log is to tell of tries that failed
        return _page(request, next_page, error=error.message, status=error.http_status)
    request.state.principal = found.principal
    answer = RedirectResponse(_within(request, next_page), HTTPStatus.SEE_OTHER)
    admission.sessions.begin(request, answer, found.key_id)
    return answer


@router.post("/logout")
async def log_out(request: Request, admission: Admitting) -> Response:
    """Take the cookie away."""
    _refuse_foreign(request)
    answer = RedirectResponse(_within(request, "/login"), HTTPStatus.SEE_OTHER)
    admission.sessions.end(request, answer)
    return answer


def _refuse_foreign(request: Request) -> None:
    """Refuse what another site's page sends: it might log somebody in as somebody else."""
    if not is_meant(request.method, request.headers, unless_told=True):
        raise Forbidden("the form was sent by a page of another site", cure="Open /login itself")


def _page(
    request: Request, next_page: str, *, error: str = "", status: int = HTTPStatus.OK
) -> Response:
    page = _own_page(next_page)
    return render(request, "login.html", status=status, nav="", problem=error, next_page=page)


def _within(request: Request, page: str) -> str:
    return f"{_root(request)}{_own_page(page)}"


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root


def _own_page(page: str) -> str:
    """``page`` if it is a path of this server, else the first page: nobody is led elsewhere."""
    # Browsers take a backslash for a slash, and pass over control characters.
    plain = page.isprintable() and "\\" not in page
    return page if plain and page.startswith("/") and not page.startswith("//") else HOME
