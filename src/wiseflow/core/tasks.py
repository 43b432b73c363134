"""Records of the in-process engine: what a task is, what becomes of it, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from wiseflow.core.configuration import TaskPriority


class TaskState(StrEnum):
    """Where a task is. The last five are final, and a task reaches exactly one of them."""

    WAITING = "waiting"  # for its dependencies, or for its next attempt
    PENDING = "pending"  # for a free slot
    RUNNING = "running"
    SUSPENDED = "suspended"  # waits for other tasks, and holds no slot meanwhile
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # as something it depends on did not complete

    @property
    def final(self) -> bool:
        """Whether nothing will happen to the task any more."""
        return self in _FINAL


_FINAL = frozenset(
    {
        TaskState.COMPLETED,
        TaskState.FAILED,
        TaskState.TIMED_OUT,
        TaskState.CANCELLED,
        TaskState.SKIPPED,
    }
)


class FailurePolicy(StrEnum):
    """What becomes of a task when one that it depends on did not complete."""

    FAIL = "fail"
    SKIP = "skip"
    RUN_ANYWAY = "run_anyway"


class TaskKind(StrEnum):
    """Where a task runs."""

    ASYNC = "async"
    THREAD = "thread"
    PROCESS = "process"


class TaskSpec(NamedTuple):
    """What the engine has to know of a task to decide about it; a tuple, as that is made sooner.

    Args:
        task_id: distinct among all tasks the engine knows.
        lane: whose slots it takes: its kind's, or those of a pool of worker processes.
        priority: the more urgent go first; a waiting task ages, so that none starves.
        run: whose work it is; inside a priority, runs take turns.
        parent: the task that registered it; cancelling that cancels this one.
        dependencies: the ids of tasks that have to end first.
        on_failure: what becomes of it when one of those did not complete.
        timeout_s: how long one attempt may take; ``None`` is no bound.
        retries: how many more attempts there are after the first.
        retry_delay_s: the wait before the second attempt; it doubles with each further one.
        expected_s: how long an attempt is predicted to take; 0 is unknown.
        again_s: how much longer it may take by attempts that fail; 0 is unknown, or unlikely.
        memory_bytes: how much memory it is predicted to need; 0 is unknown, or little.
    """

    task_id: str
    lane: str = TaskKind.ASYNC
    priority: TaskPriority = TaskPriority.NORMAL
    run: str = ""
    parent: str = ""
    dependencies: tuple[str, ...] = ()
    on_failure: FailurePolicy = FailurePolicy.FAIL
    timeout_s: float | None = None
    retries: int = 0
    retry_delay_s: float = 0.0
    expected_s: float = 0.0
    again_s: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What is known of a task.

    Args:
        task_id, name, kind, priority, run, parent: as it was registered.
        state: where it is now.
        attempts: how often it was started.
        submitted_at, started_at, ended_at: by the engine's monotonic clock, in seconds; the last
            two are of the last attempt, and ``None`` before.
        queue_s: how long it waited for a slot before its last attempt.
        run_s: how long its last attempt took, so far if it runs.
        cause: the task whose end decided about this one, or "".
        worker: where its last attempt ran: "event loop", or a thread or process by name.
        cpu_s: CPU time of its last attempt in seconds; ``None`` is unknown, as on the event loop.
        memory_bytes: the most memory its worker process had; ``None`` is unknown.
    """

    task_id: str
    name: str
    kind: TaskKind
    priority: TaskPriority
    run: str
    parent: str
    state: TaskState
    attempts: int
    submitted_at: float
    started_at: float | None
    ended_at: float | None
    queue_s: float
    run_s: float
    cause: str
    worker: str = ""
    cpu_s: float | None = None
    memory_bytes: int | None = None


class TaskEvent(NamedTuple):
    """A change of a task's state; a tuple, as there are several for each task.

    Args:
        at: when, by the engine's monotonic clock, in seconds.
        task_id: whose.
        name: of the task.
        state: the new one.
        attempt: which attempt, 0 before the first.
        run: whose work it is.
        worker: where it runs: "event loop", or a thread or process by name; "" before that is
            known.
    """

    at: float
    task_id: str
    name: str
    state: TaskState
    attempt: int
    run: str = ""
    worker: str = ""
