"""Synchronous functions on threads, which can be asked to stop but not made to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from wiseflow.engine.stopping import asked_to_stop
from wiseflow.engine.thread_pool import ThreadPoolManager

__all__ = ["MOST_THREADS", "StoppableThreads", "asked_to_stop"]

MOST_THREADS = 1_024


class StoppableThreads:
    """Threads for synchronous tasks. How many run at once is the scheduler's to decide."""

    def __init__(self) -> None:
        self._pool = ThreadPoolManager(MOST_THREADS, name="task")

    async def run(
        self, function: Callable[[], Any], started: Callable[[str], None] | None = None
    ) -> Any:
        """What ``function`` gives. Cancelling asks it to stop, and waits until it has.

        Args:
            function: is called on a thread, in a copy of the caller's context.
            started: is told the thread's name right before, on that thread and not on the loop; so
                it does no more than note it.
        """
        call = self._pool.submit(_run, function, started)
        future = asyncio.wrap_future(call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            call.cancel()  # one that waits for a thread ends here, one that runs is asked to
            await asyncio.wait({future})
            if not future.cancelled():
                future.exception()  # looked at, as nobody else will
            raise

    def close(self) -> None:
        """Let idle threads end, and ask functions that still run to stop; waits for none."""
        self._pool.shutdown(timeout_s=0.0)


def _run(function: Callable[[], Any], started: Callable[[str], None] | None) -> Any:
    if started is not None:
        started(threading.current_thread().name)
    return function()
