"""The queue of tasks that could start now: by priority with ageing, and fair between runs."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from wiseflow.core.configuration import TaskPriority


class Queued(Protocol):
    """What the queue has to know of a task."""

    @property
    def run(self) -> str:
        """Whose work it is."""
        ...

    @property
    def rank(self) -> int:
        """Of its priority, 0 for the most urgent."""
        ...

    @property
    def ready_at(self) -> float:
        """Since when it could start."""
        ...

    @property
    def startable(self) -> bool:
        """Whether it still waits here; one that was cancelled is passed over when it comes up."""
        ...


Q = TypeVar("Q", bound=Queued)


@dataclass(slots=True)
class _Share(Generic[Q]):
    """The tasks of one run inside a priority.

    ``served`` is its virtual time: how much it was served, by weight, since it has been here.
    """

    weight: float
    served: float
    tasks: deque[Q] = field(default_factory=deque[Q])


class _Level(Generic[Q]):
    """The tasks of one priority: runs take turns by start-time fair queueing.

    Source: Goyal, Vin, Cheng, "Start-time Fair Queueing", IEEE/ACM Transactions on Networking 5(5),
    1997: the run with the least virtual time is next; one that comes anew begins at the time of the
    one served last, so that it neither catches up on what it missed nor has to wait for the others.
    """

    def __init__(self) -> None:
        self._shares: dict[str, _Share[Q]] = {}
        self.order: list[tuple[float, int, str]] = []  # a heap of (virtual time, arrival, run)
        self._arrivals = itertools.count()
        self._now = 0.0

    def push(self, task: Q, weight: float, *, first: bool) -> None:
        share = self._shares.get(task.run)
        if share is None:
            share = self._shares[task.run] = _Share(weight, self._now)
            heapq.heappush(self.order, (share.served, next(self._arrivals), task.run))
        share.weight = weight
        if first:
            share.tasks.appendleft(task)
        else:
            share.tasks.append(task)

    def head(self) -> Q | None:
        """The next task, left where it is."""
        while self.order:
            share = self._shares[self.order[0][2]]
            tasks = share.tasks
            while tasks:
                task = tasks[0]
                if task.startable:
                    return task
                tasks.popleft()
            del self._shares[heapq.heappop(self.order)[2]]
        return None

    def take(self) -> None:
        """Take the head away."""
        _, arrival, run = self.order[0]
        share = self._shares[run]
        share.tasks.popleft()
        self._now = share.served
        share.served += 1.0 / share.weight
        if share.tasks:
            heapq.heapreplace(self.order, (share.served, arrival, run))
        else:
            heapq.heappop(self.order)
            del self._shares[run]


# When it has its turn by its age (the least of several queues goes first), where it is, the task.
Head = tuple[float, _Level[Q], Q]


class ReadyQueue(Generic[Q]):
    """Tasks that could start now, the next one first.

    Of the heads of all priorities the one goes first that is ready longest, where each priority
    below the highest counts ``ageing_s`` later. So a more urgent task goes before a less urgent one
    unless that has waited longer by the difference, and nothing starves.

    Args:
        ageing_s: how much longer a task has to wait to go before one that is one priority higher.
    """

    def __init__(self, ageing_s: float) -> None:
        self._ageing_s = ageing_s
        self._levels: tuple[_Level[Q], ...] = tuple(_Level() for _ in TaskPriority)
        self._pushed = 0  # and not taken; those that were cancelled are still among them

    def push(self, task: Q, *, weight: float = 1.0, first: bool = False) -> None:
        """Add a task; ``first`` puts it before the others of its run and priority."""
        self._pushed += 1
        self._levels[task.rank].push(task, weight, first=first)

    def head(self) -> Head[Q] | None:
        """The next task, left where it is, or ``None`` when there is none."""
        if not self._pushed:
            return None
        best: Head[Q] | None = None
        for rank, level in enumerate(self._levels):
            if level.order and (task := level.head()) is not None:
                turn = task.ready_at + rank * self._ageing_s
                if best is None or turn < best[0]:
                    best = (turn, level, task)
        if best is None:
            self._pushed = 0
        return best

    def take(self, head: Head[Q]) -> Q:
        """Take away what ``head`` gave; nothing may have changed since."""
        self._pushed -= 1
        head[1].take()
        return head[2]
