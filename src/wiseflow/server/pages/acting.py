"""What forms do to a research: cancel, resume, delete, approve, ask. Each then shows a page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Response

from wiseflow.core.errors import InvalidInput
from wiseflow.server.pages.opened import View
from wiseflow.server.pages.plan_form import PlanForm
from wiseflow.server.pages.research_page import Said, research_response
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.scopes import RUN

router = APIRouter(
    prefix="/dashboard/research/{research_id}", route_class=PageRoute, dependencies=[RUN]
)
Text = Annotated[str, Form()]


@router.post("/cancel")
async def cancel_form(research_id: str, visit: Visiting) -> Response:
    """Cancel a research, or ask it to stop."""
    await visit.researches.service.cancel(research_id)
    return visit.go("research_page", research_id=research_id)


@router.post("/resume")
async def resume_form(research_id: str, visit: Visiting) -> Response:
    """Go on with a research; what it has is kept."""
    await visit.researches.resume(research_id)
    return visit.go("research_page", research_id=research_id)


@router.post("/delete")
async def delete_form(research_id: str, visit: Visiting) -> Response:
    """Erase a research."""
    await visit.researches.delete(research_id)
    return visit.go("dashboard_page")


@router.post("/approve")
async def approve_form(
    research_id: str,
    visit: Visiting,
    title: Text = "",
    language: Text = "",
    section: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    queries: Annotated[list[str], Form()] = [],  # noqa: B006 - as above
) -> Response:
    """Let a research start with the plan as it was sent."""
    sent = PlanForm.sent(title, language, section, queries)
    try:
        await visit.researches.approve(research_id, sent.as_json())
    except InvalidInput as error:
        said = Said(wrong=f"{error.message}. {error.cure}", plan=sent)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return await research_response(visit, research_id, View.LIVE, said=said, status=status)
    return visit.go("research_page", research_id=research_id)


@router.post("/ask")
async def ask_form(research_id: str, visit: Visiting, question: Text) -> Response:
    """Ask the report of a research."""
    await visit.researches.ask(research_id, question)
    page = visit.go("view_page", research_id=research_id, view=View.REPORT)
    page.headers["Location"] += "#after"
    return page
