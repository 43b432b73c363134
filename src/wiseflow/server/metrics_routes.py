"""Metrics for Prometheus, beside those on METRICS_PORT."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from wiseflow.app import Application
from wiseflow.core.errors import NotFound
from wiseflow.server.principals import application_of
from wiseflow.server.scopes import ADMIN

# Where they are unless METRICS_PATH says otherwise, as the OpenAPI document that is kept tells.
USUAL_PATH = "/metrics"


def metrics_router(path: str) -> APIRouter:
    """The route of the metrics.

    Args:
        path: where they are.
    """
    router = APIRouter(tags=["metrics"], dependencies=[ADMIN])

    @router.get(path, response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def get_metrics(  # pyright: ignore[reportUnusedFunction] - the router has it
        application: Annotated[Application, Depends(application_of)], request: Request
    ) -> Response:
        """All metrics of this process, and those of all instances from the database.

        They tell of all tenants together, so they need the scope `admin`; Prometheus is better
        sent to METRICS_PORT, which needs no key.
        """
        meter = application.meter
        if meter is None or not application.settings.enable_metrics:
            raise NotFound("metrics are off", cure="Set ENABLE_METRICS=true and serve again")
        body, content_type = await meter.exposition.text(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    return router
