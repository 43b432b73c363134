"""Links to reports under ``/api/v1``, and what they show under ``/shared``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from wiseflow.app import Application
from wiseflow.app.services.shares import WEEK_S, Link, SharesService, shared_report
from wiseflow.core.access import Principal
from wiseflow.research.rendering import html
from wiseflow.research.rendering.json import report_to_json
from wiseflow.server.path_names import AnId
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.problems import problems
from wiseflow.server.scopes import PUBLIC, READ
from wiseflow.server.strict import StrictRoute

YEAR_S = 366 * 86_400.0
# A link is a secret: it is kept by no cache, told to no other site, and found by no search.
PRIVATE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
router = APIRouter(tags=["shares"], dependencies=[READ], route_class=StrictRoute)
shared_router = APIRouter(tags=["shares"], dependencies=[PUBLIC])


class ShareBody(BaseModel):
    """How long a link is to hold, in seconds."""

    model_config = ConfigDict(extra="forbid")

    expires_in_s: Annotated[float, Field(ge=60, le=YEAR_S, allow_inf_nan=False)] = WEEK_S


class ShareAnswer(BaseModel):
    """A link; times are seconds since the epoch. ``path`` is below the address of this server."""

    id: str
    research: str
    path: str
    created_at: float
    expires_at: float
    revoked_at: float | None

    @classmethod
    def of(cls, link: Link, request: Request) -> ShareAnswer:
        """The answer that tells of a link."""
        share = link.share
        return cls(
            id=share.share_id,
            research=share.job_id,
            path=str(request.url_for("get_shared", token=link.token).path),
            created_at=share.created_at,
            expires_at=share.expires_at,
            revoked_at=share.revoked_at,
        )


def shares_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> SharesService:
    """Links, for who asks."""
    return SharesService(application, principal)


Shares = Annotated[SharesService, Depends(shares_of)]


@router.post(
    "/research/{research_id}/shares", status_code=HTTPStatus.CREATED, responses=problems(404, 409)
)
async def share_report(
    research_id: AnId, shares: Shares, request: Request, body: ShareBody | None = None
) -> ShareAnswer:
    """Make a link that shows the report to whoever has it."""
    seconds = (body or ShareBody()).expires_in_s
    return ShareAnswer.of(await shares.share(research_id, seconds=seconds), request)


@router.get("/research/{research_id}/shares", responses=problems(404))
async def list_shares(research_id: AnId, shares: Shares, request: Request) -> list[ShareAnswer]:
    """The links to a report, newest first."""
    return [ShareAnswer.of(link, request) for link in await shares.shares(research_id)]


@router.delete("/shares/{share_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(404))
async def revoke_share(share_id: AnId, shares: Shares) -> None:
    """Take a link back: it shows nothing any more."""
    await shares.revoke(share_id)


@shared_router.get(
    "/shared/{token}",
    response_class=HTMLResponse,
    responses={
        200: {"content": {"application/json": {"schema": {"type": "object"}}}},
        **problems(404),
    },
)
async def get_shared(
    token: str,
    application: Annotated[Application, Depends(application_of)],
    form: Annotated[Literal["html", "json"], Query(alias="format")] = "html",
) -> Response:
    """The report that a link shows; no key is needed."""
    report = await shared_report(application, token)
    if form == "json":
        return JSONResponse(report_to_json(report), headers=PRIVATE)
    return HTMLResponse(html.to_html(report), headers=PRIVATE)
