"""A new research: the form, what it would take, and its start."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from wiseflow.core.configuration import EXTRACTIVE, ReportLength, ResearchMode, TaskPriority
from wiseflow.core.errors import NotFound, WiseflowError
from wiseflow.core.money import money
from wiseflow.server.pages.research_form import ResearchForm
from wiseflow.server.pages.site import PageRoute, Visit, Visiting
from wiseflow.server.pages.words import lasted
from wiseflow.server.scopes import READ, RUN

MODES = (
    (ResearchMode.LINEAR, "Linear", "One pass. Quick facts."),
    (ResearchMode.GRAPH, "Graph", "Branches into sub-questions."),
    (ResearchMode.MULTI_AGENT, "Multi-agent", "Writers and a critic. Deep reports."),
)
FIELDS_AT_MOST = 60
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the form asks for, in words.

    Args:
        parts: how many, how long, how much.
        notes: what was chosen otherwise than expected.
    """

    parts: tuple[str, ...]
    notes: tuple[str, ...] = ()


@router.get("/dashboard/new")
async def new_page(visit: Visiting, follows: str = "", topic: str = "") -> Response:
    """The empty form; for a follow-up, of the research that it builds on."""
    values = {"research_mode": ResearchMode.LINEAR.value, "topics": topic, "follows": follows}
    return await _form(visit, ResearchForm(values=values))


@router.post("/dashboard/new/estimate")
async def estimate_form(visit: Visiting) -> Response:
    """The form as it was sent, with what it would take. Nothing is started."""
    return await _form(visit, await _sent(visit.request))


@router.post("/dashboard/new", dependencies=[RUN])
async def new_form(visit: Visiting) -> Response:
    """Start what was typed; what cannot be used is said above the form."""
    form = await _sent(visit.request)
    try:
        jobs = await visit.researches.submit(form.researches(), batch=form["batch"])
    except WiseflowError as error:
        wrong = f"{error.message}. {error.cure}".rstrip()
        return await _form(visit, form, wrong=wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if len(jobs) > 1:
        return visit.go("queue_page")
    return visit.go("research_page", research_id=jobs[0].job_id)


async def _sent(request: Request) -> ResearchForm:
    async with request.form(max_files=0, max_fields=FIELDS_AT_MOST) as sent:
        return ResearchForm(
            values={name: value for name, value in sent.items() if isinstance(value, str)}
        )


async def _form(
    visit: Visit, form: ResearchForm, *, wrong: str = "", status: int = HTTPStatus.OK
) -> Response:
    earlier = None
    if form["follows"]:
        earlier = await visit.researches.service.research(form["follows"])
    estimate = None if wrong else await _estimate(visit, form)
    return visit.show(
        "new.html",
        status=status,
        nav="research",
        form=form,
        wrong=wrong,
        earlier=earlier,
        estimate=estimate,
        batch=visit.researches.new_batch(),
        modes=MODES,
        priorities=list(TaskPriority),
        lengths=list(ReportLength),
        searches=["documents", *visit.workings.searches()],
        collections=await visit.library.collections(),
        extractive=EXTRACTIVE,
    )


async def _estimate(visit: Visit, form: ResearchForm) -> Estimate:
    try:
        topics = len(form.topics) if form["topics"].strip() else 1
        expected = await visit.researches.expect(form.configuration)
    except NotFound:
        raise
    except WiseflowError as error:
        return Estimate(parts=(f"{error.message}. {error.cure}",))
    cast = expected.forecast
    parts = [f"{topics:,} {'topic' if topics == 1 else 'topics'}"]
    if expected.seconds is not None:
        rounds = -(-topics // expected.at_once)
        parts.append(f"≈ {lasted(expected.seconds * rounds)}")
    else:
        parts.append("how long is not known before the first few")
    if cast.calls:
        cost = "cost not known" if cast.cost is None else f"≤ {money(cast.cost * topics)}"
        parts += [f"≈ {cast.calls * topics:,} calls", f"≈ {cast.tokens * topics:,} tokens", cost]
        parts += [f"no known price: {', '.join(cast.unpriced)}"] if cast.unpriced else []
    else:
        parts.append("costs nothing: no model and no provider is asked")
    if form["approve_plan"]:
        parts.append("plan shown before it runs")
    return Estimate(parts=tuple(parts), notes=expected.notes)
