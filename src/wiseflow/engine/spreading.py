"""Items done by many at once: in worker processes by chunks, or waiting beside each other."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wiseflow.core.errors import InvalidInput, WorkerError
from wiseflow.core.groups import task_group
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.chunks import Chunk, ChunkSizes, applied, run_chunk
from wiseflow.engine.items import Items
from wiseflow.engine.outcomes import Collected
from wiseflow.engine.threads import asked_to_stop

MOST_CRASHES = 64  # of workers in one map; then a chunk that ends another fails as a whole
BATCH_S = 0.1  # then a batch gives its slot back, so that others get their turn
HOLD_S = 0.005  # so long an asynchronous function may keep the event loop to itself


@dataclass(slots=True, kw_only=True)
class Chunks:
    """Does what is left of a map in chunks, in worker processes.

    Args:
        carrier: makes the calls.
        function: plain; a module's own.
        source: where the items come from; they are taken as there is room for them.
        into: gets the results.
        sizes: how long chunks are.
        item_s, item_bytes: what an item takes, as far as is known; corrected by each answer.
        most_crashes: so often a worker may die, or not be able to rebuild what it is sent; then a
            chunk with which that happens again fails as a whole.
    """

    carrier: Carrier
    function: Callable[[Any], Any]
    source: Items
    into: Collected
    sizes: ChunkSizes
    item_s: float
    item_bytes: float
    most_crashes: int = MOST_CRASHES
    crashes: int = 0
    longest: int = 0
    _took_s: float = 0.0
    _done: int = 0
    _attempts: int = 0  # that workers have failed in
    _left: int | None = None
    _pickled: bytes = b""

    @property
    def mean_s(self) -> float:
        """Seconds an item took."""
        return self._took_s / self._done if self._done else self.item_s

    async def run(self) -> None:
        """Do all items.

        Raises:
            Exception: what the first item that failed raised, when that is wanted.
        """
        self._left = self.sizes.total
        self._pickled = pickle.dumps(self.function, protocol=pickle.HIGHEST_PROTOCOL)
        async with task_group() as lanes:
            # One chunk is on its way to each worker while another is done.
            for number in range(2 * self.sizes.workers):
                lanes.create_task(self._lane(), name=f"{self.carrier.name} lane {number}")

    async def _lane(self) -> None:
        while (chunk := self._next()) is not None:
            todo = [chunk]
            while todo:
                todo += await self._tried(todo.pop())

    def _next(self) -> Chunk | None:
        size = self.sizes.next(left=self._left, item_s=self.item_s, item_bytes=self.item_bytes)
        items = self.source.take(size)
        if not items:
            return None
        if self._left is not None:
            self._left = max(self._left - len(items), 1)
        self.longest = max(self.longest, len(items))
        return Chunk(start=self.into.place(len(items)), items=items)

    async def _tried(self, chunk: Chunk) -> list[Chunk]:
        """Do a chunk; what is to be tried again, as its worker died or could not take it.

        Nothing of it is done in this process: it might end that, too.
        """
        try:
            results, failures, took_s = await self._away(chunk)
        except (WorkerError, InvalidInput) as error:
            return self._divided(chunk, error)
        self.item_s = (self.item_s + took_s / len(chunk.items)) / 2
        self._took_s += took_s
        self._done += len(chunk.items)
        self.into.results[chunk.start : chunk.start + len(results)] = results
        for place, error in failures:
            self.into.fail(chunk.start + place, error)
        return []

    async def _away(self, chunk: Chunk) -> tuple[list[Any], list[tuple[int, Exception]], float]:
        try:
            items = pickle.dumps(chunk.items, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # pickling runs anything
            raise _Unsendable(f"it cannot be sent to a worker process: {error}") from error
        results, failures, took_s = await self.carrier.call(
            run_chunk, self._pickled, items, cpu_bound=True
        )
        try:
            return pickle.loads(results), pickle.loads(failures), took_s  # noqa: S301 - our worker
        except Exception as error:  # unpickling runs anything
            raise WorkerError(f"a result cannot be rebuilt: {error}") from error

    def _divided(self, chunk: Chunk, error: WorkerError | InvalidInput) -> list[Chunk]:
        """Halves, so that only the guilty item fails, while that is affordable."""
        self.crashes += isinstance(error, WorkerError)
        self._attempts += not isinstance(error, _Unsendable)
        if len(chunk.items) > 1 and self._attempts <= self.most_crashes:
            return chunk.halves()
        for index in range(chunk.start, chunk.start + len(chunk.items)):
            self.into.fail(index, error)
        return []


class _Unsendable(InvalidInput):
    """Items do not pickle; no worker was troubled by them."""


@dataclass(slots=True, kw_only=True)
class Batches:
    """Does what is left of a map with many items waiting at once, on the loop or on threads.

    Each batch takes the next item when it is done with one, so none waits for a slow one; after a
    while it ends and another is begun, so that other tasks get a slot in between.

    Args:
        carrier: makes the calls.
        function: asynchronous, or plain.
        source: where the items come from.
        into: gets the results.
        at_once: how many items wait beside each other, at most.
    """

    carrier: Carrier
    function: Callable[[Any], Any]
    source: Items
    into: Collected
    at_once: int
    spread: bool = False  # whether more than one was needed
    _exhausted: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def run(self, *, asynchronous: bool) -> None:
        """Do all items.

        Raises:
            Exception: what the first item that failed raised, when that is wanted.
        """
        batch = self._on_loop if asynchronous else self._on_thread
        async with task_group() as lanes:
            lanes.create_task(self._lane(batch), name=f"{self.carrier.name} lane 0")
            for _ in range(3):  # steps in which one that never waits does it all
                await asyncio.sleep(0)
            for number in range(1, self.at_once):
                if self._exhausted:
                    break
                self.spread = True
                lanes.create_task(self._lane(batch), name=f"{self.carrier.name} lane {number}")

    async def _lane(self, batch: Callable[[], Any]) -> None:
        while not self._exhausted:
            await self.carrier.call(batch)

    async def _on_loop(self) -> None:
        until = time.perf_counter() + BATCH_S
        yields = time.perf_counter() + HOLD_S
        while (taken := self._take()) is not None:
            index, item = taken
            try:
                self.into.results[index] = await self.function(item)
            except Exception as error:  # noqa: BLE001 - a boundary: an item's failure is its own
                self.into.fail(index, error)
            now = time.perf_counter()
            if now >= until:
                return
            if now >= yields:
                await asyncio.sleep(0)
                yields = now + HOLD_S

    def _on_thread(self) -> None:
        until = time.perf_counter() + BATCH_S
        while not asked_to_stop() and (taken := self._take()) is not None:
            index, item = taken
            (result,), failures = applied(self.function, [item])
            self.into.results[index] = result
            for _, error in failures:
                self.into.fail(index, error)
            if time.perf_counter() >= until:
                return

    def _take(self) -> tuple[int, Any] | None:
        with self._lock:  # threads take from the same source
            for item in self.source:
                return self.into.place(1), item
            self._exhausted = True
            return None
