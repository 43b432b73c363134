"""What a handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from wiseflow.core.clock import Clock
from wiseflow.core.errors import Cancelled, LeaseLost, TimeLimit
from wiseflow.core.jobs import Job, Lease, Outcome
from wiseflow.core.ports import EventStore, JobQueue, Journal
from wiseflow.jobs.news import current_step


class StopCause(StrEnum):
    """Why a worker stops a handler."""

    LOST = "lost"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class JobContext:
    """A running job as its handler sees it. It owns the job's ``Journal`` and its events.

    Args:
        job: as it was when it was claimed.
        lease: the right to write.
        journal: of this job.
        queue: where progress is noted.
        events: where events go.
        clock: tells whether the deadline has passed.
        deadline: on the clock's monotonic time; ``None`` for none.
        stop_cause: tells why the worker wants the handler to stop, or ``None``.
    """

    def __init__(
        self,
        *,
        job: Job,
        lease: Lease,
        journal: Journal,
        queue: JobQueue,
        events: EventStore,
        clock: Clock,
        deadline: float | None,
        stop_cause: Callable[[], StopCause | None],
    ) -> None:
        self._job = job
        self._lease = lease
        self._journal = journal
        self._queue = queue
        self._events = events
        self._clock = clock
        self._deadline = deadline
        self._stop_cause = stop_cause

    @property
    def job(self) -> Job:
        """The job, as it was when it was claimed."""
        return self._job

    @property
    def lease(self) -> Lease:
        """The right to write to the job's stores."""
        return self._lease

    @property
    def journal(self) -> Journal:
        """What makes the job's steps happen once."""
        return self._journal

    @property
    def deadline(self) -> float | None:
        """When the job must be done, on the clock's monotonic time; ``None`` for no limit."""
        return self._deadline

    async def emit(self, event_type: str, data: Mapping[str, object]) -> None:
        """Append one numbered event to the job. Raises ``LeaseLost``.

        An event of a step is appended with the step's result, so a step that is run again after a
        crash does not tell it twice.
        """
        if told := current_step():
            told.events.append((event_type, data))
        else:
            await self._events.append(self._lease, [(event_type, data)])

    async def progress(self, fraction: float) -> None:
        """Note how far the job is (0.0–1.0); in a step, with its result. Raises ``LeaseLost``."""
        if told := current_step():
            told.progress = fraction
        else:
            await self._queue.progress(self._lease, fraction)

    def check(self) -> None:
        """Return if the handler may go on.

        Raises:
            Cancelled: somebody asked for the job to stop, or the program is stopping.
            LeaseLost: another worker holds the job now.
            TimeLimit: the job's time is up.
        """
        cause = self._stop_cause()
        if cause is StopCause.LOST:
            raise LeaseLost(self._job.job_id)
        if cause is not None:
            raise Cancelled(f"job {self._job.job_id} was {cause}")
        if self._deadline is not None and self._clock.monotonic() >= self._deadline:
            raise TimeLimit(
                f"job {self._job.job_id} took longer than it may",
                cure="Raise TASK_TIMEOUT, then resume it",
            )


Handler = Callable[[JobContext], Awaitable[Outcome | None]]
