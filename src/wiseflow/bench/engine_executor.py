"""Workloads on the engine, by its public names."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from wiseflow.bench.spinning import spin
from wiseflow.bench.workload_pieces import Execution, arriving, by_parent, until
from wiseflow.bench.workloads import MOST_FAILURES, RETRY_DELAY_S, Piece, WorkKind
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import TaskManager

WARM_S = 0.1


class EngineExecutor:
    """Runs pieces as tasks; an asynchronous context manager.

    Args:
        slots: how many may be at work at once.
        cores: how many processes there are; 0 for none.
        speed: rounds of ``spin`` a second.
    """

    def __init__(self, *, slots: int, cores: int, speed: float) -> None:
        self._tasks = TaskManager(max_concurrent_tasks=slots, max_processes=max(cores, 1))
        self._cores = cores
        self._speed = speed
        self._runs = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._tasks.initialize()
        self._tasks.register_tasks(
            TaskRequest(name="warm", func=spin, args=(int(WARM_S * self._speed),), cpu_bound=True)
            for _ in range(self._cores)
        )
        await self._tasks.join()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._tasks.shutdown(timeout_s=0.0)

    async def run(self, pieces: Sequence[Piece]) -> Execution:
        """Do all pieces of a workload."""
        one = _Run(self._tasks, pieces, prefix=f"{next(self._runs)}:", speed=self._speed)
        await one.feed()
        await self._tasks.join()
        return await one.told()


class _Run:
    """One execution: the pieces as tasks, and what became of them."""

    def __init__(
        self, tasks: TaskManager, pieces: Sequence[Piece], *, prefix: str, speed: float
    ) -> None:
        self._tasks = tasks
        self._pieces = pieces
        self._prefix = prefix
        self._speed = speed
        self._children = by_parent(pieces)
        self._execution = Execution(begun=asyncio.get_running_loop().time())

    async def feed(self) -> None:
        """Register pieces as they arrive."""
        for arrives_s, pieces in arriving(self._pieces):
            await until(self._execution.begun + arrives_s)
            self._tasks.register_tasks(map(self._request, pieces))

    async def told(self) -> Execution:
        """What the engine tells of the execution."""
        for piece in self._pieces:
            task_id = self._prefix + piece.piece_id
            took_s = await self._tasks.result(task_id)
            if piece.kind is WorkKind.CPU:
                self._execution.busy_s += took_s
            ended_at = self._tasks.record(task_id).ended_at
            assert ended_at is not None, "it gave a result"
            self._execution.ends[piece.piece_id] = ended_at
        return self._execution

    async def _handing_over(self, piece: Piece) -> None:
        await self._execution.wait(piece)
        requests = map(self._request, self._children[piece.piece_id])
        await self._tasks.wait(self._tasks.register_tasks(requests))

    def _request(self, piece: Piece) -> TaskRequest:
        return TaskRequest(
            name=piece.label,
            task_id=self._prefix + piece.piece_id,
            priority=piece.priority,
            run=piece.run,
            dependencies=[self._prefix + needed for needed in piece.needs],
            **self._call(piece),
            **_size(piece),
        )

    def _call(self, piece: Piece) -> Mapping[str, Any]:
        if piece.kind is WorkKind.CPU:
            rounds = int(piece.cost_s * self._speed)
            return {"func": spin, "args": (rounds,), "cpu_bound": True}
        hands_over = piece.piece_id in self._children
        return {
            "func": self._handing_over if hands_over else self._execution.wait,
            "args": (piece,),
            "retries": MOST_FAILURES,
            "retry_delay_s": RETRY_DELAY_S,
        }


def _size(piece: Piece) -> Mapping[str, Any]:
    """What the engine is told of a piece's cost, where it takes that."""
    return {"size": piece.size} if "size" in TaskRequest._fields else {}
