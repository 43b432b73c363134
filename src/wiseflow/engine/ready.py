"""The queue of tasks that could start now: by priority with ageing, and fair between runs."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from wiseflow.core.configuration import TaskPriority
from wiseflow.engine.sizes import LEAST_S, BySize

# Among so many a chooser has its choice; looking at more costs more than it gains.
CHOSEN_AMONG = 64


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
    def expected_s(self) -> float:
        """How many seconds it is predicted to take; 0 is unknown, or not worth an order."""
        ...

    @property
    def path_s(self) -> float:
        """That, and the longest way through those that depend on it."""
        ...

    @property
    def startable(self) -> bool:
        """Whether it still waits here; one that was cancelled is passed over when it comes up."""
        ...


Q = TypeVar("Q", bound=Queued)
Choose = Callable[[Sequence[Q]], int]


@dataclass(slots=True)
class _Share(Generic[Q]):
    """The tasks of one run inside a priority.

    ``served`` is its virtual time: how much it was served, by weight, since it has been here.
    """

    weight: float
    served: float
    tasks: deque[Q] = field(default_factory=deque[Q])
    sized: BySize[Q] | None = None

    def push_by_size(self, task: Q) -> None:
        if self.sized is None:
            self.sized = BySize()
        self.sized.push(task)

    def head(self, slots: int) -> Q | None:
        """Its next task: those whose time nobody knows, then by size."""
        tasks = self.tasks
        while tasks:
            if tasks[0].startable:
                return tasks[0]
            tasks.popleft()
        return None if self.sized is None else self.sized.head(slots)

    def take(self) -> None:
        """Take its head away."""
        if self.tasks:
            self.tasks.popleft()
        elif self.sized is not None:
            self.sized.take()

    def drain(self) -> list[Q]:
        """Its tasks that still wait, as they came; none is left here."""
        left = [task for task in self.tasks if task.startable]
        if self.sized is not None:
            left += self.sized.waiting()
        self.tasks.clear()
        self.sized = None
        return left


class _Level(Generic[Q]):
    """The tasks of one priority: runs take turns by start-time fair queueing.

    Source: Goyal, Vin, Cheng, "Start-time Fair Queueing", IEEE/ACM Transactions on Networking 5(5),
    1997: the run with the least virtual time is next; one that comes anew begins at the time of the
    one served last, so that it neither catches up on what it missed nor has to wait for the others.

    Args:
        handicap_s: how much later than it was ready a task of this priority counts.
        choose: see ``ReadyQueue``.
    """

    def __init__(self, handicap_s: float, choose: Choose[Q] | None) -> None:
        self.handicap_s = handicap_s
        self._choose = choose
        self._shares: dict[str, _Share[Q]] = {}
        self.order: list[tuple[float, int, str]] = []  # a heap of (virtual time, arrival, run)
        self._arrivals = itertools.count()
        self._now = 0.0
        # The head that was found last, as long as nothing came before it. A chooser is asked each
        # time: what it goes by changes meanwhile.
        self.known: Q | None = None

    def push(self, task: Q, weight: float) -> None:
        run = task.run if self._choose is None else ""
        share = self._shares.get(run)
        if share is None:
            share = self._shares[run] = _Share(weight, self._now)
            heapq.heappush(self.order, (share.served, next(self._arrivals), run))
            self.known = None
        share.weight = weight
        if task.expected_s >= LEAST_S and self._choose is None:
            self.known = None
            share.push_by_size(task)
        else:
            if not share.tasks:
                self.known = None
            share.tasks.append(task)

    def head(self, slots: int) -> Q | None:
        """The next task, left where it is."""
        while self.order:
            share = self._shares[self.order[0][2]]
            task = share.head(slots)
            if task is not None:
                if self._choose is not None:
                    return self._chosen(share.tasks, self._choose)
                self.known = task
                return task
            del self._shares[heapq.heappop(self.order)[2]]
        return None

    def take(self) -> None:
        """Take the head away."""
        self.known = None
        served, arrival, run = self.order[0]
        share = self._shares[run]
        share.take()
        self._now = served
        share.served = served + 1.0 / share.weight
        if not share.tasks and share.sized is None:
            heapq.heappop(self.order)
            del self._shares[run]
        elif len(self.order) == 1:
            self.order[0] = (share.served, arrival, run)
        else:
            heapq.heapreplace(self.order, (share.served, arrival, run))

    def _chosen(self, tasks: deque[Q], choose: Choose[Q]) -> Q:
        """The task that the chooser wants of the first ones, brought to the front."""
        window = [task for task in itertools.islice(tasks, CHOSEN_AMONG) if task.startable]
        task = window[choose(window)] if len(window) > 1 else window[0]
        if task is not tasks[0]:
            tasks.remove(task)
            tasks.appendleft(task)
        return task

    def drain(self) -> list[Q]:
        """All its tasks that still wait, run by run; none is left here but the turns of runs."""
        self.known = None
        return [task for share in self._shares.values() for task in share.drain()]


# When it has its turn by its age (the least of several queues goes first), where it is, the task.
Head = tuple[float, _Level[Q], Q]


class ReadyQueue(Generic[Q]):
    """Tasks that could start now, the next one first.

    Of the heads of all priorities the one goes first that is ready longest, where each priority
    below the highest counts ``ageing_s`` later. So a more urgent task goes before a less urgent one
    unless that has waited longer by the difference, and nothing starves.

    Args:
        ageing_s: how much longer a task has to wait to go before one that is one priority higher.
        choose: gives the place of the one to go next among the first of a priority, whose ever
            they are. Without it runs take turns, and the tasks of one go by their predicted time
            (see ``BySize``), or as they came where that is not known.
    """

    def __init__(self, ageing_s: float, choose: Choose[Q] | None = None) -> None:
        self._levels: tuple[_Level[Q], ...] = tuple(
            _Level(rank * ageing_s, choose) for rank in range(len(TaskPriority))
        )
        self.pushed = 0  # and not taken; those that were cancelled are still among them

    def push(self, task: Q, *, weight: float = 1.0) -> None:
        """Add a task."""
        self.pushed += 1
        self._levels[task.rank].push(task, weight)

    def head(self, slots: int) -> Head[Q] | None:
        """The next task, left where it is, or ``None`` when there is none.

        Args:
            slots: how many of these may run at once.
        """
        if not self.pushed:
            return None
        best: Head[Q] | None = None
        for level in self._levels:
            if level.order:
                task = level.known
                if task is None or not task.startable:
                    task = level.head(slots)
                    if task is None:
                        continue
                turn = task.ready_at + level.handicap_s
                if best is None or turn < best[0]:
                    best = (turn, level, task)
        if best is None:
            self.pushed = 0
        return best

    def take(self, head: Head[Q]) -> Q:
        """Take away what ``head`` gave; nothing may have changed since."""
        self.pushed -= 1
        head[1].take()
        return head[2]

    def drain(self) -> list[Q]:
        """All tasks that still wait; none is left here."""
        self.pushed = 0
        return [task for level in self._levels for task in level.drain()]
