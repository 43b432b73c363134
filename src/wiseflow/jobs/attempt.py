"""One start of a job: its handler is run, and what becomes of it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from wiseflow.core.clock import Clock
from wiseflow.core.errors import LeaseLost, StorageError, StorageFull, WiseflowError
from wiseflow.core.jobs import Job, Lease, StopReason
from wiseflow.core.ports import EventStore, JobQueue, StepStore
from wiseflow.engine.compute import on_behalf_of
from wiseflow.engine.turns import in_order_of_beginning
from wiseflow.jobs import endings
from wiseflow.jobs.context import Handler, JobContext, StopCause
from wiseflow.jobs.endings import Drop, Ending, Finish, Leave, Release, Retry
from wiseflow.jobs.journal import StepJournal
from wiseflow.jobs.listening import SILENT, JobListener
from wiseflow.observability.logs import bind_job, get_logger
from wiseflow.observability.tracing import Attribute, Tracing, root_span

_log = get_logger(__name__)

# How long writing a job's end may take: longer than the database's own waits for a lock.
SETTLE_S = 30.0
# Between tries to write it, while the database does not answer.
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
# A job that only a newer version can do is not claimed again for so long, so that one finds it.
LEAVE_S = 5.0
# The lease token of a job's first claim: the token grows with each.
FIRST_CLAIM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every attempt of a worker works with.

    Args:
        queue, steps, events: the stores.
        handlers: by the kind of job.
        clock: for deadlines.
        task_timeout_s: how long a handler may run; ``None`` for no limit.
        retry_delay_s: see ``endings.of_error``.
        listener: is told what begins and ends.
        tracing: makes spans; ``None`` for none.
    """

    queue: JobQueue
    steps: StepStore
    events: EventStore
    handlers: Mapping[str, Handler]
    clock: Clock
    task_timeout_s: float | None
    retry_delay_s: float
    listener: JobListener = SILENT
    tracing: Tracing | None = None


class Attempt:
    """A claimed job.

    Args:
        job: as it was claimed.
        lease: the right to write.
        bench: what it works with.
        until: when the lease ends if it is not extended, on the clock's monotonic time; by this
            process's own clock never later than by the database's.
    """

    def __init__(self, job: Job, lease: Lease, bench: Bench, *, until: float) -> None:
        self.until = until
        self.job = job
        self.lease = lease
        self._bench = bench
        self._cause: StopCause | None = None
        self._task: asyncio.Task[object] | None = None
        self._journal: StepJournal | None = None
        self._handing_over = False
        self._begun: float | None = None

    def hand_over(self) -> None:
        """Have the steps that are under way finished and none begun, then give the job back.

        A handler that begins no step goes on: it may come to its end.
        """
        self._handing_over = True
        if self._journal is not None:
            self._journal.hand_over(self._interrupt)

    def stop(self, cause: StopCause) -> None:
        """Have the handler cancelled for ``cause``.

        A second cause changes nothing, but for a lost lease: then nothing may be written.
        """
        first = self._cause is None
        if first or cause is StopCause.LOST:
            self._cause = cause
        if first and self._task is not None:
            self._task.cancel()

    async def run(self) -> Ending:
        """Run the handler; what is to become of the job. Raises nothing but ``BaseException``s.

        A cancellation that did not come through ``stop`` interrupts the job, too.
        """
        self._task = asyncio.current_task()
        with (
            bind_job(self.job.job_id),
            in_order_of_beginning(),
            on_behalf_of(self.job.job_id, self.job.priority),
            root_span(
                self._bench.tracing, self.job.job_id, f"job {self.job.kind}", self._about()
            ) as span,
        ):
            _log.info("A job begins", kind=self.job.kind, attempt=self.job.attempt)
            self._begun = self._bench.clock.monotonic()
            self._bench.listener.began(self.job)
            ending = await self._ending()
            span.tell({"wiseflow.job.ending": endings.in_words(ending)})
            return ending

    async def _ending(self) -> Ending:
        try:
            return await self._handle()
        except asyncio.CancelledError:
            return endings.of_stop(self._cause or StopCause.INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a boundary: a job's failure is its own
            if self._cause is not None:
                return endings.of_stop(self._cause)
            return self._failed(error)
        finally:
            self._task = None

    def _about(self) -> dict[str, Attribute]:
        return {"wiseflow.job.id": self.job.job_id, "wiseflow.job.attempt": self.job.attempt}

    async def settle(self, ending: Ending) -> None:
        """Write what becomes of the job, again while the database is away for a moment.

        A failure to do so is logged: the lease then runs out.
        """
        with bind_job(self.job.job_id):
            try:
                async with asyncio.timeout(SETTLE_S):
                    await self._write_in_the_end(ending)
                self._tell(ending)
                _log.info("A job is left", ending=endings.in_words(ending))
            except LeaseLost:
                _log.info("The job was taken over by another worker")
            except (WiseflowError, TimeoutError) as error:
                why = str(error) or "no answer in time"
                _log.error("The end of a job could not be written", error=why)

    def _tell(self, ending: Ending) -> None:
        """Tell what became of the job, once that is written; one that never began took no time."""
        now = self._bench.clock.monotonic()
        run_s = 0.0 if self._begun is None else now - self._begun
        self._bench.listener.left(self.job, ending, run_s)

    async def _handle(self) -> Ending:
        bench, limit_s = self._bench, self._bench.task_timeout_s
        if self._cause is not None:
            return endings.of_stop(self._cause)
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                journal = StepJournal(
                    bench.steps, self.lease, await self._journalled(), held=self._held
                )
                self._journal = journal
                if self._handing_over:
                    journal.hand_over(self._interrupt)
                outcome = await bench.handlers[self.job.kind](self._context(journal))
        except TimeoutError:
            if limit.expired():
                return endings.of_time_limit(limit_s)
            raise
        return endings.of_result(outcome)

    def _held(self) -> bool:
        return self._bench.clock.monotonic() < self.until

    def _interrupt(self) -> None:
        self.stop(StopCause.INTERRUPTED)

    async def _journalled(self) -> dict[str, str]:
        """The results of the job's steps; a job that was never claimed before has none."""
        if self.lease.token == FIRST_CLAIM:
            return {}
        return await self._bench.steps.steps(self.job.job_id)

    def _context(self, journal: StepJournal) -> JobContext:
        bench, limit_s = self._bench, self._bench.task_timeout_s
        return JobContext(
            job=self.job,
            lease=self.lease,
            journal=journal,
            queue=bench.queue,
            events=bench.events,
            clock=bench.clock,
            deadline=None if limit_s is None else bench.clock.monotonic() + limit_s,
            stop_cause=lambda: self._cause,
        )

    def _failed(self, error: Exception) -> Ending:
        ending = endings.of_error(error, self.job, self._bench.retry_delay_s)
        told = endings.telling(error)
        if isinstance(ending, Retry):
            _log.warning("A job failed and will be tried again", error=ending.error)
        elif isinstance(ending, Leave):
            _log.warning("A job is left to a newer version", error=ending.error)
        elif not isinstance(told, WiseflowError):
            _log.error("A job failed", exc_info=error)
        return ending

    async def _write_in_the_end(self, ending: Ending) -> None:
        """Write it. To write again what was written, unheard, is refused as a stale write is."""
        for pause_s in PAUSES_S:
            try:
                return await self._write(ending)
            except StorageFull:
                raise
            except StorageError as error:
                if not error.retryable:
                    raise
                _log.warning("The end of a job cannot be written now", error=str(error))
            await self._bench.clock.sleep(pause_s)
        return await self._write(ending)

    async def _write(self, ending: Ending) -> None:
        queue = self._bench.queue
        match ending:
            case Finish(outcome=outcome):
                await queue.finish(self.lease, outcome)
            case Retry(error=error, delay_s=delay_s):
                await queue.retry(self.lease, error, delay_s=delay_s)
            case Leave(error=error):
                await queue.retry(self.lease, error, delay_s=LEAVE_S, counted=False)
            case Release():
                await queue.release(self.lease, StopReason.INTERRUPTED)
            case Drop():
                pass
