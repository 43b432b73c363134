"""What all pages share: templates, links under any sub-path, headers, and how errors look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from importlib.resources import files
from time import time
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException

from wiseflow.app import Application
from wiseflow.app.services.keys import KeysService
from wiseflow.app.services.pages import ResearchPages
from wiseflow.app.services.performance import PerformanceService
from wiseflow.app.services.schedules import SchedulesService
from wiseflow.app.services.shelves import LibraryPages
from wiseflow.app.services.webhooks import WebhooksService
from wiseflow.app.services.workings import WorkingsPages
from wiseflow.core.access import Principal
from wiseflow.core.errors import Forbidden, Unauthenticated, WiseflowError
from wiseflow.observability.logs import get_logger
from wiseflow.research.rendering.html import exact, language_tag
from wiseflow.research.rendering.reading import label_of, paragraphs, printable, safe_address
from wiseflow.server.pages import charts, line_charts, words
from wiseflow.server.principals import application_of, principal_of

THEME_COOKIE = "wiseflow-theme"
THEMES = ("auto", "light", "dark")
ASSETS = {"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}
# Nothing inline, nothing from elsewhere. Source: W3C, Content Security Policy Level 3.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with that, a browser does not say either where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page, and what whoever asks may see.

    Args:
        request: the request.
        principal: who asks.
        researches, library, workings, performance, schedules, webhooks, keys: the program, for
            that one.
    """

    request: Request
    principal: Principal
    researches: ResearchPages
    library: LibraryPages
    workings: WorkingsPages
    performance: PerformanceService
    schedules: SchedulesService
    webhooks: WebhooksService
    keys: KeysService

    def link(self, name: str, /, **parameters: object) -> str:
        """Where a page is, under the path that a proxy offers the program at."""
        return link(self.request, name, **parameters)

    def go(self, name: str, /, **parameters: object) -> Response:
        """The answer to a form: look there."""
        return RedirectResponse(self.link(name, **parameters), HTTPStatus.SEE_OTHER)

    def show(self, template: str, *, status: int = HTTPStatus.OK, **values: object) -> Response:
        """A page."""
        return render(self.request, template, status=status, principal=self.principal, **values)


def visit_of(
    request: Request,
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> Visit:
    """The request, for who asks."""
    return Visit(
        request=request,
        principal=principal,
        researches=ResearchPages(application, principal),
        library=LibraryPages(application, principal),
        workings=WorkingsPages(application, principal),
        performance=PerformanceService(application, principal),
        schedules=SchedulesService(application, principal),
        webhooks=WebhooksService(application, principal),
        keys=KeysService(application, principal),
    )


Visiting = Annotated[Visit, Depends(visit_of)]


def link(request: Request, name: str, /, **parameters: object) -> str:
    """The path of a route by its name, under the path that a proxy offers the program at."""
    return request.url_for(name, **parameters).path


def render(
    request: Request, template: str, *, status: int = HTTPStatus.OK, **values: object
) -> Response:
    """A page from its template."""
    now = time()
    text = (
        environment()
        .get_template(template)
        .render(
            link=partial(link, request),
            asset=partial(_asset_link, request),
            path=request.url.path,
            theme=theme_of(request),
            now=now,
            when=partial(when, now=now),
            due=partial(due, now=now),
            **values,
        )
    )
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


def when(at: float, now: float) -> Markup:
    """A time as it is told, with the exact one for a pointer that rests on it."""
    return _time(at, words.ago(at, now))


def due(at: float, now: float) -> Markup:
    """A time to come as it is told, with the exact one."""
    return _time(at, words.ahead(at, now))


def _time(at: float, told: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        words.iso_time(at), words.exact_time(at), told
    )


def theme_of(request: Request) -> str:
    """The theme that whoever asks has chosen."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


@cache
def asset(name: str) -> bytes:
    """A file that pages load."""
    return files("wiseflow.server.pages").joinpath("static", name).read_bytes()


@cache
def version_of(name: str) -> str:
    """Changes when an asset does, so that a browser may keep it for ever."""
    return hashlib.blake2b(asset(name), digest_size=6).hexdigest()


@cache
def environment() -> Environment:
    """The templates, all that is put into them escaped."""
    made = Environment(
        loader=PackageLoader("wiseflow.server.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "printable": printable,
        "exact": exact,
        "address": safe_address,
        "label": label_of,
        "paragraphs": paragraphs,
        "tag": language_tag,
        "iso": words.iso_time,
        "exact_time": words.exact_time,
        "clock": words.clock,
        "lasted": words.lasted,
        "price": words.price,
        "size": words.size,
        "status": words.status_word,
        "told": words.told,
        "took": words.took,
        "meter": charts.meter,
        "key": line_charts.key,
    }
    made.filters.update(filters)  # pyright: ignore[reportArgumentType, reportCallIssue] - jinja2 types filters by its own
    return made


class PageRoute(APIRoute):
    """A route whose answers, errors too, are pages with the headers that pages have."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, guarded."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            response = await _answer(handler, request)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


async def _answer(
    handler: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
) -> Response:
    try:
        refuse_foreign_form(request)
        return await handler(request)
    except Unauthenticated:
        return RedirectResponse(link(request, "login_page"), HTTPStatus.SEE_OTHER)
    except WiseflowError as error:
        return problem_page(request, error.http_status, error.message, error.cure)
    except RequestValidationError as error:
        places = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        return problem_page(request, HTTPStatus.UNPROCESSABLE_ENTITY, f"cannot be read: {places}")
    except HTTPException as error:
        return problem_page(request, error.status_code, str(error.detail))
    except Exception as error:  # noqa: BLE001 - the boundary of a request
        _log.error("A page met an error that nobody expected", error=repr(error))
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return problem_page(request, status, "an unexpected error, which is logged")


def problem_page(request: Request, status: int, message: str, cure: str = "") -> Response:
    """What went wrong, why, and what mends it, as a page."""
    title = HTTPStatus(status).phrase
    return render(
        request, "problem.html", status=status, title=title, message=message, cure=cure, nav=""
    )


def refuse_foreign_form(request: Request) -> None:
    """Refuse a form that another site had the browser send.

    Raises:
        Forbidden: it did.

    Source: Fetch Metadata Request Headers (W3C), ``Sec-Fetch-Site``; for older browsers ``Origin``.
    """
    if request.method != "POST":
        return
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    own = not origin or urlsplit(origin).netloc == request.headers.get("host", "")
    if site not in {"", "same-origin", "none"} or (not site and not own):
        raise Forbidden(
            "this form was sent from another site", cure="Send it from the dashboard itself"
        )


def _asset_link(request: Request, name: str) -> str:
    return f"{link(request, 'asset_file', name=name)}?v={version_of(name)}"
