"""Researches under ``/api/v1/research``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response

from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Job
from wiseflow.research.plans import plan_to_json
from wiseflow.server.bodies import (
    EstimateAnswer,
    FollowUpBody,
    ParallelBody,
    PlanBody,
    ResearchAnswer,
    ResearchBody,
    ResearchId,
    ResearchPage,
    SubmittedAnswer,
)
from wiseflow.server.paging import cursor_after, tagged
from wiseflow.server.principals import App, Serving
from wiseflow.server.problems import RETRY_AFTER_S, problems
from wiseflow.server.queries import ListQuery
from wiseflow.server.scopes import READ, RUN
from wiseflow.server.strict import StrictRoute

JSON = "application/json"
ACCEPTED = HTTPStatus.ACCEPTED
router = APIRouter(
    prefix="/research", tags=["research"], route_class=StrictRoute, dependencies=[READ]
)

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern="^[!-~]*$",
        description="The same request under the same key is done once, and answered the same; "
        "another request under it is refused (422). A key is forgotten after "
        "`IDEMPOTENCY_KEY_DAYS`.",
    ),
]
AnId = Annotated[ResearchId, Path()]
_LOCATION = {"Location": {"description": "Of the research.", "schema": {"type": "string"}}}
_LATER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_TAG = {"ETag": {"description": "Of this answer.", "schema": {"type": "string"}}}
_LINK = {"Link": {"description": "To the next page.", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=ACCEPTED,
    responses={ACCEPTED: {"headers": _LOCATION | _LATER}, **problems(404, 409)},
    dependencies=[RUN],
)
async def submit_research(
    body: ResearchBody, service: Serving, request: Request, response: Response, key: Key = ""
) -> ResearchAnswer:
    """Submit a research; a worker takes it."""
    [job] = await service.submit([body.new_research()], request_key=_of(request, key))
    return _accepted(job, request, response)


@router.post(
    "/parallel",
    status_code=ACCEPTED,
    responses={ACCEPTED: {"headers": _LATER}, **problems(404, 409)},
    dependencies=[RUN],
)
async def submit_parallel(
    body: ParallelBody, service: Serving, app: App, request: Request, key: Key = ""
) -> SubmittedAnswer:
    """Submit many researches, all or none."""
    count, most = len(body.topics) + len(body.researches), app.settings.parallel_max_topics
    if not 1 <= count <= most:
        raise InvalidInput(f"there are {count} researches", cure=f"Give 1 to {most}")
    jobs = await service.submit(body.new_researches(), request_key=_of(request, key))
    return SubmittedAnswer(researches=[ResearchAnswer.of(job) for job in jobs])


@router.post("/estimate", responses=problems(404, 409))
async def estimate_research(body: ResearchBody, service: Serving) -> EstimateAnswer:
    """What a research would need outside, and may cost; nothing is submitted."""
    return EstimateAnswer.of(await service.estimate(body.new_research()))


@router.get("", responses={200: {"headers": _LINK}})
async def list_research(
    service: Serving, request: Request, response: Response, wanted: Annotated[ListQuery, Query()]
) -> ResearchPage:
    """The researches that match, the newest first, a page at a time."""
    jobs = await service.researches(wanted.filter())
    page = jobs[: wanted.limit]
    following = cursor_after(page[-1].job_id) if len(jobs) > wanted.limit else None
    if following:
        link = request.url.include_query_params(cursor=following)
        response.headers["Link"] = f'<{link.path}?{link.query}>; rel="next"'
    return ResearchPage(researches=[ResearchAnswer.of(job) for job in page], next_cursor=following)


@router.get(
    "/{research_id}",
    response_model=ResearchAnswer,
    responses={
        200: {"headers": _TAG | _LATER},
        304: {"description": "It is as `If-None-Match` says."},
        **problems(404),
    },
)
async def get_research(research_id: AnId, service: Serving, request: Request) -> Response:
    """One research as it is now."""
    job = await service.research(research_id)
    answer = tagged(request, ResearchAnswer.of(job).model_dump_json().encode(), JSON)
    if not job.status.final:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


@router.delete("/{research_id}", status_code=204, responses=problems(404, 409), dependencies=[RUN])
async def delete_research(research_id: AnId, service: Serving) -> None:
    """Erase a research that does not run, its report, and the questions to it."""
    await service.delete(research_id)


@router.post("/{research_id}/cancel", responses=problems(404, 409), dependencies=[RUN])
async def cancel_research(research_id: AnId, service: Serving) -> ResearchAnswer:
    """Cancel a research that waits, or ask one that runs to stop."""
    return ResearchAnswer.of(await service.cancel(research_id))


@router.post("/{research_id}/resume", responses=problems(404, 409), dependencies=[RUN])
async def resume_research(research_id: AnId, service: Serving) -> ResearchAnswer:
    """Let a research that failed or was cancelled go on; its finished steps are kept."""
    return ResearchAnswer.of(await service.resume(research_id))


@router.post(
    "/{research_id}/follow-up",
    status_code=ACCEPTED,
    responses={ACCEPTED: {"headers": _LOCATION | _LATER}, **problems(404, 409)},
    dependencies=[RUN],
)
async def follow_up_research(
    research_id: AnId,
    body: FollowUpBody,
    service: Serving,
    request: Request,
    response: Response,
    key: Key = "",
) -> ResearchAnswer:
    """Submit a research that builds on this one: its sources are searched first."""
    asked = body.new_research(research_id)
    [job] = await service.submit([asked], request_key=_of(request, key))
    return _accepted(job, request, response)


@router.get("/{research_id}/plan", responses=problems(404))
async def get_plan(research_id: AnId, service: Serving) -> PlanBody:
    """The plan that a research works on, or is to work on."""
    return PlanBody.model_validate(plan_to_json(await service.plan(research_id)))


@router.put("/{research_id}/plan", responses=problems(404, 409), dependencies=[RUN])
async def put_plan(research_id: AnId, body: PlanBody, service: Serving) -> ResearchAnswer:
    """Give a research that awaits approval another plan, which approves it."""
    return ResearchAnswer.of(await service.approve(research_id, body.model_dump()))


@router.post("/{research_id}/approve", responses=problems(404, 409), dependencies=[RUN])
async def approve_plan(
    research_id: AnId,
    service: Serving,
    plan: Annotated[PlanBody | None, Body(description="In place of the one that was made.")] = None,
) -> ResearchAnswer:
    """Let a research that awaits approval go on, with the plan that was made or with another."""
    changed = None if plan is None else plan.model_dump()
    return ResearchAnswer.of(await service.approve(research_id, changed))


def _accepted(job: Job, request: Request, response: Response) -> ResearchAnswer:
    path = request.url_for("get_research", research_id=job.job_id).path
    response.headers["Location"] = str(path)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return ResearchAnswer.of(job)


def _of(request: Request, key: str) -> str:
    """A key is of the address it was sent to."""
    return f"{key} {request.scope['path']}" if key else ""
