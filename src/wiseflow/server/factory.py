"""The ASGI application of an open ``Application``."""

from __future__ import annotations

import time

from fastapi import Depends, FastAPI

from wiseflow.app import Application
from wiseflow.core.version import VERSION
from wiseflow.server import (
    audit_routes,
    change_routes,
    health_routes,
    key_routes,
    login_routes,
    research_routes,
    schedule_routes,
    secret_routes,
    share_routes,
    webhook_routes,
)
from wiseflow.server.admission import Admission
from wiseflow.server.client_limits import ClientLimits
from wiseflow.server.guard import Guard
from wiseflow.server.local_access import Exposure
from wiseflow.server.metrics_routes import metrics_router
from wiseflow.server.pages import routing
from wiseflow.server.problems import add_problem_handlers
from wiseflow.server.scopes import refuse_undeclared
from wiseflow.server.sessions import Sessions
from wiseflow.server.watching import Watching

PREFIX = "/api/v1"


def create_app(application: Application, *, host: str = "", root_path: str = "") -> FastAPI:
    """What answers over HTTP.

    Args:
        application: open, and closed by who opened it.
        host: where the server listens: only on a loopback address are requests taken without a
            key. "" when it is not known.
        root_path: under which a proxy offers it, such as ``/wiseflow``; see ``UnderPath``.
    """
    app = FastAPI(title="WiseFlow", version=VERSION, dependencies=[Depends(refuse_undeclared)])
    app.state.application = application
    app.state.admission = admission(application, host=host, root_path=root_path)
    app.state.client_limits = ClientLimits(application.settings.api_requests_per_minute)
    app.add_middleware(
        Guard, ring=application.key_ring, auditor=application.auditor, monotonic=time.monotonic
    )
    add_problem_handlers(app)
    app.include_router(health_routes.router)
    app.include_router(research_routes.router, prefix=PREFIX)
    app.include_router(change_routes.router, prefix=PREFIX)
    app.include_router(schedule_routes.router, prefix=PREFIX)
    app.include_router(webhook_routes.router, prefix=PREFIX)
    app.include_router(share_routes.router, prefix=PREFIX)
    app.include_router(share_routes.shared_router)
    app.include_router(login_routes.router)
    app.include_router(key_routes.router, prefix=PREFIX)
    app.include_router(audit_routes.router, prefix=PREFIX)
    app.include_router(secret_routes.router, prefix=PREFIX)
    app.include_router(routing.router)
    app.include_router(metrics_router(application.settings.metrics_path))
    # Added last, so that it is outermost and sees all that the others do.
    app.add_middleware(Watching, meter=application.meter)
    return app


def admission(application: Application, *, host: str, root_path: str) -> Admission:
    """What tells who asks, by the settings."""
    settings = application.settings
    return Admission(
        ring=application.key_ring,
        sessions=Sessions(application.signing_secret("login"), hours=settings.login_hours),
        exposure=Exposure(host=host, root_path=root_path, mode=settings.api_local_access),
    )
