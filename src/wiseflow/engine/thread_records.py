"""Calls of a thread pool, and what is kept of those that ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from wiseflow.core.configuration import TaskPriority
from wiseflow.engine.state import AGEING_S

T = TypeVar("T")

KEPT = 1_000
_Ended = tuple[int, str, float, float | None, float, str]  # the fields of a ``ThreadTask``
_MOST_ERROR = 500  # characters


class ThreadTask(NamedTuple):
    """What is known of a call; a tuple, as one is made for each.

    Args:
        task_id: its number in the pool, from 1.
        name: of the function.
        submitted_at, started_at, ended_at: by ``time.monotonic``, in seconds; the last two are
            ``None`` before.
        error: type and text of what it raised, or "".
    """

    task_id: int
    name: str
    submitted_at: float
    started_at: float | None
    ended_at: float | None
    error: str


class ThreadPoolMetrics(NamedTuple):
    """How a pool does.

    Args:
        workers: threads there are.
        busy: those at work.
        pending: calls that wait for a thread.
        completed, failed, cancelled: calls since the pool was made.
        mean_queue_s, mean_run_s: of those that completed or failed, in seconds.
        utilisation: the part of their time that the threads allowed were at work, 0 to 1; above
            it while more are at work than are allowed by now.
    """

    workers: int
    busy: int
    pending: int
    completed: int
    failed: int
    cancelled: int
    mean_queue_s: float
    mean_run_s: float
    utilisation: float


class Call(Future[T]):
    """The future of a function on a thread.

    Args:
        func: the function.
        arguments: its positional and its keyword arguments.
        rank: of its priority.
        given_up: is told when it is cancelled before it runs.
    """

    # What nearly all calls have stays on the class, as a call is made sooner then.
    task_id = 0
    asked = False
    startable = False  # only while it waits in the queue
    started_at: float | None = None

    def __init__(
        self,
        func: Callable[..., T],
        arguments: tuple[tuple[Any, ...], dict[str, Any]],
        rank: int,
        given_up: Callable[[Call[Any]], None],
    ) -> None:
        super().__init__()
        self.func = func
        self.arguments = arguments
        self.rank = rank
        self.ready_at = time.monotonic()
        self.context = copy_context()
        self._given_up = given_up

    def cancel(self) -> bool:
        """Cancel it, if it waits; if it runs, ask it to stop, see ``asked_to_stop``.

        Returns:
            Whether it does not run.
        """
        if super().cancel():
            self._given_up(self)
            return True
        self.asked = True
        return False

    def record(self) -> ThreadTask:
        """What is known of it before it has ended."""
        return ThreadTask(
            self.task_id, name_of(self.func), self.ready_at, self.started_at, None, ""
        )


class WaitingCalls:
    """Calls that wait: the more urgent first, but none for ever; equal ones as they came.

    The order is that of ``engine.ready.ReadyQueue`` without runs, which cost it 1.5 µs a call.
    """

    def __init__(self) -> None:
        self._levels: tuple[deque[Call[Any]], ...] = tuple(deque() for _ in TaskPriority)

    def push(self, call: Call[Any]) -> None:
        """Add a call, the last of its priority."""
        self._levels[call.rank].append(call)

    def push_back(self, call: Call[Any]) -> None:
        """Put a call back that was taken."""
        self._levels[call.rank].appendleft(call)

    def take(self) -> Call[Any] | None:
        """The next call; those that were cancelled are passed over."""
        best: deque[Call[Any]] | None = None
        best_turn = 0.0
        for rank, level in enumerate(self._levels):
            while level:
                call = level[0]
                if call.startable:
                    turn = call.ready_at + rank * AGEING_S
                    if best is None or turn < best_turn:
                        best, best_turn = level, turn
                    break
                level.popleft()
        return None if best is None else best.popleft()


class History:
    """The last calls that ended, of each kind. Threads add to it without a lock.

    What is kept becomes a record when somebody looks, as few do.
    """

    def __init__(self) -> None:
        self._completed: deque[_Ended] = deque(maxlen=KEPT)
        self._failed: deque[_Ended] = deque(maxlen=KEPT)

    @property
    def completed(self) -> list[ThreadTask]:
        """Those that gave something, the oldest first."""
        return [ThreadTask(*one) for one in self._completed.copy()]

    @property
    def failed(self) -> list[ThreadTask]:
        """Those that raised something, the oldest first."""
        return [ThreadTask(*one) for one in self._failed.copy()]

    def add(self, call: Call[Any], ended_at: float, error: BaseException | None) -> None:
        """A call ended; ``error`` is what it raised."""
        text = "" if error is None else _in_words(error)
        one = (call.task_id, name_of(call.func), call.ready_at, call.started_at, ended_at, text)
        (self._completed if error is None else self._failed).append(one)


@dataclass(slots=True)
class Tally:
    """What one thread did; only that thread writes it, so that it needs no lock."""

    completed: int = 0
    failed: int = 0
    queue_s: float = 0.0
    run_s: float = 0.0

    def add(self, other: Tally) -> None:
        """Add what another did."""
        self.completed += other.completed
        self.failed += other.failed
        self.queue_s += other.queue_s
        self.run_s += other.run_s


def name_of(function: object) -> str:
    """What people call a function."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


def _in_words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the text of an error is others' code
        text = "(it has no text)"
    return f"{type(error).__name__}: {text}"[:_MOST_ERROR]
