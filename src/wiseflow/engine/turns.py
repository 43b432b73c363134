"""Turns: how many may be inside at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from wiseflow.core.errors import WiseflowError


class Turns:
    """Lets at most ``limit`` callers in; the others wait in order.

    Unlike a semaphore its limit can change while callers wait, and its queue is bounded.

    Args:
        limit: how many may be inside at once, at least 1.
        max_waiting: how many may wait.
        refusal: gives the error for a caller that finds the queue full.
    """

    def __init__(self, limit: int, *, max_waiting: int, refusal: WiseflowError) -> None:
        self.limit = limit
        self.inside = 0
        self._max_waiting = max_waiting
        self._refusal = refusal
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._empty = asyncio.Event()
        self._empty.set()

    async def __aenter__(self) -> None:
        if self.inside < self.limit and not self._waiting:
            self._enter()
            return
        if len(self._waiting) >= self._max_waiting:
            raise self._refusal
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # the turn came together with the cancellation: pass it on
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    def resize(self, limit: int) -> None:
        """Change how many may be inside; those inside stay."""
        self.limit = limit
        self._admit()

    def refuse_waiting(self, error: WiseflowError) -> None:
        """Send everyone who waits away with ``error``."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    async def empty(self) -> None:
        """Return when nobody is inside."""
        await self._empty.wait()

    def _enter(self) -> None:
        self.inside += 1
        self._empty.clear()

    def _leave(self) -> None:
        self.inside -= 1
        self._admit()
        if not self.inside:
            self._empty.set()

    def _admit(self) -> None:
        while self._waiting and self.inside < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._enter()
                turn.set_result(None)
