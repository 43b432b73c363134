"""What the runner keeps with a task, and what it makes of an attempt that has ended."""

from __future__ import annotations

import asyncio
from contextvars import Context

from wiseflow.core.errors import Cancelled, TimeLimit
from wiseflow.core.tasks import TaskKind, TaskState
from wiseflow.engine.calls import Failure, Outcome, Success, TaskRequest
from wiseflow.engine.decisions import Ending, Task
from wiseflow.engine.process_calls import PackedCall, Usage
from wiseflow.engine.turns import begun

ON_LOOP = "event loop"
_NOTHING_MEASURED = Usage(worker=ON_LOOP)


class Work:
    """What the runner keeps with a task.

    Args:
        request: what was asked for.
        kind: where it runs.
        context: the context variables of who registered it.
        packed: its call, if it runs in a process.
    """

    __slots__ = (
        "_settled",
        "attempt",
        "began_at",
        "begun",
        "context",
        "go",
        "kind",
        "outcome",
        "packed",
        "request",
        "usage",
        "waits",
    )

    def __init__(
        self,
        request: TaskRequest,
        kind: TaskKind,
        context: Context,
        packed: PackedCall | None = None,
    ) -> None:
        self.request = request
        self.kind = kind
        self.context: Context | None = context
        self.begun = begun()  # when the piece of work that it belongs to began
        self.packed = packed
        self.usage = _NOTHING_MEASURED
        self.outcome: Outcome | None = None
        self.attempt: asyncio.Task[None] | None = None
        self.began_at: float | None = None  # when the attempt made its first step
        self.waits: tuple[str, ...] = ()  # the tasks it waits for now, in all its branches
        self.go: asyncio.Event | None = None  # set while it may go on
        self._settled: asyncio.Event | None = None

    async def ended(self) -> None:
        """Return when the task has ended; it has not yet."""
        self._settled = self._settled or asyncio.Event()
        await self._settled.wait()

    def settle(self) -> None:
        """Wake those who wait for the task."""
        self.packed = self.context = None  # of no more use, and they may hold much
        if self._settled is not None:
            self._settled.set()


def judged(task: Task, outcome: Outcome | None) -> tuple[Outcome, Ending]:
    """What came of an attempt. One that was over its time has failed, so it may be retried.

    Args:
        task: whose attempt it was.
        outcome: what came of the call; ``None`` when it was cancelled.
    """
    if isinstance(outcome, Success):
        return outcome, Ending.COMPLETED
    if task.stop is TaskState.TIMED_OUT:
        return Failure(late(task)), Ending.FAILED
    if outcome is None:
        return Failure(Cancelled("it was cancelled")), Ending.CANCELLED
    return outcome, Ending.FAILED


def late(task: Task) -> TimeLimit:
    """The error of a task that was over its time, or whose run was."""
    name = task.work.request.name
    if task.over:
        return TimeLimit(f"the run {task.run!r} is over its time, and with it the task {name!r}")
    return TimeLimit(f"the task {name!r} took longer than {task.spec.timeout_s:g} s")
