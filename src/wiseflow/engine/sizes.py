"""The order of waiting tasks whose time is predicted: short ones first, long ones in good time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

# Shorter ones are not told apart: to order them costs more than it gains.
LEAST_S = 0.01
# What has the longest way to go begins when that is so much of the time that all that waits still
# needs. Less than 1, as predictions err and what begins too late holds up the end of all.
IN_TIME = 0.5
# Each so-many-th turn is the oldest's, so that none waits for ever behind shorter ones.
OLDEST_EVERY = 8
# Tasks whose times differ by less than this factor are of one size, and served as they came.
STEPS_PER_DOUBLING = 2
# Below so many, entries of tasks that wait no more are not worth a sweep.
SWEEP_FROM = 100


class Sized(Protocol):
    """What has to be known of a waiting task."""

    @property
    def expected_s(self) -> float:
        """How many seconds it is predicted to take, above 0."""
        ...

    @property
    def path_s(self) -> float:
        """That, and the longest way through those that depend on it."""
        ...

    @property
    def ready_at(self) -> float:
        """Since when it could start."""
        ...

    @property
    def startable(self) -> bool:
        """Whether it still waits here."""
        ...


S = TypeVar("S", bound=Sized)


class BySize(Generic[S]):
    """Waiting tasks of one run and priority with predicted times, the next one first.

    The shortest goes first, which makes half of them end soonest (W. E. Smith, "Various optimizers
    for single-stage production", 1956), unless what has the longest way to go, through those that
    depend on it, has to begin now so as not to hold up the end of all (R. L. Graham, "Bounds on
    multiprocessing timing anomalies", 1969; T. C. Hu, "Parallel sequencing and assembly line
    problems", 1961). Tasks are kept by size on a logarithmic scale, so that a turn costs the same
    however many wait.
    """

    def __init__(self) -> None:
        self._short = _Scale[S](lambda task: task.expected_s)
        self._long = _Scale[S](lambda task: task.path_s)
        self._waiting_s = 0.0  # what all that wait are predicted to take
        self._turns = 0
        self._next: S | None = None
        self._until_sweep = SWEEP_FROM

    def push(self, task: S) -> None:
        """Add a task."""
        self._until_sweep -= 1
        if not self._until_sweep:
            self._sweep()
        self._add(task)
        self._next = None

    def head(self, slots: int) -> S | None:
        """The next task, left where it is.

        Args:
            slots: how many of these may run at once.
        """
        if self._next is None or not self._next.startable:
            self._next = self._turn(slots)
        return self._next

    def take(self) -> None:
        """Take the head away. It is dropped from both scales when it comes up there."""
        assert self._next is not None, "take follows head"
        self._turns += 1
        self._waiting_s -= self._next.expected_s
        self._next = None

    def waiting(self) -> list[S]:
        """Those that still wait, as they came."""
        return sorted(self._short.waiting(), key=lambda task: task.ready_at)

    def _add(self, task: S) -> None:
        self._short.push(task)
        self._long.push(task)
        self._waiting_s += task.expected_s

    def _sweep(self) -> None:
        """Drop those that wait no more, which might never come up while others wait."""
        left = self.waiting()
        self._short.clear()
        self._long.clear()
        self._waiting_s = 0.0
        for task in left:
            self._add(task)
        self._until_sweep = max(SWEEP_FROM, len(left))

    def _turn(self, slots: int) -> S | None:
        shortest = self._short.least()
        if shortest is None:
            self._waiting_s = 0.0
            return None
        if self._turns % OLDEST_EVERY == OLDEST_EVERY - 1:
            return self._short.oldest()
        longest = self._long.most()
        if longest is not None and longest.path_s >= IN_TIME * self._waiting_s / slots:
            return longest
        return shortest


class _Scale(Generic[S]):
    """Tasks by a time on a logarithmic scale; those that wait no more are dropped as met."""

    def __init__(self, time_of: Callable[[S], float]) -> None:
        self._time_of = time_of
        self._sizes: dict[int, deque[S]] = {}

    def push(self, task: S) -> None:
        size = math.floor(STEPS_PER_DOUBLING * math.log2(self._time_of(task)))
        self._sizes.setdefault(size, deque()).append(task)

    def clear(self) -> None:
        self._sizes.clear()

    def waiting(self) -> Iterable[S]:
        # One that failed and is tried again may be here twice.
        return dict.fromkeys(
            task for tasks in self._sizes.values() for task in tasks if task.startable
        )

    def least(self) -> S | None:
        while self._sizes:
            if (task := self._first(min(self._sizes))) is not None:
                return task
        return None

    def most(self) -> S | None:
        while self._sizes:
            if (task := self._first(max(self._sizes))) is not None:
                return task
        return None

    def oldest(self) -> S | None:
        heads = [head for size in list(self._sizes) if (head := self._first(size)) is not None]
        return min(heads, key=lambda task: task.ready_at, default=None)

    def _first(self, size: int) -> S | None:
        tasks = self._sizes[size]
        while tasks:
            if tasks[0].startable:
                return tasks[0]
            tasks.popleft()
        del self._sizes[size]
        return None
