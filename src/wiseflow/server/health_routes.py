"""Whether the program lives, and can work."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["health"])


@router.get("/health/live")
async def live() -> dict[str, str]:
    """That the process answers."""
    return {"status": "ok"}
