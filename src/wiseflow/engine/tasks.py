"""The engine's front: register functions as tasks, and have them run as limits allow."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, Self

from wiseflow.core.errors import Cancelled, Conflict, InvalidInput
from wiseflow.core.tasks import TaskEvent, TaskKind, TaskRecord, TaskSpec, TaskState
from wiseflow.engine.balancing import Candidate
from wiseflow.engine.calls import Failure, Success, TaskRequest, again_s, kind_of, spec_of
from wiseflow.engine.expecting import Expectations
from wiseflow.engine.machine import usable_cores
from wiseflow.engine.prediction import Predictor
from wiseflow.engine.process_calls import pack
from wiseflow.engine.processes import ProcessPool
from wiseflow.engine.records import record_of
from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.room import Room
from wiseflow.engine.room_watch import RoomWatch
from wiseflow.engine.run_limits import RunLimits
from wiseflow.engine.runner import STOP_S, Runner
from wiseflow.engine.state import KEPT, Task
from wiseflow.engine.waiting import Waiting
from wiseflow.engine.watching import LoopWatch
from wiseflow.engine.work import Work, late
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

MAX_THREAD_WORKERS = 32
PROCESS_TIMEOUT_S = 24 * 3600.0  # of the pool; a task's own deadline is the scheduler's
# Tasks of this pool only wait for others, and hold no slot that those would need.
BRANCHES = "branches"
MOST_BRANCHES = 1_000_000
# A step on the event loop that takes longer holds up all others, and is named in the log.
BLOCKED_S = 2.0


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
        predictor: learns what tasks take, and so orders those that wait; one of its own when
            ``None``.
        resources: watches the machine; while it finds no room, nothing new begins. ``None`` is no
            bound but the slots.
        blocked_s: a task whose step on the event loop takes longer, in seconds, is named in the
            log.
        kept: so many tasks that have ended are remembered with their results, the last ones.
    """

    def __init__(
        self,
        *,
        max_concurrent_tasks: int | None = None,
        max_thread_workers: int = MAX_THREAD_WORKERS,
        max_processes: int | None = None,
        on_event: Callable[[TaskEvent], None] | None = None,
        predictor: Predictor | None = None,
        resources: SmartResourceManager | None = None,
        blocked_s: float = BLOCKED_S,
        kept: int = KEPT,
    ) -> None:
        cores = usable_cores()
        total = 4 * cores if max_concurrent_tasks is None else max_concurrent_tasks
        processes = cores if max_processes is None else max_processes
        slots = {TaskKind.ASYNC.value: total, TaskKind.THREAD.value: max_thread_workers}
        self._runner = Runner(
            slots=slots, total=total, kept=kept, on_event=on_event, on_end=self._note
        )
        self._scheduler = self._runner.scheduler
        self.predictor = Predictor() if predictor is None else predictor
        self._expectations = Expectations(self.predictor)
        self._own_pool = ProcessPool(workers=processes, name="tasks", timeout_s=PROCESS_TIMEOUT_S)
        self._runner.pools[TaskKind.PROCESS.value] = self._own_pool
        admission = self._scheduler.admission
        admission.add_lane(TaskKind.PROCESS.value, processes, busy=True)
        admission.add_lane(BRANCHES, MOST_BRANCHES, counted=False)
        self._waiting = Waiting(self._runner)
        self._runs = RunLimits(self._runner)
        self._room = None if resources is None else RoomWatch(resources, self._runner)
        self._watch = LoopWatch(blocked_s)
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
    def room(self) -> Room | None:
        """What there is room for, and why nothing begins if so; ``None``: nobody watches."""
        return None if self._room is None else self._room.room

    @property
    def pools(self) -> Mapping[str, ProcessPool]:
        """The pools of worker processes, by name."""
        return self._runner.pools

    @property
    def active_tasks(self) -> list[TaskRecord]:
        """The tasks at work, those that wait for others included."""
        return [record_of(task, self._now()) for task in self._scheduler if task.under_way]

    @property
    def pending_tasks(self) -> list[TaskRecord]:
        """The tasks that wait: for a slot, for others, or for their next attempt."""
        return [record_of(task, self._now()) for task in self._scheduler if not task.under_way]

    async def initialize(self) -> None:
        """Take on tasks from now on, on this event loop; a second call does nothing.

        Raises:
            Conflict: it was shut down.
        """
        if self._home is not None and not self._open:
            raise Conflict("the engine was shut down", cure="Make a new TaskManager")
        self._home = threading.get_ident()
        loop = asyncio.get_running_loop()
        self._runner.open(loop)
        if not self._open:
            self._watch.start(loop)
        self._open = True

    async def join(self) -> None:
        """Return when every task has ended."""
        while len(self._scheduler):
            self._runner.idle.clear()
            await self._runner.idle.wait()

    async def shutdown(self, *, timeout_s: float = STOP_S) -> list[TaskRecord]:
        """Take on nothing more, cancel what waits, and let what runs end within the limit.

        Args:
            timeout_s: then what still runs is cancelled, too.

        Returns:
            The tasks that did not end by themselves, to be done elsewhere or later.
        """
        self._open = False
        attempts = self._runner.attempts
        left = self._stop_those_that(lambda task: not task.under_way)
        if attempts and timeout_s > 0:
            await asyncio.wait(attempts, timeout=timeout_s)
        left += self._stop_those_that(lambda _task: True)
        if attempts:
            await asyncio.wait(attempts, timeout=STOP_S)
        for attempt in attempts:
            _log.error("A task does not end although it was cancelled", task=attempt.get_name())
        self._watch.stop()
        self._runs.forget()
        if self._room is not None:
            await self._room.stop()
        self._runner.close()
        await self._own_pool.close(grace_s=0.0)
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
                cure=f"Fields are: {', '.join(TaskRequest._fields)}",
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
        asking = self._runner.asking()
        parent = "" if asking is None else asking.spec.task_id
        context = copy_context()
        works: dict[str, Work] = {}
        specs: list[TaskSpec] = []
        for request in requests:
            task_id = request.task_id or f"{request.name}#{next(self._numbers)}"
            kind = kind_of(request.func, cpu_bound=request.cpu_bound)
            if request.pool:
                self._check_pool(request, kind)
            if request.run:
                self._runs.check(request.run)
            expected = self._expectations.of(request)
            specs.append(spec_of(request, kind, expected, task_id=task_id, parent=parent))
            works[task_id] = _work_of(request, kind, context)
        if self._room is not None:
            self._room.look()
        self._runner.act(self._scheduler.submit(specs, self._now(), works))
        return [spec.task_id for spec in specs]

    async def call(self, request: TaskRequest) -> Any:
        """What a new task gives. Nothing of it is remembered then, unless it was given an id.

        Who gives up waiting for it cancels it, and waits for its end.

        Raises:
            InvalidInput, Conflict: as ``register_tasks``.
            Exception: as ``result``.
        """
        task_ids = self.register_tasks([request])
        try:
            return await self.result(task_ids[0])
        finally:
            await self._waiting.withdraw(task_ids)
            self._scheduler.forget(task_ids if not request.task_id else [])

    async def call_all(self, requests: Iterable[TaskRequest]) -> list[Any]:
        """What new tasks give, in their order. They are remembered as after ``call``.

        When one fails, the others are cancelled.

        Raises:
            InvalidInput, Conflict: as ``register_tasks``.
            Exception: as ``result`` of the first that did not complete.
        """
        requests = list(requests)
        task_ids = self.register_tasks(requests)
        try:
            return await self._waiting.all_results(task_ids, self.result)
        finally:
            asked = zip(requests, task_ids, strict=True)
            self._scheduler.forget(name for request, name in asked if not request.task_id)

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
        if task.state is TaskState.TIMED_OUT:
            raise late(task)
        raise Cancelled(f"the task {task.work.request.name!r} was {_IN_WORDS[task.state]}")

    async def wait(self, task_ids: Iterable[str]) -> None:
        """Return when these tasks have ended, whatever became of them."""
        await self._waiting.until_ended(task_ids)

    def cancel(self, task_id: str) -> None:
        """Cancel a task and all that it registered; one that has ended is left as it is.

        Raises:
            NotFound: there is no such task.
        """
        self._check_thread()
        self._runner.act(self._scheduler.cancel(task_id, self._now()))

    def record(self, task_id: str) -> TaskRecord:
        """What is known of a task.

        Raises:
            NotFound: there is no such task, or it ended too long ago.
        """
        return record_of(self._scheduler[task_id], self._now())

    def resize(
        self,
        *,
        max_concurrent_tasks: int | None = None,
        max_thread_workers: int | None = None,
        max_processes: int | None = None,
        pools: Mapping[str, int] | None = None,
    ) -> None:
        """Change limits; what runs goes on, and limits left out stay.

        Args:
            max_concurrent_tasks: of all tasks.
            max_thread_workers: of those on threads.
            max_processes: of those in the engine's own processes.
            pools: how many processes the added pools have from now on, by name.

        Raises:
            InvalidInput: a limit below 1, or a pool that there is not.
        """
        self._check_thread()
        wanted: dict[str, int | None] = {
            TaskKind.ASYNC.value: max_concurrent_tasks,
            TaskKind.THREAD.value: max_thread_workers,
            TaskKind.PROCESS.value: max_processes,
            **(pools or {}),
        }
        slots = {name: limit for name, limit in wanted.items() if limit is not None}
        for name in slots:
            self._check_lane(name)
        self._scheduler.admission.resize(slots, max_concurrent_tasks)
        for name in slots.keys() & self._runner.pools.keys():
            self._runner.pools[name].resize(slots[name])
        self._runner.act(self._scheduler.room_changed(self._now()))

    def weigh(self, run: str, weight: float) -> None:
        """Give a run so many turns for each one of another run of the same priority.

        Raises:
            InvalidInput: the weight is not above 0.
        """
        self._scheduler.admission.weigh(run, weight)

    def limit_run(self, run: str, timeout_s: float | None) -> None:
        """Give all tasks of a run together so long from now on; then they end as timed out.

        Args:
            run: as the tasks name it; tasks that come later are refused when its time is over.
            timeout_s: above 0; ``None`` takes the limit away.

        Raises:
            InvalidInput: the time is not above 0.
            Conflict: the engine does not take on tasks.
        """
        self._check_open()
        self._check_thread()
        self._runs.limit(run, timeout_s)

    async def warm(self, pool: str = "") -> None:
        """Start worker processes now, so that the first CPU-bound tasks need not wait for them.

        Args:
            pool: which ones; "" is the engine's own.

        Raises:
            InvalidInput: there is no such pool.
        """
        name = pool or TaskKind.PROCESS.value
        self._check_lane(name)
        if name in self._runner.pools:
            await self._runner.pools[name].start()

    def add_pool(self, name: str, pool: ProcessPool) -> None:
        """Have CPU-bound tasks that name this pool run in it; who made the pool closes it.

        Among tasks of one priority what began first goes first, and where a worker has at hand what
        the work before left there (see ``turns.in_order_of_beginning``); runs do not take turns.

        Raises:
            Conflict: there is a pool of that name.
        """

        def choose(waiting: Sequence[Task]) -> int:
            return pool.choose([_candidate(task, pool) for task in waiting])

        self._scheduler.admission.add_lane(name, pool.workers, busy=True, choose=choose)
        self._runner.pools[name] = pool

    async def remove_pool(self, name: str) -> None:
        """Have a pool no more; its tasks that have not ended are cancelled, and waited for."""
        await self._waiting.withdraw(
            [task.spec.task_id for task in self._scheduler if task.spec.lane == name]
        )
        self._scheduler.admission.remove_lane(name)
        del self._runner.pools[name]

    def _now(self) -> float:
        return self._runner.time()

    def _note(self, task: Task, run_s: float) -> None:
        """An attempt ended: learn from it, unless it was made to end."""
        work: Work = task.work
        if self._room is not None:
            self._room.look()
        if task.stop is TaskState.CANCELLED:
            return
        learnt = self._expectations.note(
            work.request,
            run_s,
            failed=not isinstance(work.outcome, Success),
            memory_bytes=work.usage.memory_bytes,
        )
        if learnt:
            self._runner.act(self._scheduler.expect(self._predicted, self._now()))

    def _predicted(self, task: Task) -> tuple[float, float]:
        request: TaskRequest = task.work.request
        expected = self._expectations.of(request)
        return expected.seconds, again_s(request, expected)

    def _check_pool(self, request: TaskRequest, kind: TaskKind) -> None:
        fits = kind is TaskKind.ASYNC and request.pool == BRANCHES
        if not fits and not (kind is TaskKind.PROCESS and request.pool in self._runner.pools):
            raise InvalidInput(
                f"the task {request.name!r} cannot run in the pool {request.pool!r}",
                cure="Name a pool that was added, with cpu_bound, or leave it out",
            )

    def _check_lane(self, name: str) -> None:
        if name not in self._scheduler.admission.lanes:
            raise InvalidInput(f"there is no pool {name!r}", cure="Give the name it was added by")

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
            self._runner.act(self._scheduler.cancel(task.spec.task_id, self._now()))
        return [record_of(task, self._now()) for task in tasks]


def _candidate(task: Task, pool: ProcessPool) -> Candidate:
    begun = task.work.begun
    return Candidate(
        task_id=task.spec.task_id,
        predicted_s=task.expected_s or None,
        begun=begun,
        home=pool.home(begun),
    )


def _work_of(request: TaskRequest, kind: TaskKind, context: Context) -> Work:
    packed = None
    if kind is TaskKind.PROCESS and not request.results_as:
        owner = f"the task {request.name!r}"
        packed = pack(request.func, request.args, request.kwargs or {}, of=owner)
    return Work(request, kind, context, packed)


_IN_WORDS = {
    TaskState.CANCELLED: "cancelled",
    TaskState.SKIPPED: "skipped, as a task that it depends on did not complete",
    TaskState.FAILED: "not run, as a task that it depends on did not complete",
}
