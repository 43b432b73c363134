"""The ports: what each floor needs of another, cut by who calls it.

Adapters live in ``storage`` and ``engine``; ``app`` is the only place that joins the two.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ParamSpec, Protocol, TypeVar

from wiseflow.core.documents import Passage, Source
from wiseflow.core.jobs import (
    Approval,
    Event,
    Job,
    JobFilter,
    JobRequest,
    JobStatus,
    Lease,
    Outcome,
    StepNews,
    StopReason,
)
from wiseflow.core.library import (
    Collection,
    FileRecord,
    IndexChange,
    KeptPage,
    StoredFile,
    StoredSource,
)
from wiseflow.core.limits import Dimension, LeaseAsk, Leased, LeaseReturn, LimitKey, SlotAsk

T = TypeVar("T")
P = ParamSpec("P")


class Journal(Protocol):
    """What makes a step of a job happen once."""

    async def once(
        self, step_key: str, function: Callable[[], Awaitable[T]], result_type: type[T]
    ) -> T:
        """The result of the step: the journalled one, or else that of ``function``, journalled.

        Args:
            step_key: names the step within its job, for instance ``sections/2/draft``.
            function: does the step; not called when its result is journalled.
            result_type: what the result is, so that a journalled one reads back as an equal value.

        Raises:
            LeaseLost: another worker holds the job now; nothing was written.
        """
        ...

    def kept(self, prefix: str, result_type: type[T]) -> list[T]:
        """What is journalled under keys that begin with ``prefix``.

        Args:
            prefix: of the step keys.
            result_type: what to read of each result; what a result has besides is passed over.
        """
        ...


class StepStore(Protocol):
    """Journalled results, as JSON text."""

    async def steps(self, job_id: str) -> dict[str, str]:
        """All journalled results of a job by step key."""
        ...

    async def record(
        self, lease: Lease, step_key: str, result: str, *, news: StepNews | None = None
    ) -> None:
        """Keep a step's result, once, if the lease still holds: checked and written as one.

        Args:
            lease: the right to do so.
            step_key: names the step.
            result: of the step, as JSON text.
            news: what happened in it, kept in the same transaction: all of it or nothing.

        Raises:
            LeaseLost: the lease's token is not the job's any more.
        """
        ...


class EventStore(Protocol):
    """Numbered events of jobs."""

    async def append(
        self, lease: Lease, events: Sequence[tuple[str, Mapping[str, object]]]
    ) -> None:
        """Append ``(type, data)`` pairs in order.

        Raises:
            LeaseLost: the lease's token is not the job's any more.
        """
        ...

    async def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """The events with a number greater than ``after``, oldest first."""
        ...


class JobReader(Protocol):
    """Reads jobs."""

    async def get(self, job_id: str) -> Job:
        """One job. Raises ``NotFound``."""
        ...

    async def find(self, prefix: str) -> str:
        """The one job id that begins with ``prefix``.

        Raises:
            NotFound: no job's does.
            InvalidInput: several jobs' do.
        """
        ...

    async def list(self, job_filter: JobFilter) -> list[Job]:
        """Jobs that match, newest first."""
        ...

    async def counts(self, *, batch: str = "", kind: str = "") -> dict[JobStatus, int]:
        """How many jobs there are of each status (all statuses are present)."""
        ...


class JobQueue(JobReader, Protocol):
    """The durable queue."""

    async def submit(self, requests: Sequence[JobRequest]) -> list[str]:
        """Add jobs, all or none; their ids in order.

        A known idempotency key gives the id of the job it made.
        """
        ...

    async def claim(
        self, owner: str, *, lease_s: float, limit: int, kinds: Sequence[str], batch: str = ""
    ) -> list[tuple[Job, Lease]]:
        """Up to ``limit`` of the best jobs: pending ones, and running ones whose lease ran out.

        By priority with ageing, then by age. A job started ``max_attempts`` times already is failed
        instead of claimed. ``batch`` restricts the claim to one command's jobs.
        """
        ...

    async def heartbeat(self, leases: Sequence[Lease], *, lease_s: float) -> dict[str, str]:
        """Extend leases. What is wrong by job id: ``lost`` or ``cancelled`` (asked to stop)."""
        ...

    async def progress(self, lease: Lease, fraction: float) -> None:
        """Note how far the job is (0.0–1.0). Raises ``LeaseLost``."""
        ...

    async def finish(self, lease: Lease, outcome: Outcome) -> None:
        """End a job; one that is to await approval, but was asked to stop, is cancelled.

        Raises:
            LeaseLost: the lease's token is not the job's any more.
        """
        ...

    async def release(self, lease: Lease, stop_reason: StopReason) -> None:
        """Give a running job back as pending; its attempt does not count. Raises ``LeaseLost``."""
        ...

    async def retry(
        self, lease: Lease, error: str, *, delay_s: float = 0.0, counted: bool = True
    ) -> None:
        """Give a job back as pending after an error that may pass, or that others do not have.

        Args:
            lease: the right to do so.
            error: what happened; shown while the job waits.
            delay_s: nobody claims it sooner.
            counted: whether the attempt counts.

        Raises:
            LeaseLost: the lease's token is not the job's any more.
        """
        ...

    async def running_owners(self) -> list[str]:
        """The instances that hold a lease now."""
        ...

    async def expire(self, owner: str) -> int:
        """End the leases of an instance known to be dead; how many there were."""
        ...

    async def cancel(self, job_id: str) -> Job:
        """Cancel a pending job, or ask a running one to stop.

        Raises:
            IllegalTransition: the job has ended.
        """
        ...

    async def resume(self, job_id: str) -> Job:
        """Make a failed or cancelled job pending again, its journal kept.

        A pending or running one stays as it is.

        Raises:
            IllegalTransition: the job is completed.
        """
        ...

    async def approve(self, job_id: str, approval: Approval) -> Job:
        """Make a job that awaits approval pending, and keep what was decided: all of it or nothing.

        Args:
            job_id: of the job.
            approval: kept in the journal, and told as the event ``approved``.

        Raises:
            NotFound: there is no such job.
            IllegalTransition: it does not await approval, or somebody else has just approved it.
        """
        ...

    async def delete(self, job_id: str) -> None:
        """Erase a job, its journal, events and report.

        Raises:
            IllegalTransition: the job is running.
        """
        ...

    async def regroup(self, job_ids: Sequence[str], batch: str) -> None:
        """Make jobs part of another batch, so that one command can run just these."""
        ...

    async def mark_delivered(self, job_ids: Sequence[str]) -> None:
        """Note that the command that submitted these jobs has handed over their results."""
        ...


class ReportStore(Protocol):
    """Reports as JSON text, and which sources they cite."""

    async def save(self, lease: Lease, report: str, *, source_ids: Sequence[str]) -> None:
        """Keep a job's report; a second one replaces the first. Raises ``LeaseLost``."""
        ...

    async def get(self, job_id: str) -> str:
        """A job's report. Raises ``NotFound``."""
        ...


class SourceReader(Protocol):
    """Reads stored documents."""

    async def source(self, source_id: str) -> Source:
        """One stored document. Raises ``NotFound``."""
        ...

    async def sources(self, source_ids: Sequence[str]) -> dict[str, Source]:
        """Those of the stored documents that there are, by id."""
        ...


class PageStore(Protocol):
    """The pages that researches read: sources of no collection, held by those who read them."""

    async def keep(
        self, lease: Lease, url: str, stored: StoredSource | None = None, *, error: str = ""
    ) -> None:
        """Keep what became of a page; what was kept of the address before is replaced.

        Args:
            lease: the right to do so.
            url: where it was asked for, at most 2,000 bytes.
            stored: the page, or what is known of it in its place.
            error: why the page could not be read, or "".

        Raises:
            LeaseLost: the lease's token is not the job's any more; nothing was written.
        """
        ...

    async def kept(self, job_id: str) -> dict[str, KeptPage]:
        """What became of the pages a research wanted, by address."""
        ...

    async def adopt(self, lease: Lease, job_id: str) -> list[str]:
        """Hold, from now on, the sources that another job read or that its report cites.

        A page that it read counts as read by this job, too. What it could not read does not: it may
        be there now.

        Args:
            lease: the right to do so.
            job_id: of the other job; one that is not there has none.

        Returns:
            The ids of those that there are, in one order.

        Raises:
            LeaseLost: the lease's token is not the job's any more; nothing was written.
        """
        ...

    async def pages(self, source_ids: Sequence[str]) -> dict[str, StoredSource]:
        """Those of the sources that there are, by their ids."""
        ...


class CollectionReader(Protocol):
    """Tells of collections."""

    async def is_private(self, collection: str) -> bool:
        """Whether a collection's passages must not leave; one that is not there holds none."""
        ...


class DocumentStore(SourceReader, CollectionReader, Protocol):
    """Collections, the files they were read from, and their sources and passages.

    The database is the truth; the index follows it. A source carries what the index still has to do
    about it, so that a crash between the two is made good by doing it again.
    """

    async def collections(self) -> list[Collection]:
        """All collections by name, with their counts."""
        ...

    async def ensure_collection(self, name: str, *, private: bool = False) -> Collection:
        """The collection of that name, made if there is none."""
        ...

    async def delete_collection(self, name: str) -> None:
        """Erase a collection and its sources; cited sources stay until their reports go.

        Raises:
            NotFound: there is none of that name.
        """
        ...

    async def files(self, collection: str) -> dict[str, FileRecord]:
        """What was last seen of each file of a collection, by absolute path."""
        ...

    async def store(self, collection: str, files: Sequence[StoredFile]) -> None:
        """Replace what the collection holds of these files, all in one transaction."""
        ...

    async def drop(self, collection: str, paths: Sequence[str]) -> int:
        """Forget files and retire their sources; how many sources there were."""
        ...

    async def pending_changes(self, collection: str, *, limit: int) -> IndexChange:
        """What the index has still to add and remove, at most ``limit`` sources of each."""
        ...

    async def changes_applied(self, collection: str, change: IndexChange) -> None:
        """Note that the index has done this; retired sources that no report cites are erased."""
        ...

    async def index_anew(self, collection: str) -> int:
        """Have an index that was emptied add again all it held; how many sources those are."""
        ...

    async def passages(self, source_id: str) -> list[Passage]:
        """The passages of a source in order."""
        ...


class StatisticsStore(Protocol):
    """What was learned of kinds of tasks, as JSON text."""

    async def load(self) -> dict[str, str]:
        """All that is kept, by kind."""
        ...

    async def save(self, learned: Mapping[str, str]) -> None:
        """Keep these, all or none; of a kind that is kept already, the last one saved stays."""
        ...


class LimitStore(Protocol):
    """What instances share their limits by. Each verb is atomic, and time is the store's own.

    What was lent counts as used until its window has passed, whatever became of who has it: so the
    sum never exceeds a limit, also when an instance dies.
    """

    async def lease(self, asks: Sequence[LeaseAsk], *, holder: str) -> Leased:
        """Lend of several limits at once: at least what is needed of each, or nothing.

        A paused key lends nothing.
        """
        ...

    async def give_back(self, returns: Sequence[LeaseReturn], *, holder: str) -> None:
        """Take back what its holder did not use; never more than it was lent and still counts."""
        ...

    async def hold(self, ask: SlotAsk, *, holder: str) -> int:
        """How many calls of a key a holder may have under way from now on.

        It takes the place of what the holder had. While another holder is short, none gets more
        than its part.
        """
        ...

    async def pause(self, key: LimitKey, seconds: float) -> None:
        """Lend nothing of a key for so long; a longer pause stays."""
        ...

    async def learn(self, key: LimitKey, dimension: Dimension, limit: float) -> None:
        """Keep a limit that was found, for the other instances; the last one stays."""
        ...


class Compute(Protocol):
    """Runs CPU-bound functions beside the event loop."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args, **kwargs)`` in another process.

        The function is a module's own and the arguments pickle.

        Raises:
            WorkerError: the worker died, took too long, or went over a limit.
        """
        ...


class Branches(Protocol):
    """Runs the parallel parts of a piece of work."""

    async def all(self, name: str, parts: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """What the parts give, in their order. When one fails, the others are cancelled.

        Args:
            name: what people call such a part.
            parts: asynchronous functions; they mostly wait for what they call.

        Raises:
            Exception: what the first part that failed raised.
        """
        ...


class Download(Protocol):
    """One download that is under way."""

    async def took(self, count: int) -> None:
        """Tell of bytes that have come since the last call, and return when more may."""
        ...


class Downloads(Protocol):
    """Lets only so many downloads be under way, and only so many bytes a second come."""

    def slot(self) -> AbstractAsyncContextManager[Download]:
        """Wait for a place among those under way, and hold it inside."""
        ...
