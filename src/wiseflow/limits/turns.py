"""Who is next among those that wait for one limit; pure, no operation depends on how many wait."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.limits import LimitKey, Need

# Each so many-th turn is that of the one that has waited longest, however little urgent, so that
# nobody starves and the urgent keep seven eighths of the rate.
OLDEST_EVERY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call that asks to be sent.

    Args:
        number: names it; no two are the same, and later ones are greater.
        key: whose limit it is.
        need: the most it may take.
        priority: who goes first.
        run: whose call it is; runs of one priority take turns.
        deadline: it is not sent later, in monotonic seconds; infinite for none.
    """

    number: int
    key: LimitKey
    need: Need
    priority: TaskPriority
    run: str
    deadline: float


class Turns:
    """Those that wait: by priority, inside it run by run, inside a run first come, first served."""

    def __init__(self) -> None:
        self._all: OrderedDict[int, Asked] = OrderedDict()
        self._rings: list[OrderedDict[str, OrderedDict[int, Asked]]] = [
            OrderedDict() for _ in TaskPriority
        ]
        self._turn = 1

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, number: object) -> bool:
        return number in self._all

    def add(self, asked: Asked) -> None:
        """Let it wait."""
        self._all[asked.number] = asked
        ring = self._rings[asked.priority.rank]
        ring.setdefault(asked.run, OrderedDict())[asked.number] = asked

    def head(self) -> Asked | None:
        """Whose turn it is, or ``None`` when nobody waits."""
        if not self._all:
            return None
        if self._turn % OLDEST_EVERY == 0:
            return next(iter(self._all.values()))
        ring = next(ring for ring in self._rings if ring)
        return next(iter(next(iter(ring.values())).values()))

    def pop(self) -> Asked:
        """Take out the one whose turn it is; its run goes to the end of its priority."""
        asked = self.head()
        assert asked is not None, "somebody waits"
        self._turn += 1
        self.remove(asked.number)
        ring = self._rings[asked.priority.rank]
        if asked.run in ring:
            ring.move_to_end(asked.run)
        return asked

    def remove(self, number: int) -> Asked | None:
        """Take one out that gave up; ``None`` when it does not wait."""
        asked = self._all.pop(number, None)
        if asked is None:
            return None
        ring = self._rings[asked.priority.rank]
        del ring[asked.run][number]
        if not ring[asked.run]:
            del ring[asked.run]
        return asked
