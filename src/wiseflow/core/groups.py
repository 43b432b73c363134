"""Tasks that end together, without a mark on who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def task_group() -> AsyncGenerator[asyncio.TaskGroup]:
    """A task group that raises the first error as itself, and takes its cancellation back.

    When a task fails, ``asyncio.TaskGroup`` cancels its caller to wake it, and lets that count as
    asked for. Where ``asyncio.timeout`` does not reckon with it (Python 3.11.2 does not, 3.11.7
    does), the next one of the caller raises ``CancelledError`` when its time is over.

    Raises:
        BaseException: what the block or the first task that failed raised.
    """
    caller = asyncio.current_task()
    assert caller is not None, "only a task can wait for others"
    asked = caller.cancelling()
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        while caller.cancelling() > asked:
            caller.uncancel()
        raise errors.exceptions[0] from None
