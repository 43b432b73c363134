"""What the runner keeps with a task, and what it makes of an attempt that has ended."""

from __future__ import annotations

import asyncio

from wiseflow.core.errors import Cancelled, TimeLimit
from wiseflow.core.tasks import TaskState
from wiseflow.engine.calls import Failure, Outcome, Success, TaskRequest
from wiseflow.engine.decisions import Ending, Task


class Work:
    """What the runner keeps with a task."""

    __slots__ = ("_settled", "attempt", "begun", "go", "outcome", "request", "waits")

    def __init__(self, request: TaskRequest) -> None:
        self.request = request
        self.outcome: Outcome | None = None
        self.attempt: asyncio.Task[None] | None = None
        self.begun = False  # whether the attempt has made its first step
        self.waits: tuple[str, ...] = ()  # the tasks it waits for now, in all its branches
        self.go: asyncio.Event | None = None  # set while it may go on
        self._settled: asyncio.Event | None = None

    async def ended(self) -> None:
        """Return when the task has ended; it has not yet."""
        self._settled = self._settled or asyncio.Event()
        await self._settled.wait()

    def settle(self) -> None:
        """Wake those who wait for the task."""
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
        name, limit_s = task.work.request.name, task.spec.timeout_s
        late = TimeLimit(f"the task {name!r} took longer than {limit_s:g} s")
        return Failure(late), Ending.FAILED
    if outcome is None:
        return Failure(Cancelled("it was cancelled")), Ending.CANCELLED
    return outcome, Ending.FAILED
