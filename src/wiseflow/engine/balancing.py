"""Which of the waiting pieces of work goes to which worker, and which workers are not up to it.

Nothing here waits or looks at a clock: workers are numbered places, and the time is an argument.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from statistics import median
from typing import NamedTuple

from wiseflow.core.errors import Conflict, NotFound

MOST_CANDIDATES = 64
# A call that takes twice its prediction may be badly predicted; a worker whose calls take twice as
# long as those of the others, over several, is on a busy core or swaps. The gap to the second keeps
# one that is near the first from changing sides with every call.
SLOW_FROM = 2.0
QUICK_BELOW = 1.5
# Older calls count less by this factor with each new one, so that some four decide.
KEPT_PER_CALL = 0.75
# A worker that had no work for so long is believed half as slow: it gets a chance to show it.
FORGOTTEN_IN_S = 60.0
# So much evidence there has to be, in calls: one call alone says nothing about its worker.
LEAST_EVIDENCE = 1.5
# A ratio counts as if one call had been exactly as predicted before, so that few do not decide.
PRIOR_CALLS = 1.0
# One absurd prediction is not to count for ever.
MOST_RATIO = 16.0
SHORTEST_S = 0.001  # below it, a ratio of times says more about the clock than about the worker
# Without a high bound a call is taken to end within twice its prediction; it is overdue, and worth
# doing a second time, when it has taken twice the bound.
HIGH_OF_PREDICTED = 2.0
OVERDUE_FROM = 2.0
# Times have heavy tails: what is over its prediction needs longer, the longer it has run.
LEFT_OF_ELAPSED = 0.1
UNKNOWN_S = 1.0  # the first call of all, when nothing was measured yet


class WorkerState(StrEnum):
    """How a worker is."""

    IDLE = "idle"
    BUSY = "busy"
    SLOW = "slow"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A piece of work that waits.

    Args:
        task_id: distinct.
        predicted_s: how long it is expected to take; ``None`` is unknown.
        begun: a number that grows with the time when the work it belongs to began.
        home: the place where that work was served before, or ``None``.
    """

    task_id: Hashable
    predicted_s: float | None = None
    begun: int = 0
    home: int | None = None


class Choice(NamedTuple):
    """Which candidate, by its place in the sequence given, goes to which worker's place."""

    candidate: int
    place: int


class Overdue(NamedTuple):
    """A call that runs far beyond what it was expected to take at the most.

    Args:
        place: where it runs.
        task_id: of the call.
        over_s: for how long it is beyond that.
    """

    place: int
    task_id: Hashable
    over_s: float


@dataclass(slots=True)
class _Running:
    predicted_s: float | None
    high_s: float
    since: float


@dataclass(slots=True)
class _Worker:
    """What is known of a worker.

    ``evidence`` counts its calls, older ones less; ``logs`` is the sum, weighted so, of the
    logarithms of how much longer they took than predicted.
    """

    dead: bool = False
    slow: bool = False
    evidence: float = 0.0
    logs: float = 0.0
    idle_since: float = 0.0
    running: dict[Hashable, _Running] = field(default_factory=dict[Hashable, _Running])

    def known(self, now: float) -> float:
        """How much evidence there is left."""
        idle_s = 0.0 if self.running else max(now - self.idle_since, 0.0)
        return self.evidence * 0.5 ** (idle_s / FORGOTTEN_IN_S)

    def ratio(self, now: float) -> float:
        """How much longer than predicted its calls take."""
        if not self.evidence:
            return 1.0
        known = self.known(now)
        return math.exp(self.logs / self.evidence * known / (known + PRIOR_CALLS))


class AdaptiveLoadBalancer:
    """Longest predicted first onto the least loaded worker, where the work is at home if it can be.

    It is told what workers do, and asked what is next. Workers that are slower than the others get
    work only when no other is free, and of equal work the shortest; from a dead one all is taken.

    Source: Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM Journal on Applied
    Mathematics 17(2), 1969: with the longest first, m equal workers need at most 4/3 − 1/(3m) of
    the least time possible.
    """

    def __init__(self) -> None:
        self._workers: dict[int, _Worker] = {}
        self._usual_s = UNKNOWN_S
        self._ends = 0

    def worker_joined(self, place: int, now: float) -> None:
        """There is a worker at a place from now on; it may be a new one where one died.

        Raises:
            Conflict: there is one that lives.
        """
        known = self._workers.get(place)
        if known is not None and not known.dead:
            raise Conflict(f"there is a worker at the place {place} already")
        self._workers[place] = _Worker(idle_since=now)

    def worker_died(self, place: int, now: float) -> list[Hashable]:
        """The worker at a place is no more. Gives the ids of its calls, to be placed anew."""
        del now  # what happens is told with its time, whether it is needed or not
        worker = self._worker(place)
        worker.dead = True
        left = list(worker.running)
        worker.running.clear()
        return left

    def started(
        self,
        place: int,
        task_id: Hashable,
        predicted_s: float | None,
        now: float,
        *,
        high_s: float | None = None,
    ) -> None:
        """A call began. ``high_s``: how long it takes at the most, as a rule (its 90th percentile).

        Raises:
            Conflict: the worker is dead, or has that call already.
        """
        worker = self._worker(place)
        if worker.dead or task_id in worker.running:
            why = "is dead" if worker.dead else "has it already"
            raise Conflict(f"the worker at the place {place} cannot start {task_id!r}: it {why}")
        expected_s = self._usual_s if predicted_s is None else predicted_s
        high_s = expected_s * HIGH_OF_PREDICTED if high_s is None else high_s
        if not worker.running:  # what was forgotten while it had nothing to do stays so
            kept = worker.known(now)
            worker.logs *= kept / worker.evidence if worker.evidence else 0.0
            worker.evidence = kept
        worker.running[task_id] = _Running(predicted_s, max(high_s, SHORTEST_S), now)

    def ended(self, place: int, task_id: Hashable, now: float, *, failed: bool = False) -> bool:
        """A call ended. ``False``: the worker did not have it (any more).

        That one failed soon does not make its worker a quick one: it would draw all work to it.
        """
        return self._taken(place, task_id, now, at_least=failed)

    def relieved(self, place: int, task_id: Hashable, now: float) -> bool:
        """A call was taken from a worker and is placed anew; it counts as slow as it was so far."""
        return self._taken(place, task_id, now, at_least=True)

    def state(self, place: int, now: float) -> WorkerState:
        """How a worker is; ``SLOW`` whether it has work or not.

        Raises:
            NotFound: there was never one at that place.
        """
        worker = self._worker(place)
        if worker.dead:
            return WorkerState.DEAD
        if self._is_slow(place, worker, now):
            return WorkerState.SLOW
        return WorkerState.BUSY if worker.running else WorkerState.IDLE

    def states(self, now: float) -> dict[int, WorkerState]:
        """How all workers are, by their places."""
        return {place: self.state(place, now) for place in self._workers}

    def load(self, place: int, now: float) -> float:
        """How many seconds of work a worker has left, by what was predicted and how fast it is."""
        worker = self._worker(place)
        if not worker.running:
            return 0.0
        ratio = worker.ratio(now)
        return sum(self._left(one, ratio, now) for one in worker.running.values())

    def overdue(self, now: float) -> list[Overdue]:
        """The calls that should have ended long ago, the longest over first: worth a second try."""
        found = [
            Overdue(place, task_id, over_s)
            for place, worker in self._workers.items()
            for task_id, one in worker.running.items()
            if (over_s := now - one.since - OVERDUE_FROM * one.high_s) > 0
        ]
        return sorted(found, key=lambda one: -one.over_s)

    def choose(
        self, candidates: Sequence[Candidate], free: Sequence[int], now: float
    ) -> Choice | None:
        """What is next, and where; ``None`` when nothing waits or no place can take anything.

        A place takes work that is at home there, else new work, else work that is at home
        elsewhere; of each kind what began first, and of that the longest predicted, an unknown one
        as the longest: begun last it might be what all wait for in the end.

        Args:
            candidates: what waits, the oldest first; the first 64 are looked at.
            free: the places that can take work; of equally loaded ones the first is taken.
            now: the time.
        """
        places, slow = self._places(free, now)
        index = _best(candidates, places, shortest=slow) if places else None
        if index is None:
            return None
        home = candidates[index].home
        return Choice(index, home if home in places else self._least_loaded(places, now))

    def _places(self, free: Sequence[int], now: float) -> tuple[list[int], bool]:
        """The free places to choose from, and whether these are the slow ones."""
        quick: list[int] = []
        slow: list[int] = []
        for place in free:
            worker = self._worker(place)
            if not worker.dead:
                # Only of one that is slow it has to be found out now whether it still is.
                is_slow = worker.slow and self._is_slow(place, worker, now)
                (slow if is_slow else quick).append(place)
        return (quick, False) if quick else (slow, True)

    def _least_loaded(self, places: Sequence[int], now: float) -> int:
        for place in places:
            if not self._workers[place].running:
                return place
        return min(places, key=lambda place: self.load(place, now))

    def _left(self, one: _Running, ratio: float, now: float) -> float:
        elapsed = now - one.since
        predicted_s = self._usual_s if one.predicted_s is None else one.predicted_s
        return max(predicted_s * ratio - elapsed, LEFT_OF_ELAPSED * elapsed)

    def _worker(self, place: int) -> _Worker:
        worker = self._workers.get(place)
        if worker is None:
            raise NotFound(
                f"there is no worker at the place {place}", cure="Tell that it joined first"
            )
        return worker

    def _taken(self, place: int, task_id: Hashable, now: float, *, at_least: bool) -> bool:
        worker = self._worker(place)
        one = worker.running.pop(task_id, None)
        if one is None:
            return False
        if not worker.running:
            worker.idle_since = now
        took_s = max(now - one.since, SHORTEST_S)
        if not at_least:
            self._ends += 1
            self._usual_s += (took_s - self._usual_s) / min(self._ends, 20)
        if one.predicted_s is not None:
            ratio = took_s / max(one.predicted_s, SHORTEST_S)
            if ratio > 1.0 or not at_least:  # taken away or failed early, it says nothing
                _count(worker, ratio)
        self._is_slow(place, worker, now)
        return True

    def _is_slow(self, place: int, worker: _Worker, now: float) -> bool:
        """Whether a worker is slow against the median of the others that showed how they are."""
        others = [
            other.ratio(now)
            for elsewhere, other in self._workers.items()
            if elsewhere != place and not other.dead and other.evidence >= LEAST_EVIDENCE
        ]
        if not others or (not worker.slow and worker.evidence < LEAST_EVIDENCE):
            worker.slow = False
        else:
            threshold = QUICK_BELOW if worker.slow else SLOW_FROM
            worker.slow = worker.ratio(now) / median(others) >= threshold
        return worker.slow


def _count(worker: _Worker, ratio: float) -> None:
    ratio = min(max(ratio, 1.0 / MOST_RATIO), MOST_RATIO)
    worker.evidence = worker.evidence * KEPT_PER_CALL + 1.0
    worker.logs = worker.logs * KEPT_PER_CALL + math.log(ratio)


def _best(candidates: Iterable[Candidate], places: Sequence[int], *, shortest: bool) -> int | None:
    """The index of the next candidate for one of some places.

    Compared field by field, as this is done for every call and tuples would take twice as long.
    """
    best: int | None = None
    best_kind, best_begun, best_length = _NONE, 0, 0.0
    for index, one in enumerate(islice(candidates, MOST_CANDIDATES)):
        home = one.home
        kind = _NEW if home is None else _AT_HOME if home in places else _ELSEWHERE
        if kind > best_kind or (kind == best_kind and one.begun > best_begun):
            continue
        length = math.inf if one.predicted_s is None else one.predicted_s
        if shortest:
            length = -length
        if kind < best_kind or one.begun < best_begun or length > best_length:
            best, best_kind, best_begun, best_length = index, kind, one.begun, length
    return best


_AT_HOME, _NEW, _ELSEWHERE, _NONE = range(4)
