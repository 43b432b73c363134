"""Jobs: the durable unit of work, its states and its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wiseflow.core.configuration import TaskPriority


class JobStatus(StrEnum):
    """Where a job is in its life."""

    AWAITING_APPROVAL = "awaiting_approval"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more happens to the job by itself."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


class StopReason(StrEnum):
    """Why a job stopped before its natural end."""

    BUDGET = "budget"
    TIME_LIMIT = "time_limit"
    NO_EVIDENCE = "no_evidence"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job to be submitted.

    Args:
        kind: which handler runs it, for instance ``research``.
        payload: the handler's input, as JSON values.
        title: one line for lists (a research's topic).
        priority: who goes first.
        tags: labels to filter by.
        metadata: the submitter's own data, kept as it is.
        batch: the name under which one command submitted several jobs, or "".
        idempotency_key: two submissions with one key make one job; "" for none.
        max_attempts: how often it is started before it counts as failed.
        tenant: whose it is; "" is that of who is at this machine.
        submitter: the id of the API key that asked for it, among whom turns are shared, or "".
    """

    kind: str
    payload: Mapping[str, object]
    title: str = ""
    priority: TaskPriority = TaskPriority.NORMAL
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    batch: str = ""
    idempotency_key: str = ""
    max_attempts: int = 3
    tenant: str = ""
    submitter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is stored.

    Times are seconds since the epoch by the database's clock, or ``None``.

    Args:
        attempt: how often it was started, the current time included.
        lease_owner: the instance that holds it, or "".
        lease_token: grows with every claim; a write with an older one is refused (fencing).
        lease_expires_at: when another instance may take it over.
        delivered_at: when the command that submitted it had handed over its result.
    """

    job_id: str
    kind: str
    payload: Mapping[str, object] = field(default_factory=dict[str, object])
    title: str = ""
    status: JobStatus = JobStatus.PENDING
    priority: TaskPriority = TaskPriority.NORMAL
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    batch: str = ""
    idempotency_key: str = ""
    progress: float = 0.0
    partial: bool = False
    stop_reason: StopReason | None = None
    error: str = ""
    cost: float | None = None
    attempt: int = 0
    max_attempts: int = 1
    cancel_requested: bool = False
    lease_owner: str = ""
    lease_token: int = 0
    lease_expires_at: float | None = None
    created_at: float = 0.0
    started_at: float | None = None
    completed_at: float | None = None
    delivered_at: float | None = None
    tenant: str = ""
    submitter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a job: what every write of a worker must show."""

    job_id: str
    owner: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended."""

    status: JobStatus
    partial: bool = False
    stop_reason: StopReason | None = None
    error: str = ""
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What somebody decided on a job that waited for it; its handler finds it in the journal.

    Args:
        step_key: of the journal, under which it is kept.
        result: what was decided, as JSON text.
        data: of the event ``approved`` that tells it.
    """

    step_key: str
    result: str
    data: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNews:
    """What a step wants known once its result is kept.

    Args:
        events: ``(type, data)`` pairs in order.
        progress: how far the job is then (0.0–1.0), or ``None`` for no change.
    """

    events: tuple[tuple[str, Mapping[str, object]], ...] = ()
    progress: float | None = None

    def __bool__(self) -> bool:
        return bool(self.events) or self.progress is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a job, numbered from 1 within it without gaps."""

    job_id: str
    number: int
    at: float
    type: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; empty fields match all.

    Args:
        tenant: whose; ``None`` for everybody's.
        since, until: bounds on ``created_at``, seconds since the epoch.
        completed_since: the least ``completed_at``, seconds since the epoch.
        mode: of researches, as their configuration has it.
        after: return jobs older than this job id (jobs are listed newest first).
        limit: at most so many (1–10,000).
    """

    statuses: tuple[JobStatus, ...] = ()
    kind: str = ""
    tag: str = ""
    batch: str = ""
    undelivered: bool = False
    tenant: str | None = None
    since: float | None = None
    until: float | None = None
    completed_since: float | None = None
    mode: str = ""
    after: str = ""
    limit: int = 100
