"""What is set: providers, limits, schedules, webhooks, keys and settings; never a secret.

Settings themselves are read when the program starts, so here they are only shown. What is kept in
the database can be acted on: schedules paused, resumed and run, and keys revoked.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from wiseflow.core.access import Scope
from wiseflow.core.keys import ApiKey
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.scopes import ADMIN, READ, RUN

MOST_SCHEDULES = 100
router = APIRouter(prefix="/dashboard/settings", route_class=PageRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key and whether it holds, in a word: ``live``, ``expired`` or ``revoked``."""

    key: ApiKey
    state: str


@router.get("", dependencies=[READ])
async def settings_page(visit: Visiting) -> Response:
    """All of it; what is of all tenants, and who is told what, for administrators."""
    providers = visit.workings.providers()
    admin = visit.principal.scope.holds(Scope.ADMIN)
    schedules = await visit.schedules.schedules(limit=MOST_SCHEDULES + 1)
    return visit.show(
        "settings.html",
        nav="settings",
        providers=sorted(providers, key=lambda one: (not one.ready, one.name)),
        rates=visit.workings.rates(),
        schedules=schedules[:MOST_SCHEDULES],
        more_schedules=len(schedules) > MOST_SCHEDULES,
        webhooks=await visit.webhooks.webhooks() if admin else [],
        keys=[KeyRow(key=one, state=state_of(one)) for one in await visit.keys.keys()]
        if admin
        else [],
        settings=visit.workings.settings() if admin else [],
        admin=admin,
        may_run=visit.principal.scope.holds(Scope.RUN),
    )


@router.post("/schedules/{schedule_id}/pause", dependencies=[RUN])
async def pause_schedule_form(schedule_id: str, visit: Visiting) -> Response:
    """Have a schedule not run until it is resumed."""
    await visit.schedules.enable(schedule_id, enabled=False)
    return _back(visit, "schedules")


@router.post("/schedules/{schedule_id}/resume", dependencies=[RUN])
async def resume_schedule_form(schedule_id: str, visit: Visiting) -> Response:
    """Have a schedule run again."""
    await visit.schedules.enable(schedule_id, enabled=True)
    return _back(visit, "schedules")


@router.post("/schedules/{schedule_id}/run", dependencies=[RUN])
async def run_schedule_form(schedule_id: str, visit: Visiting) -> Response:
    """Submit a schedule's research now, and show it."""
    job = await visit.schedules.run_now(schedule_id)
    return visit.go("research_page", research_id=job.job_id)


@router.post("/keys/{key_id}/revoke", dependencies=[ADMIN])
async def revoke_key_form(key_id: str, visit: Visiting) -> Response:
    """End a key."""
    await visit.keys.revoke(key_id)
    return _back(visit, "keys")


def state_of(key: ApiKey) -> str:
    """Whether a key holds, in a word."""
    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.live else "expired"


def _back(visit: Visiting, anchor: str) -> Response:
    page = visit.go("settings_page")
    page.headers["Location"] += f"#{anchor}"
    return page
