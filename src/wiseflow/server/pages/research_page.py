"""The list of researches and the open one, in each of its views."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import time

from fastapi import APIRouter, Response

from wiseflow.app.services.pages import configuration_of
from wiseflow.core.errors import InvalidInput, NotFound
from wiseflow.core.jobs import Event, Job, JobStatus
from wiseflow.core.report import Citation, Disagreement, Section
from wiseflow.research.rendering.html import to_html
from wiseflow.research.rendering.json import report_to_json
from wiseflow.research.rendering.markdown import to_markdown
from wiseflow.research.rendering.reading import (
    author_line,
    disagreements_of,
    fact_rows,
    marks_line,
    partial_line,
    references,
)
from wiseflow.server.pages.opened import Opened, View, opened, place_of
from wiseflow.server.pages.plan_form import PlanForm
from wiseflow.server.pages.site import PageRoute, Visit, Visiting
from wiseflow.server.scopes import READ

LISTED = 30
LOG_PAGE = 200
FORMS = {"md": "text/markdown", "html": "text/html", "json": "application/json"}
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a form's answer adds to the page of a research.

    Args:
        notice: what happened.
        wrong: what of a plan cannot be used.
        plan: the plan as it was sent.
    """

    notice: str = ""
    wrong: str = ""
    plan: PlanForm | None = None


@router.get("/dashboard")
async def dashboard_page(visit: Visiting) -> Response:
    """The list, and the research that is most worth a look: one that runs, or the newest."""
    jobs = await visit.researches.recent(LISTED)
    running = [job for job in jobs if job.status is JobStatus.RUNNING]
    first = next(iter(running or jobs), None)
    return await research_response(visit, first.job_id if first else "", View.LIVE, jobs=jobs)


@router.get("/dashboard/research/{research_id}")
async def research_page(research_id: str, visit: Visiting) -> Response:
    """A research: its report when there is one, else what goes on."""
    job = await visit.researches.service.research(research_id)
    view = View.REPORT if job.status is JobStatus.COMPLETED else View.LIVE
    return await research_response(visit, job.job_id, view)


@router.get("/dashboard/research/{research_id}/download/{form}")
async def download(research_id: str, form: str, visit: Visiting) -> Response:
    """The report as a file."""
    report = await visit.researches.report(research_id)
    if report is None or form not in FORMS:
        raise NotFound(f"the research {research_id} has no report as {form!r}")
    text = {
        "md": lambda: to_markdown(report),
        "html": lambda: to_html(report, drawings=True),
        "json": lambda: json.dumps(report_to_json(report), ensure_ascii=False, indent=2),
    }[form]()
    name = f'attachment; filename="{report.id}.{form}"'
    return Response(text, media_type=FORMS[form], headers={"Content-Disposition": name})


@router.get("/dashboard/research/{research_id}/{view}")
async def view_page(research_id: str, view: View, visit: Visiting, before: int = 0) -> Response:
    """A research in one of its views."""
    return await research_response(visit, research_id, view, before=before)


async def research_response(
    visit: Visit,
    research_id: str,
    view: View,
    *,
    jobs: Sequence[Job] | None = None,
    before: int = 0,
    said: Said | None = None,
    status: int = 200,
) -> Response:
    """The page of a research beside the list of the newest.

    Args:
        visit: the request.
        research_id: which is open; "" for none.
        view: of it.
        jobs: the list, where it was read already.
        before: of the log, only events before this number; 0 for all.
        said: what a form's answer adds.
        status: of HTTP.
    """
    one = None
    if research_id:
        with_answers = view is View.REPORT
        one = await opened(visit.researches, research_id, answers=with_answers, now=time())
    listed = list(jobs) if jobs is not None else await visit.researches.recent(LISTED)
    active = await visit.researches.active()
    said = said or Said()
    return visit.show(
        "research.html",
        status=status,
        nav="research",
        one=one,
        open_id=research_id,
        jobs=listed,
        modes={job.job_id: mode_of(job) for job in listed},
        counts=counted(active),
        active=bool(active),
        asking=bool(one) and any(not asked.job.status.final for asked in one.answers),
        view=view,
        views=list(View),
        notice=said.notice,
        wrong=said.wrong,
        plan_form=said.plan or (PlanForm.of(one.plan) if one and one.plan else PlanForm()),
        place_of=place_of,
        library=partial(source_link, visit),
        references_of=references,
        **_of_report(one),
        **_log(one.events if one else (), before),
    )


def counted(active: Sequence[Job]) -> str:
    """How many researches are under way: ``3 running · 1 queued``."""
    names = {
        JobStatus.RUNNING: "running",
        JobStatus.PENDING: "queued",
        JobStatus.AWAITING_APPROVAL: "to approve",
    }
    counts = [(sum(job.status is status for job in active), name) for status, name in names.items()]
    return " · ".join(f"{count} {name}" for count, name in counts if count) or "none under way"


def mode_of(job: Job) -> str:
    """The mode of a research, in words."""
    try:
        return configuration_of(job).research_mode.replace("_", "-")
    except InvalidInput:  # of a version that knew other settings
        return ""


def source_link(visit: Visit, source_id: str, citation: Citation | None = None) -> str:
    """Where a stored source is read, at what is cited of it."""
    base = visit.link("source_page", source_id=source_id)
    return f"{base}?start={citation.start}&end={citation.end}#cited" if citation else base


def _of_report(one: Opened | None) -> dict[str, object]:
    if one is None or one.report is None:
        return {"report_told": "", "disagreements": _none, "facts": []}
    report = one.report
    cited = len(one.references)
    if not one.finished:
        told = f"Draft report · {cited} sources cited · updated as evidence arrives"
        return {"report_told": told, "disagreements": _none, "facts": []}
    lines = (author_line(report.author), partial_line(report), marks_line(report))
    return {
        "report_told": " ".join(filter(None, lines)),
        "disagreements": partial(disagreements_of, report),
        "facts": fact_rows(report),
    }


def _none(_section: Section) -> list[Disagreement]:
    """A draft's sources are not compared yet."""
    return []


def _log(events: Sequence[Event], before: int) -> dict[str, object]:
    older = [event for event in events if not before or event.number < before]
    page = older[-LOG_PAGE:][::-1]
    more = page[-1].number if len(older) > LOG_PAGE else 0
    return {"log": page, "log_more": more}
