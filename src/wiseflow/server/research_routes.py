"""Researches under ``/api/v1/research``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from wiseflow.server.bodies import ResearchAnswer, ResearchBody
from wiseflow.server.principals import Serving
from wiseflow.server.scopes import READ, RUN

RETRY_AFTER_S = 2
router = APIRouter(prefix="/research", tags=["research"], dependencies=[READ])


@router.post("", status_code=HTTPStatus.ACCEPTED, dependencies=[RUN])
async def submit(
    body: ResearchBody,
    service: Serving,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
) -> ResearchAnswer:
    """Submit a research; a worker takes it."""
    [job] = await service.submit([body.new_research(idempotency_key)])
    response.headers["Location"] = str(request.url_for("read", research_id=job.job_id).path)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return ResearchAnswer.of(job)


@router.get("/{research_id}")
async def read(research_id: str, service: Serving) -> ResearchAnswer:
    """One research as it is now."""
    return ResearchAnswer.of(await service.research(research_id))
