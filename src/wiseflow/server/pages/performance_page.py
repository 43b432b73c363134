"""How the program does, as a page."""

from __future__ import annotations

from time import time
from typing import Annotated

from fastapi import APIRouter, Query, Response

from wiseflow.core.access import Scope
from wiseflow.core.jobs import JobStatus
from wiseflow.server.pages.performance import HOUR_S, HOURS, view_of
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.pages.spans import Range
from wiseflow.server.scopes import READ

ENDED_AT_MOST = 5_000
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@router.get("/performance")
async def performance_page(
    visit: Visiting, over: Annotated[Range, Query(alias="range")] = Range.HOUR
) -> Response:
    """How the program does, suggestions first; the last hour is for administrators."""
    at = time()
    ended = await visit.researches.ended_since(at - HOURS * HOUR_S, limit=ENDED_AT_MOST)
    now = visit.workings.now()
    active = await visit.researches.active()
    admin = visit.principal.scope.holds(Scope.ADMIN)
    measured = visit.performance.performance() if admin else None
    return visit.show(
        "performance.html",
        nav="performance",
        view=view_of(now, ended, measured, over=over, at=at),
        now_of=now,
        over=over,
        ranges=list(Range),
        running=sum(job.status is JobStatus.RUNNING for job in active),
    )
