"""The ASGI application of an open ``Application``."""

from __future__ import annotations

from fastapi import FastAPI

from wiseflow.app import Application
from wiseflow.core.version import VERSION
from wiseflow.server import (
    health_routes,
    research_routes,
    schedule_routes,
    share_routes,
    webhook_routes,
)
from wiseflow.server.metrics_routes import metrics_router
from wiseflow.server.pages.routing import router as pages
from wiseflow.server.problems import add_problem_handlers
from wiseflow.server.watching import Watching

PREFIX = "/api/v1"


def create_app(application: Application, *, root_path: str = "") -> FastAPI:
    """What answers over HTTP.

    Args:
        application: open, and closed by who opened it.
        root_path: under which a proxy offers it, such as ``/wiseflow``.
    """
    app = FastAPI(title="WiseFlow", version=VERSION, root_path=root_path)
    app.state.application = application
    add_problem_handlers(app)
    app.include_router(health_routes.router)
    app.include_router(research_routes.router, prefix=PREFIX)
    app.include_router(schedule_routes.router, prefix=PREFIX)
    app.include_router(webhook_routes.router, prefix=PREFIX)
    app.include_router(share_routes.router, prefix=PREFIX)
    app.include_router(share_routes.shared_router)
    app.include_router(pages)
    app.include_router(metrics_router(application.settings.metrics_path))
    # Added last, so that it is outermost and sees all that the others do.
    app.add_middleware(Watching, meter=application.meter)
    return app
