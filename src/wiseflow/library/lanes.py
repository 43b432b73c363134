"""Does the same with many things, so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def each(
    act: Callable[[T], Awaitable[None]], items: Iterable[T], *, at_once: int, name: str
) -> None:
    """Call ``act`` with every item, in order of the items, at most ``at_once`` at a time.

    The first error ends the others and is raised itself.

    Args:
        act: what to do.
        items: taken one by one, as lanes come free.
        at_once: how many lanes there are.
        name: names the lanes' tasks.
    """
    waiting = iter(items)

    async def lane() -> None:
        for item in waiting:
            await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(at_once):
                group.create_task(lane(), name=f"{name} {number}")
    except ExceptionGroup as errors:
        # Lanes are left one by one, and what they call raises no groups.
        raise errors.exceptions[0] from None
