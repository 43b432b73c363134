"""Schedules under ``/api/v1/schedules``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from wiseflow.app import Application
from wiseflow.app.services.schedules import SchedulesService
from wiseflow.core.access import Principal
from wiseflow.server.bodies import ResearchAnswer
from wiseflow.server.path_names import IdOrName, MaybeId
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.problems import problems
from wiseflow.server.schedule_bodies import EnabledBody, ScheduleAnswer, ScheduleBody, SchedulePage
from wiseflow.server.scopes import READ
from wiseflow.server.strict import StrictRoute

router = APIRouter(
    prefix="/schedules", tags=["schedules"], dependencies=[READ], route_class=StrictRoute
)


def schedules_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> SchedulesService:
    """Schedules, for who asks."""
    return SchedulesService(application, principal)


Schedules = Annotated[SchedulesService, Depends(schedules_of)]
Limit = Annotated[int, Query(ge=1, le=1_000)]


@router.post("", status_code=HTTPStatus.CREATED, responses=problems(409))
async def add_schedule(
    body: ScheduleBody, schedules: Schedules, request: Request, response: Response
) -> ScheduleAnswer:
    """Have a research done again and again."""
    added = await schedules.add(body.spec())
    place = request.url_for("get_schedule", schedule_id=added.schedule_id).path
    response.headers["Location"] = str(place)
    return ScheduleAnswer.of(added)


@router.get("")
async def list_schedules(
    schedules: Schedules, after: MaybeId = "", limit: Limit = 100
) -> SchedulePage:
    """The schedules, newest first."""
    found = await schedules.schedules(after=after, limit=limit)
    following = found[-1].schedule_id if len(found) == limit else None
    return SchedulePage(schedules=[ScheduleAnswer.of(one) for one in found], next=following)


@router.get("/{schedule_id}", responses=problems(404))
async def get_schedule(schedule_id: IdOrName, schedules: Schedules) -> ScheduleAnswer:
    """One schedule as it is now."""
    return ScheduleAnswer.of(await schedules.schedule(schedule_id))


@router.put("/{schedule_id}", responses=problems(404, 409))
async def change_schedule(
    schedule_id: IdOrName, body: ScheduleBody, schedules: Schedules
) -> ScheduleAnswer:
    """Have a schedule be as given."""
    return ScheduleAnswer.of(await schedules.change(schedule_id, body.spec()))


@router.patch("/{schedule_id}", responses=problems(404, 409))
async def enable_schedule(
    schedule_id: IdOrName, body: EnabledBody, schedules: Schedules
) -> ScheduleAnswer:
    """Pause a schedule, or resume it; what was due meanwhile is not made up for."""
    return ScheduleAnswer.of(await schedules.enable(schedule_id, enabled=body.enabled))


@router.delete("/{schedule_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(404))
async def delete_schedule(schedule_id: IdOrName, schedules: Schedules) -> None:
    """Forget a schedule; its researches stay."""
    await schedules.delete(schedule_id)


@router.get("/{schedule_id}/runs", responses=problems(404))
async def list_runs(
    schedule_id: IdOrName, schedules: Schedules, limit: Limit = 100
) -> list[ResearchAnswer]:
    """The researches of a schedule, newest first."""
    return [ResearchAnswer.of(job) for job in await schedules.runs(schedule_id, limit=limit)]


@router.post("/{schedule_id}/run", status_code=HTTPStatus.ACCEPTED, responses=problems(404, 409))
async def run_schedule(
    schedule_id: IdOrName, schedules: Schedules, request: Request, response: Response
) -> ResearchAnswer:
    """Do a schedule's research now; its next due time stays."""
    job = await schedules.run_now(schedule_id)
    response.headers["Location"] = str(request.url_for("get_research", research_id=job.job_id).path)
    return ResearchAnswer.of(job)
