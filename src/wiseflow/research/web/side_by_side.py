"""Parts of one piece of work that mostly wait, done at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from wiseflow.core.groups import task_group

T = TypeVar("T")


async def side_by_side(name: str, parts: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """What the parts give, in their order. When one fails, the others are cancelled.

    Lighter than ``Branches``, which makes tasks of the engine: for single calls to the outside.

    Args:
        name: names the parts' tasks.
        parts: asynchronous functions.

    Raises:
        Exception: what the first part that failed raised.
    """

    async def run(part: Callable[[], Awaitable[T]]) -> T:
        return await part()

    if len(parts) == 1:
        return [await parts[0]()]
    async with task_group() as group:
        tasks = [
            group.create_task(run(part), name=f"{name} {number}")
            for number, part in enumerate(parts)
        ]
    return [task.result() for task in tasks]
