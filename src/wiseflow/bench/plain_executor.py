"""The reference: the fixed pools that one writes with the standard library, first in first out.

CPU work goes to a ``ProcessPoolExecutor``, what waits to a fixed number of workers that take from
an ``asyncio.Queue``. A piece is put in line when all that it needs is done, and one that failed is
tried again by its worker after a pause, as a decorator for retries does it. There is no priority,
no cache and no prediction.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Self

from wiseflow.bench.spinning import spin
from wiseflow.bench.workload_pieces import Execution, Refused, arriving, by_parent, until
from wiseflow.bench.workloads import RETRY_DELAY_S, Piece, WorkKind

WARM_S = 0.1


class PlainExecutor:
    """Runs pieces in fixed pools; an asynchronous context manager.

    Args:
        workers: how many of those that wait may be at work at once.
        cores: how many processes there are; 0 for none.
        speed: rounds of ``spin`` a second.
    """

    def __init__(self, *, workers: int, cores: int, speed: float) -> None:
        self._workers = workers
        self._cores = cores
        self._speed = speed
        # Not forked: that is not safe beside threads, and the coming default is the same.
        self._processes = ProcessPoolExecutor(
            max(cores, 1), mp_context=multiprocessing.get_context("spawn")
        )

    async def __aenter__(self) -> Self:
        if self._cores:
            await self.bare(WARM_S * self._cores)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._processes.shutdown(cancel_futures=True)

    async def bare(self, work_s: float) -> float:
        """How long the bare processes take for CPU work in equal parts, one for each, in seconds.

        Args:
            work_s: seconds of one core alone.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        parts = [
            loop.run_in_executor(self._processes, spin, int(work_s / self._cores * self._speed))
            for _ in range(self._cores)
        ]
        for part in parts:
            await part
        return loop.time() - begun

    async def run(self, pieces: Sequence[Piece]) -> Execution:
        """Do all pieces of a workload."""
        async with asyncio.TaskGroup() as group:
            line = _Line(pieces, self._processes, self._speed)
            workers = [
                group.create_task(line.work(), name=f"plain worker {number}")
                for number in range(self._workers)
            ]
            await line.feed()
            await line.done.wait()
            for worker in workers:
                worker.cancel()
        return line.execution


class _Line:
    """One execution: who waits for what, and the line of what can be done."""

    def __init__(
        self, pieces: Sequence[Piece], processes: ProcessPoolExecutor, speed: float
    ) -> None:
        self._pieces = pieces
        self._processes = processes
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Piece] = asyncio.Queue()
        self._awaits = {piece.piece_id: len(piece.needs) for piece in pieces}
        self._children = by_parent(pieces)
        self._open = {parent: len(children) for parent, children in self._children.items()}
        self._arrived: set[str] = set()
        self._needing: dict[str, list[Piece]] = {}
        for piece in pieces:
            for needed in piece.needs:
                self._needing.setdefault(needed, []).append(piece)
        self.execution = Execution(begun=self._loop.time())
        self.done = asyncio.Event()

    async def feed(self) -> None:
        """Hand pieces over as they arrive."""
        for arrives_s, pieces in arriving(self._pieces):
            await until(self.execution.begun + arrives_s)
            self._hand_over(pieces)

    async def work(self) -> None:
        """Do what waits, one after the other, for ever."""
        while True:
            piece = await self._queue.get()
            for attempt in range(1 + piece.failures):
                try:
                    await self.execution.wait(piece)
                except Refused:
                    await asyncio.sleep(RETRY_DELAY_S * 2**attempt)
            self._own_work_done(piece)

    def _hand_over(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            self._arrived.add(piece.piece_id)
            if not self._awaits[piece.piece_id]:
                self._put(piece)

    def _put(self, piece: Piece) -> None:
        if piece.kind is WorkKind.IO:
            self._queue.put_nowait(piece)
            return
        future = self._loop.run_in_executor(self._processes, spin, int(piece.cost_s * self._speed))
        future.add_done_callback(lambda ended: self._computed(piece, ended))

    def _computed(self, piece: Piece, ended: asyncio.Future[float]) -> None:
        self.execution.busy_s += ended.result()
        self._own_work_done(piece)

    def _own_work_done(self, piece: Piece) -> None:
        children = self._children.get(piece.piece_id)
        if children:
            self._hand_over(children)
        else:
            self._end(piece.piece_id, piece.parent)

    def _end(self, piece_id: str, parent: str) -> None:
        self.execution.ends[piece_id] = self._loop.time()
        for other in self._needing.get(piece_id, ()):
            self._awaits[other.piece_id] -= 1
            if not self._awaits[other.piece_id] and other.piece_id in self._arrived:
                self._put(other)
        if parent:
            self._open[parent] -= 1
            if not self._open[parent]:
                self._end(parent, "")  # those that hand others over are not nested themselves
        if len(self.execution.ends) == len(self._pieces):
            self.done.set()
