"""Whether the program lives, and can work."""

from __future__ import annotations

from fastapi import APIRouter

from wiseflow.server.scopes import PUBLIC

router = APIRouter(tags=["health"], dependencies=[PUBLIC])


@router.get("/health/live")
async def live() -> dict[str, str]:
    """That the process answers."""
    return {"status": "ok"}
