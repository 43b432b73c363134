"""Turns: how many may be inside at once, and who is next."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType

from wiseflow.core.errors import WiseflowError

_begun: ContextVar[int] = ContextVar("begun", default=0)
_beginnings = itertools.count(1)


@contextmanager
def in_order_of_beginning() -> Generator[None]:
    """Have the callers inside take their turns as those of one piece of work that begins now.

    Served call by call, many equal pieces of work go in step: all come to their ends, where few
    calls are made, at the same time. Served in the order they began, the oldest end first while
    the younger ones fill the gaps.
    """
    token = _begun.set(next(_beginnings))
    try:
        yield
    finally:
        _begun.reset(token)


class Turns:
    """Lets at most ``limit`` callers in; the others wait.

    Next is who belongs to the work that began first (see ``in_order_of_beginning``), and of those
    who came first. Unlike a semaphore its limit can change while callers wait, and its queue is
    bounded.

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
        # A heap of (when the work began, arrival, turn). One who gave up stays in it until it comes
        # up or such are the most, so that giving up costs little.
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._gave_up = 0
        self._empty = asyncio.Event()
        self._empty.set()

    async def __aenter__(self) -> None:
        waiting = len(self._waiting) - self._gave_up
        if self.inside < self.limit and not waiting:
            self._enter()
            return
        if waiting >= self._max_waiting:
            raise self._refusal
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (_begun.get(), next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget_one()
            elif turn.exception() is None:
                self._leave()  # the turn came together with the cancellation: pass it on
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
        for _, _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()
        self._gave_up = 0

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
            _, _, turn = heapq.heappop(self._waiting)
            if turn.done():
                self._gave_up -= 1
            else:
                self._enter()
                turn.set_result(None)

    def _forget_one(self) -> None:
        self._gave_up += 1
        if self._gave_up * 2 > len(self._waiting):
            self._waiting = [entry for entry in self._waiting if not entry[2].done()]
            heapq.heapify(self._waiting)
            self._gave_up = 0
