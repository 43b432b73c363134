"""What the scheduler knows of a task, what it is told, and what it decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.tasks import TaskSpec, TaskState


class Ending(Enum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Action(Enum):
    """What is to be done about a task."""

    START = "start"
    RESUME = "resume"  # it has a slot again
    STOP = "stop"  # it works; have it end
    SETTLED = "settled"  # nothing more will happen to it


class Decision(NamedTuple):
    """One thing to do."""

    action: Action
    task: Task


_RANKS = {priority: priority.rank for priority in TaskPriority}


@dataclass(slots=True, eq=False)
class Task:
    """A task as the scheduler knows it; only the scheduler changes it, but for ``work``.

    ``work`` is whatever the runner wants to keep with it, for as long as it is remembered.
    ``ready_at``, ``started_at`` and ``ended_at`` are of the last attempt.
    """

    spec: TaskSpec
    submitted_at: float
    work: Any = None
    state: TaskState = TaskState.WAITING
    ready_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    attempt: int = 0
    under_way: bool = False  # an attempt was started and has not ended
    awaits: int = 0
    expected_s: float = 0.0  # as predicted last; 0 is unknown
    again_s: float = 0.0  # how much longer by attempts that fail
    path_s: float = 0.0  # both, and the longest way through those that depend on it
    waits_on: tuple[str, ...] = ()  # the tasks it waits for while suspended
    cause: str = ""  # the task whose end decided about this one
    stop: TaskState | None = None  # how it is to end, once it was told to stop
    over: bool = False  # its run is over its time, so it is not tried again
    due: float | None = None
    dependents: list[Task] | None = None
    parent: Task | None = None  # whose end is to reach it: who registered it, or has adopted it
    children: dict[str, Task] | None = None

    def __post_init__(self) -> None:
        self.expected_s, self.again_s = self.spec.expected_s, self.spec.again_s
        self.path_s = self.expected_s + self.again_s

    @property
    def run(self) -> str:
        """Whose work it is."""
        return self.spec.run

    @property
    def rank(self) -> int:
        """Of its priority."""
        return _RANKS[self.spec.priority]

    @property
    def startable(self) -> bool:
        """Whether it waits for a slot."""
        return self.state is TaskState.PENDING
