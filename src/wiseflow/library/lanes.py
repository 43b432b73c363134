"""Does the same with many things, so many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from wiseflow.core.groups import task_group

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

    async with task_group() as group:
        for number in range(at_once):
            group.create_task(lane(), name=f"{name} {number}")
