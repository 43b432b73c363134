"""Who may start now: slots by lane, the cores of the machine, and its free memory."""

from __future__ import annotations

import operator
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.engine.decisions import Task
from wiseflow.engine.ready import Head, ReadyQueue

# Of tasks that are as urgent, those go first that keep a core busy: the others would fill all slots
# while cores are idle. They are few at a time, so nothing starves; and by less than one step of
# ageing, so that what is more urgent still goes before them.
BUSY_LEAD = 0.5
# A run is a name, and may have no task at times, so nobody knows when it has ended. Its weight is
# known until so many others were used after it.
MOST_WEIGHTS = 10_000


@dataclass(slots=True, eq=False)
class _Lane:
    """The tasks that take their slots from one place.

    ``returning`` ones are at work and want their slot back. They go before all others, whatever
    room there is: what they hold is free only when they have ended. ``busy`` ones keep a core busy
    for as long as they run, and count as ready ``lead_s`` sooner than they are; those of a lane
    that is not ``counted`` use next to nothing, and do not count against the total.
    """

    slots: int
    ready: ReadyQueue[Task]
    busy: bool
    counted: bool
    lead_s: float
    returning: deque[Task] = field(default_factory=deque[Task])
    used: int = 0


class Admission:
    """Holds the tasks that could start, and gives them out one by one as there is room.

    A task that is predicted to need more memory than there is waits, and those of its lane behind
    it, so that it has its turn in the end. When nothing runs it is let in all the same: predictions
    err, and nothing would ever end that it could wait for.

    Args:
        slots: how many tasks of each lane may hold a slot at once, at least 1 each.
        total: how many of all lanes together, at least 1.
        busy: the lanes whose tasks keep a core busy.
        ageing_s: see ``ReadyQueue``.
    """

    def __init__(
        self, *, slots: Mapping[str, int], total: int, busy: Sequence[str], ageing_s: float
    ) -> None:
        self._ageing_s = ageing_s
        self._total = _at_least_one(total, "total")
        self._inside = 0  # the sum over the lanes that are counted
        self._lanes: dict[str, _Lane] = {}
        self._weights: OrderedDict[str, float] = OrderedDict()
        self._held = False
        self._cores: int | None = None
        self._memory_bytes: float = float("inf")
        self.short_of_memory = False  # whether a task waits for memory only
        for name, limit in slots.items():
            self.add_lane(name, limit, busy=name in busy)

    @property
    def used(self) -> Mapping[str, int]:
        """How many slots of each lane are held."""
        return {name: lane.used for name, lane in self._lanes.items()}

    def add_lane(
        self,
        name: str,
        slots: int,
        *,
        busy: bool = False,
        counted: bool = True,
        choose: Callable[[Sequence[Task]], int] | None = None,
    ) -> None:
        """Have another lane from now on.

        Args:
            name: of the lane.
            slots: how many of its tasks may hold a slot at once.
            busy: whether they keep a core busy.
            counted: whether they count against the total.
            choose: see ``ReadyQueue``.

        Raises:
            Conflict: there is one of that name.
            InvalidInput: a limit below 1.
        """
        if name in self._lanes:
            raise Conflict(f"there is a lane {name!r} already", cure="Take another name")
        ready = ReadyQueue[Task](self._ageing_s, choose)
        lead_s = BUSY_LEAD * self._ageing_s if busy else 0.0
        lane = _Lane(_at_least_one(slots, name), ready, busy, counted, lead_s)
        self._lanes[name] = lane

    def remove_lane(self, name: str) -> None:
        """Have a lane no more. No task may be in it."""
        del self._lanes[name]

    @property
    def lanes(self) -> Collection[str]:
        """The names of the lanes there are."""
        return self._lanes.keys()

    def resize(self, slots: Mapping[str, int], total: int | None) -> None:
        """Change limits, all or none; tasks that hold a slot keep it. Raises ``InvalidInput``."""
        checked = {name: _at_least_one(limit, name) for name, limit in slots.items()}
        self._total = _at_least_one(self._total if total is None else total, "total")
        for name, limit in checked.items():
            self._lanes[name].slots = limit

    def weigh(self, run: str, weight: float) -> None:
        """Give a run so many turns for each one of another run of the same priority.

        The weights of the 10,000 runs that had tasks last are known; others have the usual one, 1.

        Raises:
            InvalidInput: it is not above 0.
        """
        if not weight > 0:
            raise InvalidInput(
                f"the weight of a run cannot be {weight:g}", cure="Give a number above 0"
            )
        self._weights[run] = weight
        self._weights.move_to_end(run)
        if len(self._weights) > MOST_WEIGHTS:
            self._weights.popitem(last=False)

    def hold(self, *, held: bool) -> None:
        """Let nothing new in while ``held``."""
        self._held = held

    def room(self, *, cores: int | None, memory_bytes: float) -> None:
        """How many tasks may keep a core busy (``None``: any), and how much memory new ones may."""
        self._cores = cores
        self._memory_bytes = memory_bytes

    def push(self, task: Task) -> None:
        """A task could start, or go on."""
        spec = task.spec
        lane = self._lanes[spec.lane]
        if task.under_way:
            lane.returning.append(task)
            return
        lane.ready.push(task, weight=self._weight(spec.run) if self._weights else 1.0)

    def again(self) -> None:
        """Put those that wait in order anew, as what is predicted of them has changed."""
        for lane in self._lanes.values():
            for task in lane.ready.drain():
                self.push(task)

    def next(self) -> Task | None:
        """The task that has its turn, which now holds a slot; ``None`` when there is no room."""
        self.short_of_memory = False
        full = self._inside >= self._total
        best: Head[Task] | None = None
        place: _Lane | None = None
        turn = 0.0
        for lane in self._lanes.values():
            if lane.used >= lane.slots or (full and lane.counted):
                continue
            if lane.returning and (task := _first(lane.returning)) is not None:
                return self._entered(lane, task)
            if not lane.ready.pushed or self._held:
                continue
            head = lane.ready.head(lane.slots)
            if head is None or (best is not None and turn <= head[0] - lane.lead_s):
                continue
            if self._fits(lane, head[2]):
                best, place, turn = head, lane, head[0] - lane.lead_s
        if best is None or place is None:
            return None
        self._memory_bytes -= best[2].spec.memory_bytes
        return self._entered(place, place.ready.take(best))

    def _entered(self, lane: _Lane, task: Task) -> Task:
        lane.used += 1
        self._inside += lane.counted
        return task

    def release(self, task: Task) -> None:
        """A task holds its slot no more."""
        lane = self._lanes[task.spec.lane]
        lane.used -= 1
        self._inside -= lane.counted

    def _weight(self, run: str) -> float:
        weight = self._weights.get(run)
        if weight is None:
            return 1.0
        self._weights.move_to_end(run)
        return weight

    def _fits(self, lane: _Lane, task: Task) -> bool:
        if self._cores is not None and lane.busy and self._busy() >= self._cores:
            return False
        if not task.spec.memory_bytes or not self._inside:
            return True
        fits = task.spec.memory_bytes <= self._memory_bytes
        self.short_of_memory = self.short_of_memory or not fits
        return fits

    def _busy(self) -> int:
        return sum(lane.used for lane in self._lanes.values() if lane.busy)


def _first(returning: deque[Task]) -> Task | None:
    """The first that still waits, taken away."""
    while returning:
        task = returning.popleft()
        if task.startable and task.under_way:  # not one whose attempt ended here, tried anew
            return task
    return None


def _at_least_one(limit: int, name: str) -> int:
    try:
        fits = operator.index(limit) >= 1
    except TypeError:  # a part of a slot is none
        fits = False
    if not fits:
        raise InvalidInput(
            f"{limit!r} slots ({name}) leave no room for any task",
            cure="Give a whole number, at least 1",
        )
    return limit
