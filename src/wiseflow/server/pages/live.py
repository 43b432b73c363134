"""Tells a browser that a research has changed, as server-sent events; it then fetches the page.

One way of drawing a page is enough so: what changed is taken from the page itself. The number of an
event is that of the research's last one, so a browser that comes back misses nothing.

Source: HTML standard, 9.2 "Server-sent events".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from wiseflow.app.services.pages import Change
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.scopes import READ

router = APIRouter(route_class=PageRoute, dependencies=[READ])


@router.get("/dashboard/research/{research_id}/stream")
async def stream(
    research_id: str, visit: Visiting, after: int = 0, last_event_id: Annotated[int, Header()] = 0
) -> StreamingResponse:
    """Changes of a research after an event, until it has ended."""
    await visit.researches.service.research(research_id)  # a 404 now, not in the middle
    changes = visit.researches.changes(research_id, after=max(after, last_event_id))
    return StreamingResponse(
        _sent(changes),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _sent(changes: AsyncIterator[Change]) -> AsyncIterator[str]:
    async for change in changes:
        name = "ended" if change.ended else "changed"
        yield f"id: {change.number}\nevent: {name}\ndata: {change.number}\n\n"
