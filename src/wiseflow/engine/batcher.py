"""Callers that come one by one, sent together: what comes while a batch is away is the next one.

This is how databases commit: nobody waits for others to come, yet the busier it is, the larger the
batches are. Source: DeWitt et al., "Implementation Techniques for Main Memory Database Systems",
SIGMOD 1984 (group commit).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from wiseflow.core.errors import Cancelled, Conflict, InvalidInput, WorkerError
from wiseflow.engine.batching import BatchLimits, IntelligentBatchOptimizer

T = TypeVar("T")
R = TypeVar("R")

MAX_WAITING = 10_000
MAX_IN_FLIGHT = 4  # of one key; providers allow some calls at once, and slow down with many
# One turn of the event loop: callers that are there already come together, and nobody waits for
# some that may never come. While a batch is away, waiting costs nothing.
LINGER_S = 0.0
CLOSE_S = 30.0

RunBatch = Callable[[list[T]], Awaitable[list[R | Exception]]]


def _one(_item: object) -> int:
    return 1


@dataclass(slots=True, eq=False)
class _Caller(Generic[T, R]):
    item: T
    size: int
    result: asyncio.Future[R]


@dataclass(slots=True)
class _Line(Generic[T, R]):
    """Those of one key: who waits, and how many batches are away."""

    waiting: deque[_Caller[T, R]] = field(default_factory=deque[_Caller[T, R]])
    in_flight: int = 0
    lingering: asyncio.Handle | None = None


class Batcher(Generic[T, R]):
    """Sends items of many callers together, and gives each caller its own result.

    An asynchronous context manager. Where nothing of a key is away, its callers are sent at once;
    else those who come meanwhile go together when it is back, or as soon as they are as many as
    pay. Where batching does not pay, each goes alone.

    Args:
        run_batch: does some items; gives a result or an error for each, in their order.
        limits: of one batch; its memory and CPU are not looked at here.
        clock: seconds, for what a batch takes.
        size_of: of an item, in the unit of ``limits.max_size``.
        max_waiting: how many callers may wait, of all keys together.
        max_in_flight: how many batches of one key may be away at once.
        linger_s: how long the first caller of a key of which nothing is away waits for others.
        optimizer: learns which sizes pay; one of its own if ``None``.
    """

    def __init__(
        self,
        run_batch: RunBatch[T, R],
        limits: BatchLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        size_of: Callable[[T], int] = _one,
        max_waiting: int = MAX_WAITING,
        max_in_flight: int = MAX_IN_FLIGHT,
        linger_s: float = LINGER_S,
        optimizer: IntelligentBatchOptimizer | None = None,
    ) -> None:
        if max_waiting < 1 or max_in_flight < 1 or not linger_s >= 0:
            raise InvalidInput(
                "a batcher's limits are out of range",
                cure="Counts have to be at least 1, and linger_s at least 0",
            )
        self._run_batch = run_batch
        self._limits = limits or BatchLimits()
        self._clock = clock
        self._size_of = size_of
        self._max_waiting = max_waiting
        self._max_in_flight = max_in_flight
        self._linger_s = linger_s
        self._optimizer = optimizer or IntelligentBatchOptimizer()
        self._lines: dict[Hashable, _Line[T, R]] = {}
        self._waiting = 0
        # Not a task group: a batch's failure is its callers', and closing has a limit.
        self._batches: set[asyncio.Task[None]] = set()
        self._open = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close(timeout_s=0.0 if kind else CLOSE_S)

    async def submit(self, key: Hashable, item: T) -> R:
        """The result for an item, which goes with others of the same key.

        Raises:
            Conflict: the batcher is closed.
            WorkerError: too many wait.
            Cancelled: it was closed before the item was done.
            Exception: what was given for this item, or what the whole batch raised.
        """
        if not self._open:
            raise Conflict("the batcher was closed", cure="Make a new one")
        if self._waiting >= self._max_waiting:
            raise WorkerError(f"{self._waiting} items wait already", cure="Try again later")
        caller = _Caller[T, R](
            item, self._size_of(item), asyncio.get_running_loop().create_future()
        )
        line = self._lines.setdefault(key, _Line())
        line.waiting.append(caller)
        self._waiting += 1
        self._send_soon(key, line)
        try:
            return await caller.result
        except asyncio.CancelledError:
            self._given_up(line, caller)
            raise

    async def close(self, *, timeout_s: float = CLOSE_S) -> None:
        """Take on nothing more; what is there may be done within the limit, the rest is dropped."""
        self._open = False
        if timeout_s > 0:
            for key in list(self._lines):
                self._send(key)
            await self._all_back(timeout_s)
        for line in self._lines.values():
            self._drop(line)
        for batch in self._batches:
            batch.cancel()
        if self._batches:
            await asyncio.wait(self._batches, timeout=CLOSE_S)

    async def _all_back(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while self._batches and (left := until - loop.time()) > 0:
            await asyncio.wait(self._batches, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def _send_soon(self, key: Hashable, line: _Line[T, R]) -> None:
        """Someone came: send at the end of the lingering, or as soon as they are as many as pay."""
        if (line.in_flight or self._linger_s) and len(line.waiting) >= self._most(key):
            self._send(key)
        elif not line.in_flight and line.lingering is None:
            loop = asyncio.get_running_loop()
            line.lingering = (
                loop.call_later(self._linger_s, self._send, key)
                if self._linger_s
                else loop.call_soon(self._send, key)
            )

    def _send(self, key: Hashable) -> None:
        """Send what waits, as much as may be away at once."""
        line = self._lines[key]
        if line.lingering is not None:
            line.lingering.cancel()
            line.lingering = None
        most = self._most(key)
        while line.waiting and (
            not line.in_flight
            or (len(line.waiting) >= most and line.in_flight < self._max_in_flight)
        ):
            if callers := self._taken(line, most):
                self._begin(key, line, callers)
        if not line.waiting and not line.in_flight:
            del self._lines[key]

    def _most(self, key: Hashable) -> int:
        return self._optimizer.best_size(key, self._limits.max_items)

    def _taken(self, line: _Line[T, R], most: int) -> list[_Caller[T, R]]:
        taken: list[_Caller[T, R]] = []
        size = 0
        while line.waiting and len(taken) < most:
            caller = line.waiting[0]
            if not caller.result.done():  # it may have been cancelled just now
                size += caller.size
                if taken and size > self._limits.max_size:
                    break
                taken.append(caller)
            line.waiting.popleft()
            self._waiting -= 1
        return taken

    def _begin(self, key: Hashable, line: _Line[T, R], callers: list[_Caller[T, R]]) -> None:
        line.in_flight += 1
        batch = asyncio.get_running_loop().create_task(
            self._run(key, callers), name=f"batch of {len(callers)}"
        )
        self._batches.add(batch)
        left = len(callers)

        def unwanted(result: asyncio.Future[R]) -> None:
            nonlocal left
            left -= result.cancelled()
            if not left:  # nobody is left who wants it
                batch.cancel()

        def back(batch: asyncio.Task[None]) -> None:
            self._batches.discard(batch)
            _give(callers, Cancelled("the batch was given up"))  # if it was before its first step
            line.in_flight -= 1
            self._send(key)

        for caller in callers:
            caller.result.add_done_callback(unwanted)
        batch.add_done_callback(back)

    async def _run(self, key: Hashable, callers: list[_Caller[T, R]]) -> None:
        begun = self._clock()
        try:
            results = await self._run_batch([caller.item for caller in callers])
        except Exception as error:  # noqa: BLE001 - a boundary: the failure is the callers'
            _give(callers, error)
            return
        self._optimizer.observed(key, len(callers), self._clock() - begun)
        if len(results) != len(callers):
            _give(callers, WorkerError(f"{len(callers)} items gave {len(results)} results"))
            return
        for caller, result in zip(callers, results, strict=True):
            if isinstance(result, Exception):
                _give([caller], result)
            elif not caller.result.done():
                caller.result.set_result(result)

    def _given_up(self, line: _Line[T, R], caller: _Caller[T, R]) -> None:
        """A caller was cancelled: if it still waits, it is not sent."""
        if caller in line.waiting:
            line.waiting.remove(caller)
            self._waiting -= 1

    def _drop(self, line: _Line[T, R]) -> None:
        self._waiting -= len(line.waiting)
        _give(line.waiting, Cancelled("the batcher was closed"))
        line.waiting.clear()


def _give(callers: Iterable[_Caller[Any, Any]], error: Exception) -> None:
    for caller in callers:
        if not caller.result.done():
            caller.result.set_exception(error)
