"""Threads for plain functions: watched, resized while they work, never in the way of an exit.

The threads are daemonic: Python does not wait for them at its end, as it does without bound for
those of ``concurrent.futures``. What runs then is given a limited time instead.
"""

from __future__ import annotations

import atexit
import inspect
import itertools
import threading
import time
import weakref
from collections.abc import Callable
from types import FunctionType, TracebackType
from typing import Any, Self, TypeVar

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput, WorkerError
from wiseflow.core.tasks import TaskKind
from wiseflow.engine.calls import kind_of
from wiseflow.engine.stopping import asking
from wiseflow.engine.thread_records import (
    Call,
    History,
    Tally,
    ThreadPoolMetrics,
    ThreadTask,
    WaitingCalls,
)

T = TypeVar("T")

MAX_WORKERS = 32
MAX_WAITING = 100_000
# A thread starts in some 0.1 ms, so one that nothing needed for so long is not worth its stack.
IDLE_S = 60.0
EXIT_S = 5.0
HEED_S = 1.0  # at the program's end, for functions that heed that they are asked to stop
_NO_ARGUMENTS: tuple[tuple[()], dict[str, Any]] = ((), {})
_SPECIAL = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_NORMAL = TaskPriority.NORMAL
_NORMAL_RANK = _NORMAL.rank


class _Worker:
    """A thread, the call it is at, and what it did."""

    __slots__ = ("call", "number", "tally", "wake")

    def __init__(self, number: int, call: Call[Any]) -> None:
        self.number = number
        self.call: Call[Any] | None = call
        self.tally = Tally()
        self.wake = threading.Lock()  # released once when it gets a call, or has to end
        self.wake.acquire()


class ThreadPoolManager:
    """Runs plain functions on threads.

    A context manager, which waits for all calls at the end of its block::

        with ThreadPoolManager(max_workers=4) as pool:
            sizes = [pool.submit(os.path.getsize, name) for name in names]
        print([size.result() for size in sizes])

    Threads start when they are needed, and end when nothing needed them for a while. A function
    runs in a copy of the context of whoever submitted it.

    Args:
        max_workers: how many threads there may be, at least 1.
        max_waiting: how many calls may wait for one.
        name: the threads are named by it and a number from 1.
        idle_s: for how long a thread waits for its next call before it ends, above 0.
        exit_s: for how long at most the end of the program waits for calls; then they are cut off.
    """

    def __init__(
        self,
        max_workers: int = MAX_WORKERS,
        max_waiting: int = MAX_WAITING,
        name: str = "pool",
        *,
        idle_s: float = IDLE_S,
        exit_s: float = EXIT_S,
    ) -> None:
        if max_waiting < 0 or not idle_s > 0:
            raise InvalidInput("max_waiting has to be at least 0, and idle_s above 0")
        self._limit = _at_least_one(max_workers)
        self._max_waiting = max_waiting
        self._name = name
        self._idle_s = idle_s
        self.exit_s = exit_s
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)  # told when nothing is at work any more
        self._open = True
        self._numbers = itertools.count(1)
        self._workers: dict[int, _Worker] = {}
        self._idle: list[_Worker] = []  # the last used is taken first, so others get to their end
        self._busy = 0
        self._calls = WaitingCalls()
        self._waiting = 0
        self._history = History()
        self._before = Tally()  # of threads that have ended
        self._cancelled = 0
        self._sized_at = time.monotonic()
        self._capacity_s = 0.0  # what the threads allowed could have worked before that
        _pools.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.join()
        finally:
            self.shutdown(timeout_s=0.0)

    def submit(
        self, func: Callable[..., T], /, *args: Any, priority: TaskPriority = _NORMAL, **kwargs: Any
    ) -> Call[T]:
        """The future of ``func(*args, **kwargs)``.

        Cancelling it while it waits, it does not run; while it runs, it is asked to stop.

        Args:
            func: a plain function; one with a keyword ``priority`` goes in a ``partial``.
            args: its positional arguments.
            priority: the more urgent go first; one that waits ages, so that none starves.
            kwargs: its keyword arguments.

        Raises:
            InvalidInput: it is no plain function, or there is no such priority.
            Conflict: the pool was shut down.
            WorkerError: too many wait, or the system gives no thread at all.
        """
        # Most are plain at a glance, which spares them a fifth of what submitting costs.
        if type(func) is not FunctionType or func.__code__.co_flags & _SPECIAL or func.__dict__:
            _check_plain(func)
        rank = _NORMAL_RANK if priority is _NORMAL else _rank(priority)
        call = Call(func, (args, kwargs), rank, self._given_up)
        with self._lock:
            self._take_on(call)
        return call

    @property
    def running_tasks(self) -> list[ThreadTask]:
        """The calls at work."""
        with self._lock:
            return self._running()

    @property
    def completed_tasks(self) -> list[ThreadTask]:
        """The last calls that gave something, the oldest first."""
        return self._history.completed

    @property
    def failed_tasks(self) -> list[ThreadTask]:
        """The last calls that raised something, the oldest first."""
        return self._history.failed

    @property
    def pending(self) -> int:
        """How many calls wait for a thread."""
        return self._waiting

    def metrics(self) -> ThreadPoolMetrics:
        """How the pool does."""
        with self._lock:
            now = time.monotonic()
            done = Tally()
            for tally in (self._before, *(worker.tally for worker in self._workers.values())):
                done.add(tally)
            ended = max(done.completed + done.failed, 1)
            running = [task.started_at for task in self._running() if task.started_at is not None]
            worked_s = done.run_s + sum(now - started for started in running)
            capacity_s = self._capacity_s + self._limit * (now - self._sized_at)
            return ThreadPoolMetrics(
                workers=len(self._workers),
                busy=self._busy,
                pending=self._waiting,
                completed=done.completed,
                failed=done.failed,
                cancelled=self._cancelled,
                mean_queue_s=done.queue_s / ended,
                mean_run_s=done.run_s / ended,
                utilisation=worked_s / capacity_s if capacity_s > 0 else 0.0,
            )

    def resize(self, max_workers: int) -> None:
        """Change how many threads there may be. Of fewer, those at work end their calls first.

        Raises:
            InvalidInput: it is below 1.
        """
        limit = _at_least_one(max_workers)
        with self._lock:
            now = time.monotonic()
            self._capacity_s += self._limit * (now - self._sized_at)
            self._limit, self._sized_at = limit, now
            while self._idle and len(self._workers) > limit:
                self._dismiss(self._idle.pop(0))
            while len(self._workers) < limit and (call := self._next_call()) is not None:
                if not self._start(call):
                    self._calls.push_back(self._queued(call))
                    break

    def join(self, timeout_s: float | None = None) -> bool:
        """Return when all calls have ended, or after ``timeout_s``; whether they have."""
        with self._lock:
            return self._quiet.wait_for(self._is_quiet, timeout_s)

    def shutdown(self, *, timeout_s: float = EXIT_S) -> list[ThreadTask]:
        """Take on nothing more, and let the calls that there are end within the limit.

        Args:
            timeout_s: then those that wait are cancelled, and those that run are asked to stop.

        Returns:
            These, the running ones first. Their threads end with them.
        """
        with self._lock:
            self._open = False
            self._quiet.wait_for(self._is_quiet, timeout_s)
            running = [worker.call for worker in self._workers.values() if worker.call is not None]
            waiting = list(iter(self._calls.take, None))
            while self._idle:
                self._dismiss(self._idle.pop())
        left = [call.record() for call in (*running, *waiting) if not call.done()]
        for call in (*running, *waiting):
            call.cancel()
        return left

    def _take_on(self, call: Call[Any]) -> None:
        if not self._open:
            raise Conflict(
                f"the thread pool {self._name!r} was shut down", cure="Make a new ThreadPoolManager"
            )
        call.task_id = next(self._numbers)
        if self._idle:
            self._hand_over(self._idle.pop(), call)
        elif len(self._workers) >= self._limit or not self._start(call):
            if self._waiting >= self._max_waiting:
                raise WorkerError(
                    f"{self._waiting} calls wait for the thread pool {self._name!r} already",
                    cure="Try again later, or give it more workers",
                )
            self._calls.push(self._queued(call))

    def _queued(self, call: Call[Any]) -> Call[Any]:
        self._waiting += 1
        call.startable = True
        return call

    def _hand_over(self, worker: _Worker, call: Call[Any]) -> None:
        self._busy += 1
        worker.call = call
        worker.wake.release()

    def _start(self, call: Call[Any]) -> bool:
        """Begin a thread with a call; ``False``: the system gives no more, but others will come."""
        number = next(number for number in itertools.count(1) if number not in self._workers)
        worker = self._workers[number] = _Worker(number, call)
        self._busy += 1
        thread = threading.Thread(
            target=self._work, args=(worker,), name=f"{self._name}-{number}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._busy -= 1
            del self._workers[number]
            if not self._workers:
                raise WorkerError(
                    f"the system gives no thread to the pool {self._name!r}",
                    cure="Allow the program more threads or memory",
                ) from error
            return False
        return True

    def _work(self, worker: _Worker) -> None:
        while worker.call is not None:
            self._make(worker.call, worker.tally)
            self._go_on(worker)

    def _make(self, call: Call[Any], tally: Tally) -> None:
        """Make a call and tell its future what came of it; nothing is raised."""
        if not call.set_running_or_notify_cancel():
            with self._lock:
                self._cancelled += 1
            return
        call.started_at = started = time.monotonic()
        value, error = None, None
        try:
            value = call.context.run(_called, call)
        except BaseException as raised:  # noqa: BLE001 - a boundary: whatever it is, it is the call's
            error = raised
        # Before the future is told, so that who has the result finds the record.
        ended = time.monotonic()
        self._history.add(call, ended, error)
        tally.queue_s += started - call.ready_at
        tally.run_s += ended - started
        if error is None:
            tally.completed += 1
            call.set_result(value)
        else:
            tally.failed += 1
            call.set_exception(error)
            error = None  # its traceback holds this frame, which would hold it

    def _go_on(self, worker: _Worker) -> None:
        """Give a worker its next call, after a wait if there is none now; ``None`` is to end."""
        with self._lock:
            self._busy -= 1
            worker.call = None
            if len(self._workers) > self._limit:
                return self._leave(worker)
            if (call := self._next_call()) is not None:
                self._busy += 1
                worker.call = call
                return None
            if not self._open:
                return self._leave(worker)
            self._idle.append(worker)
            if not self._busy:
                self._quiet.notify_all()
        return self._wait(worker)

    def _wait(self, worker: _Worker) -> None:
        while not worker.wake.acquire(timeout=self._idle_s):
            with self._lock:
                if worker in self._idle:  # if not, it was just handed a call
                    self._idle.remove(worker)
                    return self._leave(worker)
        return None

    def _leave(self, worker: _Worker) -> None:
        del self._workers[worker.number]
        self._before.add(worker.tally)
        if not self._busy:
            self._quiet.notify_all()

    def _dismiss(self, worker: _Worker) -> None:
        self._leave(worker)
        worker.wake.release()

    def _next_call(self) -> Call[Any] | None:
        """The next call that waits, taken from the queue; from now on it is its worker's."""
        call = self._calls.take() if self._waiting else None
        if call is not None:
            self._waiting -= 1
            call.startable = False
        return call

    def _given_up(self, call: Call[Any]) -> None:
        with self._lock:
            if not call.startable:  # it is a worker's, which will notice; or this was told before
                return
            call.startable = False
            self._waiting -= 1
            self._cancelled += 1
            if self._is_quiet():
                self._quiet.notify_all()
        call.set_running_or_notify_cancel()  # tells who waits for several futures

    def _is_quiet(self) -> bool:
        return not self._busy and not self._waiting

    def _running(self) -> list[ThreadTask]:
        calls = [worker.call for worker in self._workers.values()]
        return [call.record() for call in calls if call is not None]


def _called(call: Call[T]) -> T:
    asking.set(call)
    args, kwargs = call.arguments
    call.arguments = _NO_ARGUMENTS  # a future that is kept does not keep them
    return call.func(*args, **kwargs)


def _check_plain(function: object) -> None:
    if kind_of(function, cpu_bound=False) is TaskKind.ASYNC:
        raise InvalidInput(
            f"{function!r} is asynchronous, so it cannot run on a thread of this pool",
            cure="Register it with a TaskManager, or give a plain function",
        )


def _rank(priority: TaskPriority | str) -> int:
    try:
        return TaskPriority(priority).rank
    except ValueError:
        raise InvalidInput(
            f"{priority!r} is no priority", cure=f"Give one of: {', '.join(TaskPriority)}"
        ) from None


def _at_least_one(workers: int) -> int:
    if workers < 1:
        raise InvalidInput(
            f"a thread pool cannot have {workers} workers",
            cure="Give at least 1; shut it down to have none",
        )
    return workers


_pools: weakref.WeakSet[ThreadPoolManager] = weakref.WeakSet()


def _end_of_program() -> None:
    """Let calls end within the limits of their pools; Python cuts off those that do not."""
    begun = time.monotonic()
    pools = list(_pools)
    for pool in pools:
        pool.shutdown(timeout_s=max(begun + pool.exit_s - time.monotonic(), 0.0))
    asked = time.monotonic()
    for pool in pools:
        pool.join(timeout_s=max(asked + min(HEED_S, pool.exit_s) - time.monotonic(), 0.0))


atexit.register(_end_of_program)
