"""What came of a research: its report, events, sources, and questions to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from wiseflow.core.ids import LENGTH
from wiseflow.server.bodies import (
    AN_ID,
    QuestionAnswer,
    QuestionBody,
    QuestionsAnswer,
    ResearchId,
    SourceAnswer,
    SourcesAnswer,
    SourceTextAnswer,
)
from wiseflow.server.event_streams import (
    MOST_EVENT,
    ended_before,
    event_stream,
    last_event,
    no_more,
)
from wiseflow.server.paging import tagged
from wiseflow.server.principals import App, Serving
from wiseflow.server.problems import RETRY_AFTER_S, problem, problems
from wiseflow.server.renderings import ReportFormat, chosen_format, rendered
from wiseflow.server.scopes import READ, RUN
from wiseflow.server.strict import StrictRoute

# Reports in HTML need nothing but their own style.
HTML_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
LONGEST_ID = 200
router = APIRouter(prefix="/research/{research_id}", route_class=StrictRoute, dependencies=[READ])

AnId = Annotated[ResearchId, Path()]
# A message, as OpenAPI 3.2 has it (4.14.4.2); `data` is JSON: `type`, `at` and `data`.
EVENT_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
_TEXT = {"schema": {"type": "string"}}


@router.get(
    "/result",
    tags=["reports"],
    response_class=Response,
    responses={
        200: {
            "description": "The report.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/markdown": _TEXT,
                "text/html": _TEXT,
            },
        },
        304: {"description": "It is as `If-None-Match` says."},
        **problems(404, 406, 409),
    },
)
async def get_result(
    research_id: AnId,
    service: Serving,
    request: Request,
    form: Annotated[
        ReportFormat | None, Query(alias="format", description="Goes before `Accept`.")
    ] = None,
    drawings: Annotated[
        bool | None, Query(description="Whether HTML has drawings; as the research asked.")
    ] = None,
) -> Response:
    """The report of a research; 409 while there is none."""
    chosen = chosen_format(form, request.headers.get("accept", ""))
    job = await service.research(research_id)
    drawn = service.wants_drawings(job) if drawings is None else drawings
    body = await rendered(await service.report(research_id), chosen, drawings=drawn)
    answer = tagged(request, body, chosen.media_type)
    answer.headers["Vary"] = "Accept"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if chosen is ReportFormat.HTML:
        answer.headers["Content-Security-Policy"] = HTML_POLICY
    return answer


@router.get(
    "/events",
    tags=["reports"],
    response_class=Response,
    responses={
        200: {
            "description": "Events with their number as `id`, then one `end`, which has none.",
            "content": {"text/event-stream": {"itemSchema": EVENT_SCHEMA}},
        },
        204: {"description": "Nothing comes after `Last-Event-ID`: the research has ended."},
        **problems(404, 503),
    },
)
async def follow_events(
    research_id: AnId,
    service: Serving,
    app: App,
    after: Annotated[
        int | None, Query(ge=0, le=MOST_EVENT, description="Begin after this event.")
    ] = None,
    last_event_id: Annotated[
        str, Header(alias="Last-Event-ID", description="Goes before `after`; browsers send it.")
    ] = "",
) -> Response:
    """What happens to a research as server-sent events, until it has ended."""
    if app.following.followers >= app.settings.event_clients_max:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "too many follow events now",
            cure="Come again later, or ask another instance",
        )
    known = last_event(last_event_id, after)
    if last_event_id and await ended_before(service, research_id, known):
        return no_more()
    return await event_stream(service, research_id, known, app.clock)


@router.get("/sources", tags=["reports"], responses=problems(404, 409))
async def list_sources(research_id: AnId, service: Serving) -> SourcesAnswer:
    """The bibliography of the report."""
    report = await service.report(research_id)
    return SourcesAnswer(
        sources=[
            SourceAnswer(**{name: getattr(one, name) for name in SourceAnswer.model_fields})
            for one in report.sources
        ]
    )


@router.get("/sources/{source_id}", tags=["reports"], responses=problems(404, 409))
async def get_source(
    research_id: AnId,
    source_id: Annotated[str, Path(max_length=LONGEST_ID, pattern="^[0-9A-Za-z_-]+$")],
    service: Serving,
) -> SourceTextAnswer:
    """A source of the report with its stored text, whose characters citations count."""
    source = await service.source(research_id, source_id)
    fields = [name for name in SourceTextAnswer.model_fields if name != "id"]
    return SourceTextAnswer(id=source.source_id, **{name: getattr(source, name) for name in fields})


@router.post(
    "/ask",
    tags=["questions"],
    status_code=HTTPStatus.ACCEPTED,
    responses=problems(404, 409),
    dependencies=[RUN],
)
async def ask_report(
    research_id: AnId, body: QuestionBody, service: Serving, request: Request, response: Response
) -> QuestionAnswer:
    """Ask the report something; it is answered from the sources that were read.

    The same question again is answered the same, and costs nothing.
    """
    job = await service.ask(research_id, body.question, body.model)
    path = request.url_for("get_question", research_id=research_id, question_id=job.job_id).path
    response.headers["Location"] = str(path)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return QuestionAnswer.of(job, await service.answer(job))


@router.get("/questions", tags=["questions"], responses=problems(404))
async def list_questions(research_id: AnId, service: Serving) -> QuestionsAnswer:
    """The questions that were asked to the report, the newest first."""
    jobs = await service.questions(research_id)
    return QuestionsAnswer(questions=[QuestionAnswer.of(job) for job in jobs])


@router.get("/questions/{question_id}", tags=["questions"], responses=problems(404))
async def get_question(
    research_id: AnId,
    question_id: Annotated[str, Path(pattern=f"^[0-9a-z]{{1,{LENGTH}}}$", examples=[AN_ID])],
    service: Serving,
    response: Response,
) -> QuestionAnswer:
    """A question with its answer, once there is one."""
    job = await service.question(research_id, question_id)
    if not job.status.final:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return QuestionAnswer.of(job, await service.answer(job))
