"""Synchronous functions on threads, which can be asked to stop but not made to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any

_asked: ContextVar[threading.Event | None] = ContextVar("asked_to_stop", default=None)
MOST_THREADS = 1_024


def asked_to_stop() -> bool:
    """Whether the task that runs here was cancelled or is over its time.

    A function on a thread cannot be ended from outside; one that takes long looks here now and
    then, and returns.
    """
    event = _asked.get()
    return event is not None and event.is_set()


class StoppableThreads:
    """Threads for synchronous tasks. How many run at once is the scheduler's to decide."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="task")

    async def run(self, function: Callable[[], Any]) -> Any:
        """What ``function`` gives. Cancelling asks it to stop, and waits until it has."""
        asked = threading.Event()
        context = copy_context()
        context.run(_asked.set, asked)
        future = asyncio.wrap_future(self._executor.submit(context.run, function))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            asked.set()
            await asyncio.wait({future})
            future.exception()  # looked at, as nobody else will
            raise

    def close(self) -> None:
        """Let idle threads end; those that still run end with their functions."""
        self._executor.shutdown(wait=False, cancel_futures=True)
