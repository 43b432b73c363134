"""The decisions of the engine, and nothing else: no clock, no waiting, no input or output.

Something happened (a task was registered, ended, was cancelled, time passed, a limit changed) and
the scheduler says what is to be done about it: start this task, stop that one, this one is settled.
The time is an argument of every call, so that tests drive years of it in a moment.
"""

from __future__ import annotations

import heapq
import itertools
import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

from wiseflow.core.errors import Conflict, InvalidInput, NotFound
from wiseflow.core.tasks import FailurePolicy, TaskKind, TaskSpec, TaskState
from wiseflow.engine.admission import Admission
from wiseflow.engine.decisions import Action, Decision, Ending, Task
from wiseflow.engine.paths import measure_paths

AGEING_S = 60.0
KEPT = 100_000
# Below so many, entries of attempts that have ended are not worth sweeping out of the timetable.
SWEEP_FROM = 1_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def tell_nobody(_task: Task) -> None:
    """For a scheduler whose changes nobody follows."""


class Scheduler:
    """Decides which task starts when, and what becomes of each.

    Every method that changes something gives the decisions that follow from it, in the order in
    which they are to be acted on.

    Args:
        slots: how many tasks of each lane may hold a slot at once, at least 1 each.
        total: how many of all lanes together, at least 1.
        busy: the lanes whose tasks keep a core busy.
        ageing_s: see ``ReadyQueue``.
        kept: how many settled tasks are remembered, so that others may still depend on them.
        changed: is told each change of a task's state, in order.
    """

    def __init__(
        self,
        *,
        slots: Mapping[str, int],
        total: int,
        busy: Sequence[str] = (TaskKind.PROCESS,),
        changed: Callable[[Task], None] = tell_nobody,
        ageing_s: float = AGEING_S,
        kept: int = KEPT,
    ) -> None:
        self.admission = Admission(slots=slots, total=total, busy=busy, ageing_s=ageing_s)
        self._kept = kept
        self._changed = changed
        self._tasks: dict[str, Task] = {}
        self._settled: OrderedDict[str, Task] = OrderedDict()
        # When an attempt has its deadline, or the next one its time; outdated entries are skipped.
        self._timetable: list[tuple[float, int, Task]] = []
        self._entries = itertools.count()
        self._outdated = 0
        self._decisions: list[Decision] = []

    def __getitem__(self, task_id: str) -> Task:
        task = self._tasks.get(task_id) or self._settled.get(task_id)
        if task is None:
            raise NotFound(
                f"there is no task {task_id!r}", cure="Give the id that registering it returned"
            )
        return task

    def __iter__(self) -> Iterator[Task]:
        """The tasks that are not settled."""
        return iter(self._tasks.values())

    def __len__(self) -> int:
        """How many tasks are not settled."""
        return len(self._tasks)

    def submit(
        self, specs: Iterable[TaskSpec], now: float, works: Mapping[str, Any] = _NOTHING
    ) -> list[Decision]:
        """Take on tasks, all or none. They may depend on each other in any order.

        Args:
            specs: the tasks.
            now: the time.
            works: what to keep with each, by its id.

        Raises:
            InvalidInput: a field is out of range, a dependency is unknown, or they form a cycle.
            Conflict: an id is taken.
        """
        new: dict[str, TaskSpec] = {}
        lanes = self.admission.lanes
        for spec in specs:
            _check(spec)
            if spec.lane not in lanes:
                raise InvalidInput(
                    f"the task {spec.task_id!r} is for the pool {spec.lane!r}, which there is not",
                    cure="Give the name that the pool was added by",
                )
            if spec.task_id in new or spec.task_id in self._tasks or spec.task_id in self._settled:
                raise Conflict(
                    f"a task {spec.task_id!r} is registered already",
                    cure="Give another id, or none to have one made",
                )
            new[spec.task_id] = spec
        self._check_dependencies(new)
        added = [Task(spec, now, works.get(spec.task_id)) for spec in new.values()]
        self._tasks.update(zip(new, added, strict=True))
        tied = [task for task in added if task.spec.dependencies or task.spec.parent]
        for task in tied:
            self._connect(task, now)
        if tied and any(task.expected_s for task in added):
            measure_paths(added)
        for task in added:
            if task.state.final:  # something it depends on had failed, which was told
                continue
            if task.awaits:
                self._changed(task)
            else:
                self._enqueue(task, now)
        return self._decided(now)

    def ended(self, task_id: str, ending: Ending, now: float) -> list[Decision]:
        """An attempt ended. One that completed although it was told to stop counts as completed."""
        task = self._tasks.get(task_id) or self[task_id]
        self._leave(task)
        stopped = task.stop is TaskState.CANCELLED or task.over
        again = not stopped and task.attempt <= task.spec.retries
        if ending is Ending.COMPLETED:
            self._settle(task, TaskState.COMPLETED, now)
        elif ending is Ending.FAILED and again:
            self._wait_for_next_attempt(task, now)
        elif task.stop is not None:
            self._settle(task, task.stop, now)
        else:
            failed = ending is Ending.FAILED
            self._settle(task, TaskState.FAILED if failed else TaskState.CANCELLED, now)
        return self._decided(now)

    def cancel(self, task_id: str, now: float) -> list[Decision]:
        """Cancel a task and all that it registered; a settled one is left as it is."""
        self._cancel(self[task_id], now)
        return self._decided(now)

    def expire_run(self, run: str, now: float) -> list[Decision]:
        """A run is over its time: all its tasks end as timed out, and none is tried again."""
        for task in [task for task in self._tasks.values() if task.run == run]:
            task.over = True
            if task.under_way:
                self._stop(task, TaskState.TIMED_OUT, now)
            elif not task.state.final:
                self._settle(task, TaskState.TIMED_OUT, now)
        return self._decided(now)

    def forget(self, task_ids: Iterable[str]) -> None:
        """Remember these no more, if they have ended; others cannot depend on them then."""
        for task_id in task_ids:
            self._settled.pop(task_id, None)

    def suspend(self, task_id: str, others: Iterable[str], now: float) -> list[Decision]:
        """A running task waits for others from now on, so it gives its slot up.

        Raises:
            Conflict: one of the others waits for this task, so both would wait for ever.
        """
        task = self[task_id]
        others = tuple(others)
        for other in others:
            if circle := self._way(self[other], task):
                names = " → ".join([task_id, *circle])
                raise Conflict(
                    f"the task would wait for itself: {names}",
                    cure="Have the first return what it knows, and wait for the others elsewhere",
                )
        if task.state is TaskState.RUNNING:
            self.admission.release(task)
            self._enter(task, TaskState.SUSPENDED)
        task.waits_on = others
        return self._decided(now)

    def resume(self, task_id: str, now: float) -> list[Decision]:
        """A suspended task may go on as soon as it has a slot, before those that have not begun."""
        task = self[task_id]
        if task.state is TaskState.SUSPENDED:
            task.waits_on = ()
            task.ready_at = now
            self._enter(task, TaskState.PENDING)
            self.admission.push(task)
        return self._decided(now)

    def room_changed(self, now: float) -> list[Decision]:
        """Something was changed in ``admission``: start what may start now."""
        return self._decided(now)

    def expect(self, predict: Callable[[Task], tuple[float, float]], now: float) -> list[Decision]:
        """Ask anew what each task that has not begun is expected to take.

        Args:
            predict: gives its ``expected_s`` and its ``again_s``, see ``TaskSpec``.
            now: the time.
        """
        for task in self._tasks.values():
            if not task.under_way:
                task.expected_s, task.again_s = predict(task)
        measure_paths(list(self._tasks.values()))
        self.admission.again()
        return self._decided(now)

    def tick(self, now: float) -> list[Decision]:
        """Time has passed: deadlines and next attempts come due."""
        while self._timetable and self._timetable[0][0] <= now:
            due, _, task = heapq.heappop(self._timetable)
            if task.due != due:
                self._outdated -= 1
                continue
            task.due = None
            if task.state is TaskState.WAITING:
                self._enqueue(task, now)
            elif task.stop is None:
                self._stop(task, TaskState.TIMED_OUT, now)
        return self._decided(now)

    def next_due(self) -> float | None:
        """When ``tick`` is to be called next."""
        while self._timetable:
            due, _, task = self._timetable[0]
            if task.due == due:
                return due
            heapq.heappop(self._timetable)
            self._outdated -= 1
        return None

    def _decided(self, now: float) -> list[Decision]:
        self._admit(now)
        decisions, self._decisions = self._decisions, []
        return decisions

    def _check_dependencies(self, new: Mapping[str, TaskSpec]) -> None:
        inner: dict[str, Sequence[str]] = {}
        for spec in new.values():
            for needed in spec.dependencies:
                if needed not in new and needed not in self._tasks and needed not in self._settled:
                    raise InvalidInput(
                        f"the task {spec.task_id!r} depends on {needed!r}, which nobody registered",
                        cure="Register that first, or together with it",
                    )
            if inside := [needed for needed in spec.dependencies if needed in new]:
                inner[spec.task_id] = inside
        try:
            TopologicalSorter(inner).prepare()
        except CycleError as error:
            names = " → ".join(reversed(error.args[1]))
            raise InvalidInput(
                f"tasks depend on each other in a circle: {names}",
                cure="Take one of these dependencies away",
            ) from None

    def _connect(self, task: Task, now: float) -> None:
        """Tie a new task to its parent and to what it depends on; one may have ended already."""
        if task.state.final:  # something it depends on had failed
            return
        if task.spec.parent:
            _adopt(self._tasks.get(task.spec.parent), task)
        for needed in dict.fromkeys(task.spec.dependencies):
            other = self[needed]
            if not other.state.final:
                task.awaits += 1
                other.dependents = other.dependents or []
                other.dependents.append(task)
            elif other.state is not TaskState.COMPLETED and not _goes_on(task):
                task.awaits = 0
                self._settle(task, _as_dependent(task), now, cause=needed)
                return

    def _enqueue(self, task: Task, now: float) -> None:
        task.ready_at = now
        self._enter(task, TaskState.PENDING)
        self.admission.push(task)

    def _enter(self, task: Task, state: TaskState) -> None:
        task.state = state
        self._changed(task)

    def _admit(self, now: float) -> None:
        while (task := self.admission.next()) is not None:
            if task.under_way:
                self._enter(task, TaskState.RUNNING)
                self._decisions.append(Decision(Action.RESUME, task))
            else:
                self._start(task, now)

    def _start(self, task: Task, now: float) -> None:
        task.under_way = True
        task.attempt += 1
        task.started_at = now
        if task.spec.timeout_s is not None:
            self._set_due(task, now + task.spec.timeout_s)
        self._enter(task, TaskState.RUNNING)
        self._decisions.append(Decision(Action.START, task))

    def _leave(self, task: Task) -> None:
        """An attempt is over: its slot and its deadline are free."""
        if not task.under_way:
            raise Conflict(f"the task {task.spec.task_id!r} is not at work")
        if task.state is TaskState.RUNNING:
            self.admission.release(task)
        task.under_way = False
        self._drop_due(task)

    def _wait_for_next_attempt(self, task: Task, now: float) -> None:
        task.stop = None
        self._enter(task, TaskState.WAITING)
        delay_s = task.spec.retry_delay_s * 2 ** (task.attempt - 1)
        if delay_s > 0:
            self._set_due(task, now + delay_s)
        else:
            self._enqueue(task, now)

    def _cancel(self, task: Task, now: float) -> None:
        marked = [task]
        while marked:
            task = marked.pop()
            if task.children:
                marked += task.children.values()
            if task.state.final:
                continue
            if task.under_way:
                self._stop(task, TaskState.CANCELLED, now)
            else:
                self._settle(task, TaskState.CANCELLED, now)

    def _stop(self, task: Task, how: TaskState, now: float) -> None:
        """Have a task at work end. A cancellation goes before a deadline, as it allows no retry."""
        told = task.stop is not None
        if not told or how is TaskState.CANCELLED:
            task.stop = how
        if not told:
            task.ended_at = now
            self._decisions.append(Decision(Action.STOP, task))

    def _settle(self, task: Task, state: TaskState, now: float, *, cause: str = "") -> None:
        """A task reaches its final state, and with it those that depend on its success."""
        self._close(task, state, now, cause)
        if not task.dependents and not task.children:
            task.parent = None
            return
        ended = [task]
        while ended:
            task = ended.pop()
            for other, how in self._consequences(task, now):
                if not other.state.final:
                    self._close(other, how, now, task.spec.task_id)
                    ended.append(other)
            task.dependents = task.children = task.parent = None

    def _close(self, task: Task, state: TaskState, now: float, cause: str) -> None:
        task.cause, task.ended_at = cause, now
        self._enter(task, state)
        self._drop_due(task)
        self._decisions.append(Decision(Action.SETTLED, task))
        self._remember(task)
        if task.parent is not None and task.parent.children:
            task.parent.children.pop(task.spec.task_id, None)

    def _consequences(self, task: Task, now: float) -> Iterator[tuple[Task, TaskState]]:
        """What ends because a task did, and how; what may go on or has to be stopped is told so."""
        completed = task.state is TaskState.COMPLETED
        for other in task.dependents or ():
            if completed or _goes_on(other):
                self._one_less(other, now)
            else:
                yield other, _as_dependent(other)
        for child in list((task.children or {}).values()):
            if completed:  # who cancels the one above means this one, too
                _adopt(task.parent, child)
            elif child.under_way:
                self._stop(child, TaskState.CANCELLED, now)
            else:
                yield child, TaskState.CANCELLED

    def _one_less(self, task: Task, now: float) -> None:
        task.awaits -= 1
        if not task.awaits and not task.state.final:
            self._enqueue(task, now)

    def _remember(self, task: Task) -> None:
        del self._tasks[task.spec.task_id]
        self._settled[task.spec.task_id] = task
        if len(self._settled) > self._kept:
            self._settled.popitem(last=False)

    def _set_due(self, task: Task, due: float) -> None:
        task.due = due
        heapq.heappush(self._timetable, (due, next(self._entries), task))

    def _drop_due(self, task: Task) -> None:
        if task.due is None:
            return
        task.due = None
        self._outdated += 1
        if self._outdated > SWEEP_FROM and self._outdated * 2 > len(self._timetable):
            self._timetable = [entry for entry in self._timetable if entry[2].due == entry[0]]
            heapq.heapify(self._timetable)
            self._outdated = 0

    def _way(self, start: Task, goal: Task) -> list[str]:
        """The ids from one task to another along what each waits for; empty when there is none."""
        ways: list[tuple[Task, tuple[str, ...]]] = [(start, (start.spec.task_id,))]
        seen = {start.spec.task_id}
        while ways:
            task, names = ways.pop()
            if task is goal:
                return list(names)
            for needed in (*task.spec.dependencies, *task.waits_on):
                other = self._tasks.get(needed)
                if other is not None and needed not in seen:
                    seen.add(needed)
                    ways.append((other, (*names, needed)))
        return []


def _adopt(parent: Task | None, child: Task) -> None:
    child.parent = parent
    if parent is not None:
        parent.children = parent.children or {}
        parent.children[child.spec.task_id] = child


def _goes_on(task: Task) -> bool:
    return task.spec.on_failure is FailurePolicy.RUN_ANYWAY


def _as_dependent(task: Task) -> TaskState:
    """What a task becomes when one that it depends on did not complete."""
    skipped = task.spec.on_failure is FailurePolicy.SKIP
    return TaskState.SKIPPED if skipped else TaskState.FAILED


def _check(spec: TaskSpec) -> None:
    if not spec.task_id:
        raise InvalidInput("a task needs an id that is not empty")
    if spec.timeout_s is not None and not (_is_seconds(spec.timeout_s) and spec.timeout_s):
        raise InvalidInput(
            f"the timeout of the task {spec.task_id!r} is {spec.timeout_s!r} s",
            cure="Give a number above 0, or None for no bound",
        )
    if not _is_count(spec.retries) or not _is_seconds(spec.retry_delay_s):
        raise InvalidInput(
            f"the task {spec.task_id!r} has {spec.retries!r} retries "
            f"after {spec.retry_delay_s!r} s",
            cure="Give a whole number and seconds, none of them negative",
        )


def _is_seconds(seconds: float) -> bool:
    try:  # the callers of public methods may give anything
        return 0 <= seconds < math.inf
    except TypeError:
        return False


def _is_count(number: int) -> bool:
    try:
        return operator.index(number) >= 0
    except TypeError:
        return False
