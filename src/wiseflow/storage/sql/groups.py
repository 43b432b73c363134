"""The one queue of writes to an SQLite file: all that wait are handed to the writer at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wiseflow.core.errors import StorageError
from wiseflow.storage.sql.connection import Unit
from wiseflow.storage.sql.file_writer import Failed, Outcome

T = TypeVar("T")

# So that one transaction stays short for other processes that wait for the lock.
GROUP_LIMIT = 256
QUEUE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    unit: Unit[T]
    answer: asyncio.Future[T]
    until: float


class GroupWriter:
    """Hands units of writing to a thread, in groups: whatever waits when the thread comes free.

    A unit whose caller gave up before it began is left out; one that began is finished.

    Args:
        commit: runs units and commits them at once; what became of each.
        thread: where it runs.
        place: the database as errors name it.
        wait_s: how long a caller waits for its turn and its commit before it is refused.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Unit[Any]]], list[Outcome]],
        *,
        thread: Executor,
        place: str,
        wait_s: float,
    ) -> None:
        self._commit = commit
        self._thread = thread
        self._place = place
        self._wait_s = wait_s
        self._queue: asyncio.Queue[_Request[Any] | None] = asyncio.Queue(QUEUE_LIMIT)
        # In the order of their deadlines, as all wait equally long; one timer is for the first.
        self._asked: deque[_Request[Any]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._last_seen = False
        self._ended = False

    async def write(self, unit: Unit[T]) -> T:
        """What ``unit`` gives, once it is committed.

        Raises:
            StorageError: the database refuses, the turn did not come in time, or it is closed.
        """
        if self._closed:
            raise self._closed_error()
        loop = asyncio.get_running_loop()
        request = _Request(unit, loop.create_future(), loop.time() + self._wait_s)
        if self._queue.full():
            await self._put(request)
        else:
            self._queue.put_nowait(request)
        self._watch(request)
        return await request.answer

    async def stop(self) -> None:
        """Take no more writes; ``run`` ends when those that wait are done."""
        if not self._closed:
            self._closed = True
            await self._queue.put(None)

    async def run(self) -> None:
        """Serve writes until ``stop``. What a unit raises goes to its caller alone."""
        try:
            while group := await self._next_group():
                await self._serve([request for request in group if not request.answer.done()])
        finally:
            self._ended = True
            self._refuse_rest()
            if self._timer is not None:
                self._timer.cancel()

    async def _put(self, request: _Request[Any]) -> None:
        """Put a request into the queue once there is room."""
        try:
            async with asyncio.timeout_at(request.until):
                await self._queue.put(request)
        except TimeoutError:
            raise self._late_error() from None
        if self._ended:  # the queue was full while the writer stopped
            raise self._closed_error()

    def _watch(self, request: _Request[Any]) -> None:
        while self._asked and self._asked[0].answer.done():
            self._asked.popleft()
        self._asked.append(request)
        if self._timer is None:
            self._refuse_late()

    def _refuse_late(self) -> None:
        """Refuse those that have waited too long, and look again when the next one will have."""
        loop = asyncio.get_running_loop()
        while self._asked and (self._asked[0].answer.done() or self._asked[0].until <= loop.time()):
            _answer(self._asked.popleft(), Failed(self._late_error()))
        first = self._asked[0].until if self._asked else None
        self._timer = None if first is None else loop.call_at(first, self._refuse_late)

    async def _next_group(self) -> list[_Request[Any]]:
        """Everything that waits, at least one; nothing when it is time to stop."""
        if self._last_seen:
            return []
        group: list[_Request[Any]] = []
        request = await self._queue.get()
        while request is not None:
            group.append(request)
            if len(group) == GROUP_LIMIT or self._queue.empty():
                return group
            request = self._queue.get_nowait()
        self._last_seen = True
        return group

    async def _serve(self, group: Sequence[_Request[Any]]) -> None:
        units = [request.unit for request in group]
        outcomes = await asyncio.wrap_future(self._thread.submit(self._commit, units))
        for request, outcome in zip(group, outcomes, strict=True):
            _answer(request, outcome)

    def _refuse_rest(self) -> None:
        while not self._queue.empty():
            if request := self._queue.get_nowait():
                _answer(request, Failed(self._closed_error()))

    def _late_error(self) -> StorageError:
        return StorageError(
            f"the database {self._place} did not take a write within {self._wait_s:g} s",
            cure="Lower the number of jobs run at once, or use a faster disk",
        )

    def _closed_error(self) -> StorageError:
        return StorageError(f"the database {self._place} is closed")


def _answer(request: _Request[Any], outcome: Outcome) -> None:
    if request.answer.done():
        return
    if isinstance(outcome, Failed):
        request.answer.set_exception(outcome.error)
    else:
        request.answer.set_result(outcome.result)
