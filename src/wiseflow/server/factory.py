"""The ASGI application of an open ``Application``."""

from __future__ import annotations

import json
import time
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from wiseflow.app import Application
from wiseflow.app.health import Health
from wiseflow.app.limiting import redis_url
from wiseflow.core.version import VERSION
from wiseflow.server import (
    audit_routes,
    change_routes,
    document_routes,
    health_routes,
    key_routes,
    login_routes,
    mcp_routes,
    report_routes,
    research_routes,
    schedule_routes,
    secret_routes,
    share_routes,
    webhook_routes,
)
from wiseflow.server.admission import Admission
from wiseflow.server.client_limits import ClientLimits, counted_in_redis
from wiseflow.server.guard import Guard
from wiseflow.server.limits import Limited, RequestLimits
from wiseflow.server.local_access import Exposure
from wiseflow.server.metrics_routes import USUAL_PATH, metrics_router
from wiseflow.server.openapi import openapi_of
from wiseflow.server.pages import routing
from wiseflow.server.problems import add_problem_handlers
from wiseflow.server.scopes import PREFIX, refuse_undeclared
from wiseflow.server.sessions import Sessions
from wiseflow.server.sub_paths import UnderPath
from wiseflow.server.watching import Watching

GZIP_FROM_BYTES = 1024
# The default of 9 takes several times as long for a few per cent.
GZIP_LEVEL = 4
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What web pages of other origins may read of an answer.
EXPOSED = (
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
)
# Below ``PREFIX``.
API = (
    research_routes,
    report_routes,
    change_routes,
    document_routes,
    schedule_routes,
    webhook_routes,
    share_routes,
    key_routes,
    audit_routes,
    secret_routes,
)


def create_app(application: Application, *, host: str = "", root_path: str = "") -> FastAPI:
    """What answers over HTTP.

    Args:
        application: open, and closed by who opened it.
        host: where the server listens: only on a loopback address are requests taken without a
            key. "" when it is not known.
        root_path: under which a proxy offers it, such as ``/wiseflow``; see ``UnderPath``.
    """
    app = _with_routes(application.settings.metrics_path)
    app.state.application = application
    app.state.health = Health(application)
    app.state.admission = admission(application, host=host, root_path=root_path)
    app.state.client_limits = client_limits(application)
    add_problem_handlers(app)
    _add_layers(app, application, root_path)
    return app


def api_document() -> dict[str, Any]:
    """The OpenAPI document, which needs nothing open."""
    return openapi_of(_with_routes(USUAL_PATH))


def render_api() -> str:
    """The same, as the file that is kept in the reference."""
    return json.dumps(api_document(), indent=1, ensure_ascii=False) + "\n"


def admission(application: Application, *, host: str, root_path: str) -> Admission:
    """What tells who asks, by the settings."""
    settings = application.settings
    return Admission(
        ring=application.key_ring,
        sessions=Sessions(application.signing_secret("login"), hours=settings.login_hours),
        exposure=Exposure(host=host, root_path=root_path, mode=settings.api_local_access),
    )


def client_limits(application: Application) -> ClientLimits:
    """What counts requests, together with other processes where these share limits by Redis."""
    settings = application.settings
    return ClientLimits(
        settings.api_requests_per_minute,
        shared=counted_in_redis(redis_url(settings)) if settings.limit_store == "redis" else None,
        salt=application.signing_secret("client limits"),
    )


def _with_routes(metrics_path: str) -> FastAPI:
    """All that is answered."""
    app = FastAPI(
        title="WiseFlow",
        version=VERSION,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(refuse_undeclared)],
    )
    for routes in API:
        app.include_router(routes.router, prefix=PREFIX)
    for router in (health_routes.router, share_routes.shared_router, login_routes.router):
        app.include_router(router)
    app.include_router(metrics_router(metrics_path))
    app.include_router(mcp_routes.router)
    app.include_router(routing.router)
    app.openapi = lambda: openapi_of(app)
    return app


def _add_layers(app: FastAPI, application: Application, root_path: str) -> None:
    """What is around every route; the last one is the outermost."""
    settings = application.settings
    limits = RequestLimits(
        body_bytes=settings.request_max_bytes,
        upload_bytes=settings.upload_max_bytes,
        seconds=settings.request_timeout_s,
    )
    app.add_middleware(Limited, limits=limits)
    # Around the limits, so that a change is written down that was cut off.
    app.add_middleware(
        Guard, ring=application.key_ring, auditor=application.auditor, monotonic=time.monotonic
    )
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL)
    origins = [one.strip() for one in settings.cors_allowed_origins.split(",") if one.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    # Sees all that the others do.
    app.add_middleware(Watching, meter=application.meter)
    app.add_middleware(UnderPath, path=root_path)


def _operation_id(route: APIRoute) -> str:
    return route.name
