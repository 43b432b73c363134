"""A pool of worker processes: a call that crashes, hangs or eats memory costs itself only.

The caller of ``run`` drives its worker: there are no tasks in the background. An engine asks
``choose`` which of its tasks is next; calls that are made while no worker is free are served as
they came. A worker that was killed is replaced when it is next needed.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ParamSpec, Self, TypeVar, cast

from wiseflow.core.errors import (
    Conflict,
    InvalidInput,
    WorkerCrashed,
    WorkerError,
    WorkerLimit,
    WorkerTimeout,
)
from wiseflow.engine.balancing import AdaptiveLoadBalancer, Candidate, WorkerState
from wiseflow.engine.process_calls import PackedCall, Usage, outcome, pack
from wiseflow.engine.process_channel import Reply, WorkerEnded, WorkerProcess
from wiseflow.engine.process_protocol import Kind, WorkerSetup, frame
from wiseflow.engine.turns import Turns
from wiseflow.observability.logs import get_logger

T = TypeVar("T")
P = ParamSpec("P")

START_TIMEOUT_S = 60.0
KILL_TIMEOUT_S = 10.0
MAX_WAITING = 100_000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """What one call may take.

    Args:
        memory_bytes: address space on top of what an idle worker has; ``None`` is no bound. Linux.
        cpu_s: CPU seconds; ``None`` leaves it to the pool's timeout.
    """

    memory_bytes: int | None = None
    cpu_s: float | None = None


class ProcessPool:
    """Runs functions in worker processes; satisfies ``core.ports.Compute``.

    An asynchronous context manager. Workers start when a call first needs one, or all at once by
    ``start``. A function must be a module's own, and so be found by the worker under its name;
    ``print`` in it goes nowhere.

    Args:
        workers: how many processes there may be, at least 1.
        name: names the pool in logs and errors.
        timeout_s: how long a call may take; its worker is killed then.
        limits: what one call may take.
        environment: added to the workers' environment variables.
        preload: modules a worker imports at its start, so that its first call need not.
    """

    def __init__(
        self,
        *,
        workers: int,
        name: str,
        timeout_s: float,
        limits: ProcessLimits | None = None,
        environment: Mapping[str, str] | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        _check_workers(workers)
        limits = limits or ProcessLimits()
        self._name = name
        self._timeout_s = timeout_s
        self._environment = dict(environment or {})
        self._setup = WorkerSetup(
            preload=tuple(preload),
            memory_bytes=limits.memory_bytes,
            # Without a bound of its own a call cannot pass this one while the pool lives; it ends
            # a worker that is stuck inside C code when the pool has died.
            cpu_s=limits.cpu_s or timeout_s * (os.cpu_count() or 1) + 1,
        )
        self._turns = Turns(
            workers,
            max_waiting=MAX_WAITING,
            refusal=WorkerError(
                f"{MAX_WAITING} calls wait for the worker processes {name!r} already",
                cure="Try again later, or give it more workers",
            ),
            prefer=self._best_place,
        )
        self._balancer = AdaptiveLoadBalancer()
        self._join(workers)
        self._idle: dict[int, WorkerProcess] = {}  # by the place where it works
        self._processes: set[WorkerProcess] = set()
        self._closed = False
        self._told_missing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # After an error nobody waits for what still runs.
        await self.close(grace_s=0.0 if kind else 1.0)

    @property
    def workers(self) -> int:
        """How many processes there may be."""
        return self._turns.limit

    @property
    def busy(self) -> int:
        """How many of them have a call."""
        return self._turns.inside

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers there are now."""
        return [worker.pid for worker in self._processes if worker.exit_code is None]

    async def start(self) -> None:
        """Start all workers now; they get ready while the caller goes on."""
        for place in reversed(self._turns.free):
            if self._closed or place in self._idle or place not in self._turns.free:
                continue
            self._turns.take(place)
            try:
                self._idle[place] = await self._started()
            finally:
                self._turns.give_back(place)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args, **kwargs)`` in a worker process.

        Cancelling the caller kills the worker.

        Raises:
            WorkerCrashed: the worker died during the call.
            WorkerTimeout: the call took longer than ``timeout_s``.
            WorkerLimit: the call went over its memory or CPU limit.
            WorkerError: the function raised something that does not pickle, or the queue is full.
            InvalidInput: the function, an argument or the result does not pickle.
            Conflict: the pool is closed.
            Exception: whatever the function raised.
        """
        return cast("T", await self.perform(pack(function, args, kwargs), Usage()))

    async def perform(
        self, call: PackedCall, usage: Usage, predicted_s: float | None = None
    ) -> object:
        """What a packed call gives; raises as ``run``.

        Args:
            call: to be done.
            usage: gets the worker's name, and what the call took.
            predicted_s: how long it is expected to take, in seconds; ``None`` is unknown.
        """
        if self._closed:
            raise self._closed_error()
        async with self._turns.turn() as place:
            self._balancer.started(place, call, predicted_s, time.monotonic())
            failed = True
            try:
                reply = await self._answered(place, call, usage)
                failed = reply.kind is not Kind.RESULT
            finally:
                self._balancer.ended(place, call, time.monotonic(), failed=failed)
        usage.cpu_s, usage.memory_bytes = reply.cpu_s, reply.memory_bytes or None
        return outcome(call.called, reply)

    def home(self, begun: int) -> int | None:
        """The place of the worker that served a piece of work last (see ``turns.begun``)."""
        return self._turns.home(begun)

    def choose(self, waiting: Sequence[Candidate]) -> int:
        """Which of the calls that wait is to be made next: its place among them."""
        choice = self._balancer.choose(waiting, self._turns.free, time.monotonic())
        return 0 if choice is None else choice.candidate

    def states(self) -> dict[int, WorkerState]:
        """How the workers are, by their places."""
        return self._balancer.states(time.monotonic())

    def resize(self, workers: int) -> None:
        """Change how many workers there may be; calls that run are finished first."""
        _check_workers(workers)
        self._join(workers)
        self._turns.resize(workers)
        self._trim()

    async def close(self, *, grace_s: float = 1.0) -> None:
        """End all workers; none is left behind. Calls that wait are refused.

        Args:
            grace_s: how long calls that run may take to finish; then their workers are killed.
        """
        self._closed = True
        self._turns.refuse_waiting(self._closed_error())
        try:
            async with asyncio.timeout(grace_s):
                await self._turns.empty()
                for worker in self._processes:
                    worker.hang_up()
                await self._all_ended()
        except TimeoutError:
            _log.debug("Worker processes are killed", pool=self._name, workers=len(self._processes))
        finally:
            for worker in self._processes:
                worker.kill()
        async with asyncio.timeout(KILL_TIMEOUT_S):
            await self._all_ended()

    async def _all_ended(self) -> None:
        for worker in list(self._processes):
            await worker.ended()
        self._processes.clear()
        self._idle.clear()

    async def _answered(self, place: int, call: PackedCall, usage: Usage) -> Reply:
        """The answer to one request, from the worker of a place, or a new one."""
        worker = self._idle_at(place) or await self._started()
        usage.worker = f"process {worker.pid}"
        reply: Reply | None = None
        try:
            await self._wait_ready(worker)
            reply = await self._exchanged(worker, call.request)
        except WorkerEnded:
            raise self._death(call.called, worker.exit_code) from None
        except TimeoutError:
            raise WorkerTimeout(f"{call.called} took longer than {self._timeout_s:g} s") from None
        else:
            return reply
        finally:
            self._put_back(place, worker, reply)

    async def _exchanged(self, worker: WorkerProcess, request: bytes) -> Reply:
        worker.send(request)
        async with asyncio.timeout(self._timeout_s):
            return await worker.reply()

    async def _started(self) -> WorkerProcess:
        if self._closed:
            raise self._closed_error()
        self._processes = {worker for worker in self._processes if worker.exit_code is None}
        worker = await WorkerProcess.start(self._environment)
        self._processes.add(worker)
        worker.send(frame(Kind.REQUEST, pickle.dumps(self._setup)))
        return worker

    async def _wait_ready(self, worker: WorkerProcess) -> None:
        if worker.ready:
            return
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                reply = await worker.reply()
        except TimeoutError:
            raise WorkerTimeout(
                f"a worker process of {self._name!r} was not ready after {START_TIMEOUT_S:g} s"
            ) from None
        except WorkerEnded:
            raise WorkerCrashed(
                f"a worker process of {self._name!r} could not start ({_ending(worker.exit_code)})",
                cure="What it wrote to standard error says why",
            ) from None
        if reply.kind is Kind.NOT_READY:
            raise WorkerCrashed(
                f"a worker process of {self._name!r} could not start: {str(reply.body, 'utf-8')}"
            )
        worker.ready = True
        self._tell_missing(cast("list[str]", pickle.loads(reply.body)))  # noqa: S301 - our worker

    def _tell_missing(self, missing: list[str]) -> None:
        if missing and not self._told_missing:
            self._told_missing = True
            _log.warning(
                "This system has no such limit for a process; it is left out",
                pool=self._name,
                limits=missing,
            )

    def _idle_at(self, place: int) -> WorkerProcess | None:
        worker = self._idle.pop(place, None)
        if worker is None or worker.alive:
            return worker
        worker.kill()
        return None

    def _put_back(self, place: int, worker: WorkerProcess, reply: Reply | None) -> None:
        if reply is None or reply.last:
            self._renewed(place)
        if reply is not None and reply.last:
            worker.hang_up()
        elif reply is None or self._closed:
            worker.kill()
        else:
            self._idle[place] = worker
            self._trim()

    def _join(self, workers: int) -> None:
        """Tell the balancer of places it does not know yet."""
        now = time.monotonic()
        for place in range(len(self._balancer.states(now)), workers):
            self._balancer.worker_joined(place, now)

    def _renewed(self, place: int) -> None:
        """The worker of a place is no more; the next one is as good as any."""
        now = time.monotonic()
        self._balancer.worker_died(place, now)
        self._balancer.worker_joined(place, now)

    def _best_place(self, free: Sequence[int], home: int | None) -> int:
        """Where its work is at hand, else where a worker is ready; a slow one only if need be."""
        now = time.monotonic()
        quick = [p for p in free if self._balancer.state(p, now) is not WorkerState.SLOW]
        if home is not None and home in quick:
            return home
        ready = [place for place in quick if place in self._idle]
        return (ready or quick or free)[-1]

    def _trim(self) -> None:
        for place in [place for place in self._idle if place >= self._turns.limit]:
            self._idle.pop(place).hang_up()

    def _death(self, called: str, exit_code: int | None) -> WorkerError:
        if exit_code == -signal.SIGXCPU:
            return WorkerLimit(f"{called} took more than {self._setup.cpu_s:g} s of CPU time")
        return WorkerCrashed(f"the worker process died in {called} ({_ending(exit_code)})")

    def _closed_error(self) -> Conflict:
        return Conflict(f"the worker processes {self._name!r} are closed")


def _check_workers(workers: int) -> None:
    if workers < 1:
        raise InvalidInput(f"{workers} worker processes cannot do anything", cure="Give at least 1")


def _ending(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
