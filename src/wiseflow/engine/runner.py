"""Does what the scheduler decides: starts attempts, stops them, and tells it what came of them."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any

from wiseflow.core.tasks import TaskEvent, TaskKind, TaskState
from wiseflow.engine.calls import Failure, Outcome, Success, TaskRequest
from wiseflow.engine.decisions import Action, Decision, Task
from wiseflow.engine.process_calls import PackedCall, Usage, pack
from wiseflow.engine.processes import ProcessPool
from wiseflow.engine.state import Scheduler, tell_nobody
from wiseflow.engine.threads import StoppableThreads
from wiseflow.engine.work import Work, judged
from wiseflow.observability.logs import bind_here, get_logger

_log = get_logger(__name__)
_current: ContextVar[tuple[Runner, Task] | None] = ContextVar("current_task", default=None)

STOP_S = 30.0
_NO_KEYWORDS: Mapping[str, Any] = {}


class Runner:
    """The attempts at work, on the event loop, on threads and in worker processes.

    Args:
        slots, total, kept: see ``Scheduler``.
        on_event: is told every change of a task's state.
        on_end: is told of every attempt that ended: the task, and how long the attempt took, in
            seconds.
    """

    def __init__(
        self,
        *,
        slots: Mapping[str, int],
        total: int,
        kept: int,
        on_event: Callable[[TaskEvent], None] | None,
        on_end: Callable[[Task, float], None],
    ) -> None:
        tell = tell_nobody if on_event is None else self._tell
        self.scheduler = Scheduler(slots=slots, total=total, changed=tell, kept=kept)
        self.time: Callable[[], float] = time.monotonic
        self.pools: dict[str, ProcessPool] = {}
        # Not a task group: that would wait for ever for a task that does not heed its cancellation.
        self.attempts: dict[asyncio.Task[None], Task] = {}
        self.idle = asyncio.Event()
        self._on_event = on_event
        self._on_end = on_end
        self._threads = StoppableThreads()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run attempts on this event loop from now on."""
        self._loop = loop
        self.time = loop.time

    def close(self) -> None:
        """Stop the timer and the threads. Attempts have ended, or are left behind."""
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        self._threads.close()

    def act(self, decisions: Iterable[Decision]) -> None:
        """Do what was decided."""
        for action, task in decisions:
            if action is Action.START:
                self._begin(task)
            elif action is Action.SETTLED:
                task.work.settle()
            elif action is Action.STOP:
                self._stop(task)
            else:
                task.work.go.set()
        if not len(self.scheduler):
            self.idle.set()
        due = self.scheduler.next_due()
        if due is not None and due < self._timer_at:
            self._set_timer(due)

    def _set_timer(self, due: float) -> None:
        if self._loop is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(due, self._tick), due

    def _tick(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self.act(self.scheduler.tick(self.time()))

    def _begin(self, task: Task) -> None:
        assert self._loop is not None
        work: Work = task.work
        work.began_at = None
        assert work.context is not None, "it is not settled"
        context: Context = work.context.run(copy_context)
        work.attempt = self._loop.create_task(
            self._attempt(task), name=work.request.name, context=context
        )
        self.attempts[work.attempt] = task

    def _stop(self, task: Task) -> None:
        work: Work = task.work
        assert work.attempt is not None, "it is at work"
        work.attempt.cancel()
        if (
            work.began_at is None
        ):  # then it will not make a single step, so it cannot say that it ended
            work.attempt.add_done_callback(lambda _: self._ended(task, None))

    async def _attempt(self, task: Task) -> None:
        """Make the call of a task and tell what came of it; nothing is raised."""
        work: Work = task.work
        work.began_at = self.time()
        _current.set((self, task))
        bind_here(task=task.spec.task_id)
        request = work.request
        outcome: Outcome | None = None
        try:
            keywords = self._keywords(task) if request.results_as else request.kwargs
            if work.kind is TaskKind.ASYNC:
                outcome = Success(await request.func(*request.args, **(keywords or _NO_KEYWORDS)))
            else:
                outcome = Success(await self._elsewhere(task, keywords or _NO_KEYWORDS))
        except Exception as error:  # noqa: BLE001 - a boundary: a task's failure is its own
            outcome = Failure(error)
        finally:
            self._ended(task, outcome)

    async def _elsewhere(self, task: Task, keywords: Mapping[str, Any]) -> Any:
        work: Work = task.work
        request, work.usage = work.request, Usage()
        if work.kind is TaskKind.THREAD:
            call = partial(request.func, *request.args, **keywords)
            return await self._threads.run(partial(_measured, call, work.usage))
        packed: PackedCall = work.packed or pack(request.func, request.args, keywords)
        return await self.pools[task.spec.lane].perform(packed, work.usage, task.expected_s or None)

    def _keywords(self, task: Task) -> Mapping[str, Any]:
        request: TaskRequest = task.work.request
        others = [self.scheduler[task_id] for task_id in task.spec.dependencies]
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
            self.attempts.pop(work.attempt, None)
        work.attempt = None
        if work.go is not None:
            work.waits = ()
            work.go.set()  # a branch that outlives its task does not wait for a slot
        work.outcome, ending = judged(task, outcome)
        now = self.time()
        decisions = self.scheduler.ended(task.spec.task_id, ending, now)
        self._on_end(task, 0.0 if work.began_at is None else now - work.began_at)
        self.act(decisions)

    def asking(self) -> Task | None:
        """The task of this engine that the caller is a part of, while an attempt at it runs."""
        current = _current.get()
        if current is None or current[0] is not self or not current[1].under_way:
            return None
        return current[1]

    def _tell(self, task: Task) -> None:
        assert self._on_event is not None
        work: Work = task.work
        name, spec = work.request.name, task.spec
        event = TaskEvent(
            self.time(), spec.task_id, name, task.state, task.attempt, spec.run, work.usage.worker
        )
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - a boundary: a listener's fault is its own
            _log.error("A listener of task events failed", task=name, exc_info=error)


def _measured(call: Callable[[], Any], usage: Usage) -> Any:
    """What a call gives; on the thread that it runs on."""
    usage.worker = threading.current_thread().name
    begun_s = time.thread_time()
    try:
        return call()
    finally:
        usage.cpu_s = time.thread_time() - begun_s
