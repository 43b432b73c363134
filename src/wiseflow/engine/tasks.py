"""The engine's front: register functions as tasks, and have them run as limits allow."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any, Self

from wiseflow.core.errors import Cancelled, Conflict, InvalidInput, NotFound
from wiseflow.core.tasks import TaskEvent, TaskKind, TaskRecord, TaskSpec, TaskState
from wiseflow.engine.calls import Failure, Outcome, Success, TaskRequest, spec_of
from wiseflow.engine.processes import ProcessPool
from wiseflow.engine.state import Action, Decision, Scheduler, Task
from wiseflow.engine.threads import StoppableThreads
from wiseflow.engine.work import Work, judged
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)
_current: ContextVar[str] = ContextVar("current_task", default="")

MAX_THREAD_WORKERS = 32
PROCESS_TIMEOUT_S = 24 * 3600.0  # of the pool; a task's own deadline is the scheduler's
STOP_S = 30.0
_NO_KEYWORDS: Mapping[str, Any] = {}


class TaskManager:
    """Runs functions as tasks: asynchronous ones here, others on threads, CPU-bound in processes.

    An asynchronous context manager::

        async with TaskManager() as tasks:
            first = tasks.register_task("read", read, ("a.txt",))
            print(await tasks.result(first))

    Args:
        max_concurrent_tasks: how many tasks may hold a slot at once; as many as there are cores
            times four when ``None``. A task that waits for others by ``result`` holds none.
        max_thread_workers: how many of these on threads.
        max_processes: how many in processes; as many as there are cores when ``None``.
        on_event: is told every change of a task's state, in order, on the event loop.
    """

    def __init__(
        self,
        *,
        max_concurrent_tasks: int | None = None,
        max_thread_workers: int = MAX_THREAD_WORKERS,
        max_processes: int | None = None,
        on_event: Callable[[TaskEvent], None] | None = None,
    ) -> None:
        cores = os.cpu_count() or 1
        total = 4 * cores if max_concurrent_tasks is None else max_concurrent_tasks
        processes = cores if max_processes is None else max_processes
        self._scheduler = Scheduler(
            slots={
                TaskKind.ASYNC: total,
                TaskKind.THREAD: max_thread_workers,
                TaskKind.PROCESS: processes,
            },
            total=total,
            changed=self._tell,
        )
        self._on_event = on_event
        self._threads = StoppableThreads()
        self._processes = ProcessPool(workers=processes, name="tasks", timeout_s=PROCESS_TIMEOUT_S)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._time = time.monotonic
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        # Not a task group: that would wait for ever for a task that does not heed its cancellation.
        self._attempts: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._open = False
        self._home: int | None = None  # the thread of the event loop, once it is initialised
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.join()
        await self.shutdown(timeout_s=0.0)

    @property
    def active_tasks(self) -> list[TaskRecord]:
        """The tasks at work, those that wait for others included."""
        return [self._record(task) for task in self._scheduler if task.under_way]

    @property
    def pending_tasks(self) -> list[TaskRecord]:
        """The tasks that wait: for a slot, for others, or for their next attempt."""
        return [self._record(task) for task in self._scheduler if not task.under_way]

    async def initialize(self) -> None:
        """Take on tasks from now on, on this event loop; a second call does nothing.

        Raises:
            Conflict: it was shut down.
        """
        if self._home is not None and not self._open:
            raise Conflict("the engine was shut down", cure="Make a new TaskManager")
        self._home = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._open = True

    async def join(self) -> None:
        """Return when every task has ended."""
        while len(self._scheduler):
            self._idle.clear()
            await self._idle.wait()

    async def shutdown(self, *, timeout_s: float = STOP_S) -> list[TaskRecord]:
        """Take on nothing more, cancel what waits, and let what runs end within the limit.

        Args:
            timeout_s: then what still runs is cancelled, too.

        Returns:
            The tasks that did not end by themselves, to be done elsewhere or later.
        """
        self._open = False
        left = self._stop_those_that(lambda task: not task.under_way)
        if self._attempts and timeout_s > 0:
            await asyncio.wait(self._attempts, timeout=timeout_s)
        left += self._stop_those_that(lambda _task: True)
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=STOP_S)
        for attempt in self._attempts:
            _log.error("A task does not end although it was cancelled", task=attempt.get_name())
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        self._threads.close()
        await self._processes.close(grace_s=0.0)
        return left

    def register_task(
        self,
        name: str,
        func: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> str:
        """Take on a task; its id. It starts as soon as there is a slot.

        Args:
            name: what people call it; need not be distinct.
            func: what to call: asynchronous, plain, or plain and CPU-bound.
            args: its positional arguments.
            kwargs: its keyword arguments.
            options: the other fields of ``TaskRequest``, such as ``priority`` or ``dependencies``.

        Raises:
            InvalidInput: a field is wrong, or the function cannot be run.
            Conflict: the id is taken, or the engine does not take on tasks.
        """
        try:
            request = TaskRequest(name=name, func=func, args=args, kwargs=kwargs, **options)
        except TypeError as error:
            raise InvalidInput(
                f"a task has no such field: {str(error).rpartition(' ')[2]}",
                cure=f"Fields are: {', '.join(TaskRequest.__dataclass_fields__)}",
            ) from None
        return self.register_tasks([request])[0]

    def register_tasks(self, requests: Iterable[TaskRequest]) -> list[str]:
        """Take on tasks that may depend on each other in any order, all or none; their ids.

        A task that registers others is their parent: when it is cancelled or fails, so are they.

        Raises:
            InvalidInput: a field is wrong, a function cannot be run, or the tasks form a circle.
            Conflict: an id is taken, or the engine does not take on tasks.
        """
        self._check_open()
        self._check_thread()
        parent = _current.get()
        works: dict[str, Work] = {}
        specs: list[TaskSpec] = []
        for request in requests:
            task_id = request.task_id or f"{request.name}#{next(self._numbers)}"
            spec = spec_of(request, task_id=task_id, parent=parent)
            specs.append(spec)
            works[spec.task_id] = Work(request)
        self._act(self._scheduler.submit(specs, self._time(), works))
        return [spec.task_id for spec in specs]

    async def result(self, task_id: str) -> Any:
        """What a task gave, once it has ended. Waiting in a task, its slot is free for others.

        Raises:
            NotFound: there is no such task, or it ended too long ago.
            Cancelled: it was cancelled, or skipped.
            TimeLimit: it took too long.
            Conflict: it waits for the task that asks.
            Exception: whatever it raised, or what that raised because of which it failed.
        """
        await self.wait([task_id])
        task = self._scheduler[task_id]
        while task.cause and task.state is TaskState.FAILED:
            task = self._scheduler[task.cause]
        if task.state is TaskState.COMPLETED:
            return task.work.outcome.value
        if isinstance(task.work.outcome, Failure) and task.state is not TaskState.CANCELLED:
            raise task.work.outcome.error
        raise Cancelled(f"the task {task.work.request.name!r} was {_IN_WORDS[task.state]}")

    async def wait(self, task_ids: Iterable[str]) -> None:
        """Return when these tasks have ended, whatever became of them."""
        asked = map(self._scheduler.__getitem__, task_ids)
        awaited = [task for task in asked if not task.state.final]
        if not awaited:
            return
        asking = self._at_work(_current.get())
        if asking is None:
            await _all_ended(awaited)
            return
        go = self._give_slot_up(asking, awaited)
        try:
            await _all_ended(awaited)
        finally:  # also when only this wait was given up, and the task goes on
            self._take_slot_again(asking, awaited, go)
        await go.wait()

    def cancel(self, task_id: str) -> None:
        """Cancel a task and all that it registered; one that has ended is left as it is.

        Raises:
            NotFound: there is no such task.
        """
        self._check_thread()
        self._act(self._scheduler.cancel(task_id, self._time()))

    def record(self, task_id: str) -> TaskRecord:
        """What is known of a task.

        Raises:
            NotFound: there is no such task, or it ended too long ago.
        """
        return self._record(self._scheduler[task_id])

    def resize(
        self,
        *,
        max_concurrent_tasks: int | None = None,
        max_thread_workers: int | None = None,
        max_processes: int | None = None,
    ) -> None:
        """Change limits; what runs goes on.

        Raises:
            InvalidInput: a limit below 1.
        """
        self._check_thread()
        wanted = {
            TaskKind.ASYNC: max_concurrent_tasks,
            TaskKind.THREAD: max_thread_workers,
            TaskKind.PROCESS: max_processes,
        }
        slots = {kind: limit for kind, limit in wanted.items() if limit is not None}
        self._act(self._scheduler.resize(self._time(), slots=slots, total=max_concurrent_tasks))
        if max_processes is not None:
            self._processes.resize(max_processes)

    def _check_open(self) -> None:
        if not self._open:
            raise Conflict(
                "the engine does not take on tasks: it is not initialised, or was shut down",
                cure="Use it in `async with TaskManager() as tasks:`",
            )

    def _check_thread(self) -> None:
        if self._home not in {None, threading.get_ident()}:
            raise Conflict(
                "the engine is told from another thread than that of its event loop",
                cure="Use loop.call_soon_threadsafe or asyncio.run_coroutine_threadsafe",
            )

    def _stop_those_that(self, are_meant: Callable[[Task], bool]) -> list[TaskRecord]:
        tasks = [task for task in self._scheduler if are_meant(task)]
        for task in tasks:
            self._act(self._scheduler.cancel(task.spec.task_id, self._time()))
        return [self._record(task) for task in tasks]

    def _act(self, decisions: Iterable[Decision]) -> None:
        for action, task in decisions:
            if action is Action.START:
                self._begin(task)
            elif action is Action.SETTLED:
                task.work.settle()
            elif action is Action.STOP:
                self._stop(task)
            else:
                task.work.go.set()
        if not len(self._scheduler):
            self._idle.set()
        self._set_timer()

    def _set_timer(self) -> None:
        due = self._scheduler.next_due()
        if due is None or due >= self._timer_at or self._loop is None:
            return  # the timer that runs comes early enough
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(due, self._tick), due

    def _tick(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self._act(self._scheduler.tick(self._time()))

    def _begin(self, task: Task) -> None:
        assert self._loop is not None
        work: Work = task.work
        work.begun = False
        work.attempt = self._loop.create_task(self._attempt(task), name=work.request.name)
        self._attempts.add(work.attempt)

    def _stop(self, task: Task) -> None:
        work: Work = task.work
        assert work.attempt is not None, "it is at work"
        work.attempt.cancel()
        if not work.begun:  # then it will not make a single step, so it cannot say that it ended
            work.attempt.add_done_callback(lambda _: self._ended(task, None))

    async def _attempt(self, task: Task) -> None:
        """Make the call of a task and tell what came of it; nothing is raised."""
        work: Work = task.work
        work.begun = True
        _current.set(task.spec.task_id)
        request = work.request
        outcome: Outcome | None = None
        try:
            keywords = self._keywords(task)
            if task.spec.kind is TaskKind.ASYNC:
                outcome = Success(await request.func(*request.args, **keywords))
            else:
                outcome = Success(await self._elsewhere(task.spec.kind, request, keywords))
        except Exception as error:  # noqa: BLE001 - a boundary: a task's failure is its own
            outcome = Failure(error)
        finally:
            self._ended(task, outcome)

    async def _elsewhere(
        self, kind: TaskKind, request: TaskRequest, keywords: Mapping[str, Any]
    ) -> Any:
        if kind is TaskKind.THREAD:
            return await self._threads.run(partial(request.func, *request.args, **keywords))
        return await self._processes.run(request.func, *request.args, **keywords)

    def _keywords(self, task: Task) -> Mapping[str, Any]:
        request: TaskRequest = task.work.request
        if not request.results_as:
            return request.kwargs or _NO_KEYWORDS
        others = [self._scheduler[task_id] for task_id in task.spec.dependencies]
        return {
            **(request.kwargs or {}),
            request.results_as: {
                other.spec.task_id: other.work.outcome.value
                for other in others
                if other.state is TaskState.COMPLETED
            },
        }

    def _ended(self, task: Task, outcome: Outcome | None) -> None:
        work: Work = task.work
        if work.attempt is not None:
            self._attempts.discard(work.attempt)
        work.attempt, work.waits = None, ()
        if work.go is not None:
            work.go.set()  # a branch that outlives its task does not wait for a slot
        work.outcome, ending = judged(task, outcome)
        self._act(self._scheduler.ended(task.spec.task_id, ending, self._time()))

    def _at_work(self, task_id: str) -> Task | None:
        """The task of that id while an attempt at it runs; one that has ended holds no slot."""
        try:
            task = self._scheduler[task_id]
        except NotFound:  # none asks, or it ended so long ago that it was forgotten
            return None
        return task if task.under_way else None

    def _give_slot_up(self, task: Task, awaited: Sequence[Task]) -> asyncio.Event:
        """A task waits for others: it holds no slot until the last of its waits is over.

        Returns:
            What is set while it may go on.
        """
        work: Work = task.work
        names = (*work.waits, *(other.spec.task_id for other in awaited))
        decisions = self._scheduler.suspend(task.spec.task_id, names, self._time())
        work.waits = names
        work.go = work.go or asyncio.Event()
        self._act(decisions)
        return work.go

    def _take_slot_again(self, task: Task, awaited: Sequence[Task], go: asyncio.Event) -> None:
        work: Work = task.work
        over = [other.spec.task_id for other in awaited]
        work.waits = tuple((Counter(work.waits) - Counter(over)).elements())
        if work.waits or not task.under_way:
            go.set()  # another branch of it still waits, so this one need not; or it has ended
            return
        go.clear()
        self._act(self._scheduler.resume(task.spec.task_id, self._time()))
        if task.state is TaskState.RUNNING:
            go.set()

    def _tell(self, task: Task) -> None:
        if self._on_event is not None:
            name = task.work.request.name
            event = TaskEvent(self._time(), task.spec.task_id, name, task.state, task.attempt)
            try:
                self._on_event(event)
            except Exception as error:  # noqa: BLE001 - a boundary: a listener's fault is its own
                _log.error("A listener of task events failed", task=name, exc_info=error)

    def _record(self, task: Task) -> TaskRecord:
        spec, begun = task.spec, task.attempt > 0
        until = task.ended_at if task.state.final else self._time()
        return TaskRecord(
            task_id=spec.task_id,
            name=task.work.request.name,
            kind=spec.kind,
            priority=spec.priority,
            run=spec.run,
            parent=spec.parent,
            state=task.state,
            attempts=task.attempt,
            submitted_at=task.submitted_at,
            started_at=task.started_at if begun else None,
            ended_at=task.ended_at if task.state.final else None,
            queue_s=max((task.started_at if begun else until) - task.ready_at, 0.0),
            run_s=max(until - task.started_at, 0.0) if begun else 0.0,
            cause=task.cause,
        )


async def _all_ended(tasks: Iterable[Task]) -> None:
    for task in tasks:
        await task.work.ended()


_IN_WORDS = {
    TaskState.CANCELLED: "cancelled",
    TaskState.SKIPPED: "skipped, as a task that it depends on did not complete",
    TaskState.FAILED: "not run, as a task that it depends on did not complete",
}
