"""Runs the jobs of a queue, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.errors import StorageError, StorageFull, WiseflowError
from wiseflow.core.jobs import Job, JobStatus, Lease
from wiseflow.core.ports import EventStore, JobQueue, StepStore
from wiseflow.core.waking import WakeUps
from wiseflow.jobs.attempt import SETTLE_S, Attempt, Bench
from wiseflow.jobs.context import Handler, StopCause
from wiseflow.jobs.endings import Ending, of_stop
from wiseflow.jobs.listening import SILENT, JobListener
from wiseflow.jobs.owners import take_over_from_dead
from wiseflow.observability.logs import get_logger
from wiseflow.observability.tracing import Tracing

T = TypeVar("T")

_log = get_logger(__name__)

# So many looks for work may fail in a row, for instance while another program holds the database.
FAILURES_IN_A_ROW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimes:
    """The times of a worker, in seconds.

    Args:
        lease_s: how long a job stays this worker's after its last sign of life.
        heartbeat_s: between signs of life; a wish to cancel a job is noticed then, too.
        poll_s: between looks for work of other processes.
        grace_s: how long steps of running jobs may go on when the worker is told to stop.
        task_timeout_s: how long a job may run at a time; ``None`` for no limit.
        retry_delay_s: before the second attempt at a job; doubles with each further one.
        patience_s: how long looks for work may go on failing before the worker gives up; with 0,
            a few may fail in a row.
    """

    lease_s: float = 30.0
    heartbeat_s: float = 1.0
    poll_s: float = 1.0
    grace_s: float = 5.0
    task_timeout_s: float | None = None
    retry_delay_s: float = 1.0
    patience_s: float = 0.0


class Worker:
    """Claims jobs while it has places free, runs their handlers, and writes how they ended.

    One ``run`` at a time. Everything it starts has ended when ``run`` returns: the jobs' tasks in
    one task group, and in another around it what outlives a cancelled job: the heartbeats and the
    writing of ends.

    Args:
        queue, steps, events: the stores.
        handlers: what runs a job, by its kind; other kinds are not claimed.
        owner: this instance's name, from ``owners.instance_name``.
        concurrency: how many jobs run at once.
        times: how long things may take.
        clock: for sleeping between heartbeats, and for deadlines.
        wake_ups: tell when there may be work; without them it looks every ``poll_s``.
        listener: is told which jobs begin, and what becomes of them.
        tracing: makes spans; ``None`` for none.
    """

    def __init__(
        self,
        *,
        queue: JobQueue,
        steps: StepStore,
        events: EventStore,
        handlers: Mapping[str, Handler],
        owner: str,
        concurrency: int,
        times: WorkerTimes | None = None,
        clock: Clock | None = None,
        wake_ups: WakeUps | None = None,
        listener: JobListener = SILENT,
        tracing: Tracing | None = None,
    ) -> None:
        self._wake_ups = wake_ups
        self._looked: list[asyncio.Event] = []
        self._times = times or WorkerTimes()
        self._bench = Bench(
            queue=queue,
            steps=steps,
            events=events,
            handlers=handlers,
            clock=clock or SystemClock(),
            task_timeout_s=self._times.task_timeout_s,
            retry_delay_s=self._times.retry_delay_s,
            listener=listener,
            tracing=tracing,
        )
        self._queue = queue
        self._owner = owner
        self._concurrency = concurrency
        self._attempts: set[Attempt] = set()
        self._changed = asyncio.Event()
        self._failures = 0
        self._failing_since = 0.0
        self._claimed_until = 0.0

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._attempts)

    @property
    def concurrency(self) -> int:
        """How many jobs run at once at most."""
        return self._concurrency

    def resize(self, concurrency: int) -> None:
        """Run so many jobs at once from now on; running ones are left to end."""
        self._concurrency = concurrency
        self.wake()

    def wake(self) -> None:
        """Look for work now: for those who submitted some in this process."""
        self._changed.set()

    async def run(
        self, *, batch: str = "", until_idle: bool = False, stop: asyncio.Event | None = None
    ) -> None:
        """Run jobs.

        Args:
            batch: run the jobs of this batch only; "" for all.
            until_idle: return once no job of the batch is pending or running, here or elsewhere.
            stop: when it is set, no more jobs are claimed; running ones finish the steps that are
                under way within the grace, and are then given back as pending. Cancelling the
                task gives them back without the grace.

        Raises:
            StorageError: jobs cannot be claimed; what ran was given back as far as possible.
        """
        stop = stop or asyncio.Event()
        failure: WiseflowError | None = None
        async with asyncio.TaskGroup() as around:
            helpers = [
                around.create_task(self._keep_leases(), name="heartbeats of jobs"),
                around.create_task(self._wake_on(stop), name="stop of the worker"),
            ]
            if self._wake_ups is not None:
                waking = self._wake_ups.deliver(self._look)
                helpers.append(around.create_task(waking, name="wake-ups of the worker"))
            try:
                async with asyncio.TaskGroup() as jobs:
                    try:
                        groups = _Groups(jobs, around)
                        await self._claim_until(stop, batch, groups, until_idle=until_idle)
                        for attempt in self._attempts:
                            attempt.hand_over()
                        await self._wait_for_end(self._times.grace_s)
                    except WiseflowError as error:
                        failure = error
                    self._stop_all(StopCause.INTERRUPTED)
            finally:
                # A cancelled task may still wait here: what interrupted jobs have to say is short.
                await self._wait_for_end(SETTLE_S)
                for helper in helpers:
                    helper.cancel()
        if failure is not None:
            raise failure

    async def _claim_until(
        self, stop: asyncio.Event, batch: str, groups: _Groups, *, until_idle: bool
    ) -> None:
        await self._patiently(take_over_from_dead(self._queue), otherwise=0)
        while not stop.is_set():
            # Cleared before looking, so that what changes while we look is not missed.
            self._changed.clear()
            free = self._concurrency - len(self._attempts)
            waiting, self._looked = (self._looked, []) if free > 0 else ([], self._looked)
            claimed = await self._patiently(self._claim_whole(free, batch, groups), otherwise=[])
            for job, lease in claimed:
                self._start(job, lease, groups)
            for looked in waiting:
                looked.set()
            if not self._attempts:
                if until_idle and await self._patiently(self._is_idle(batch), otherwise=False):
                    return
                await self._patiently(take_over_from_dead(self._queue), otherwise=0)
            await self._wait(self._times.poll_s)

    async def _claim_whole(self, free: int, batch: str, groups: _Groups) -> list[tuple[Job, Lease]]:
        """Claim jobs. A cancellation in mid-claim starts what was claimed, to be given back."""
        if free <= 0:
            return []
        claim = groups.around.create_task(self._claim(free, batch), name="claim of jobs")
        try:
            claimed = await asyncio.shield(claim)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    claimed = await claim
                    for job, lease in claimed if isinstance(claimed, list) else ():
                        self._start(job, lease, groups)
            raise
        if isinstance(claimed, StorageError):
            raise claimed
        return claimed

    async def _claim(self, free: int, batch: str) -> list[tuple[Job, Lease]] | StorageError:
        """The claimed jobs; an error as a value, as one that is raised would end the group."""
        self._claimed_until = self._bench.clock.monotonic() + self._times.lease_s
        try:
            claimed = await self._queue.claim(
                self._owner,
                lease_s=self._times.lease_s,
                limit=free,
                kinds=list(self._bench.handlers),
                batch=batch,
            )
        except StorageError as error:
            return error
        self._failures = 0
        return claimed

    async def _is_idle(self, batch: str) -> bool:
        counts = await self._queue.counts(batch=batch)
        return counts[JobStatus.PENDING] + counts[JobStatus.RUNNING] == 0

    async def _patiently(self, call: Awaitable[T], *, otherwise: T) -> T:
        """What the call gives, or ``otherwise`` when it failed in a way that may pass."""
        try:
            return await call
        except StorageError as error:
            self._failures += 1
            if self._gives_up(error):
                raise
            _log.warning("Jobs cannot be claimed now", error=str(error))
            return otherwise

    def _gives_up(self, error: StorageError) -> bool:
        """Whether there is no sense in waiting for the database to be well again."""
        now = self._bench.clock.monotonic()
        if self._failures == 1:
            self._failing_since = now
        if not error.retryable:
            return True
        if self._times.patience_s:
            return now - self._failing_since > self._times.patience_s
        return isinstance(error, StorageFull) or self._failures > FAILURES_IN_A_ROW

    def _start(self, job: Job, lease: Lease, groups: _Groups) -> None:
        attempt = Attempt(job, lease, self._bench, until=self._claimed_until)
        self._attempts.add(attempt)

        # A callback, as a task that is cancelled before it began would write nothing by itself.
        def settle(task: asyncio.Task[Ending]) -> None:
            ending = of_stop(StopCause.INTERRUPTED) if task.cancelled() else task.result()
            groups.around.create_task(
                self._settle(attempt, ending), name=f"end of job {job.job_id}"
            )

        task = groups.jobs.create_task(attempt.run(), name=f"job {job.job_id}")
        task.add_done_callback(settle)

    async def _settle(self, attempt: Attempt, ending: Ending) -> None:
        try:
            await attempt.settle(ending)
        finally:
            self._attempts.discard(attempt)
            self._changed.set()

    def _stop_all(self, cause: StopCause) -> None:
        for attempt in self._attempts:
            attempt.stop(cause)

    async def _keep_leases(self) -> None:
        while True:
            await self._bench.clock.sleep(self._times.heartbeat_s)
            asked = list(self._attempts)
            leases = [attempt.lease for attempt in asked]
            # Counted from before it is asked for: the database counts from later.
            until = self._bench.clock.monotonic() + self._times.lease_s
            try:
                wrong = await self._queue.heartbeat(leases, lease_s=self._times.lease_s)
            except WiseflowError as error:
                # The next one may come through; until then fencing keeps us from doing harm.
                _log.warning("The leases of jobs could not be extended", error=str(error))
                continue
            # Only those asked for: meanwhile a job may have been left and begun again, and that its
            # first lease is over says nothing of its second.
            for attempt in asked:
                if cause := wrong.get(attempt.job.job_id):
                    attempt.stop(StopCause(cause))
                else:
                    attempt.until = until

    async def _look(self) -> None:
        """Look for work as soon as a place is free; return when that was done."""
        looked = asyncio.Event()
        self._looked.append(looked)
        self.wake()
        await looked.wait()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _wait(self, limit_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._changed.wait()

    async def _wait_for_end(self, limit_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self._attempts:
                    self._changed.clear()
                    await self._changed.wait()


@dataclass(frozen=True, slots=True)
class _Groups:
    """The task group of the jobs, and the one around it."""

    jobs: asyncio.TaskGroup
    around: asyncio.TaskGroup
