"""Researches that are done again and again: what is asked for, and where that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import JobRequest, JobStatus


class Missed(StrEnum):
    """What becomes of due times that nobody was there for."""

    RUN_ONCE = "run_once"
    SKIP = "skip"


class Overlap(StrEnum):
    """What becomes of a due time while the last run is not over."""

    SKIP = "skip"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """What somebody wants done, and when.

    Args:
        name: for people; one of its tenant.
        cron: five fields, or a name such as ``@daily``.
        time_zone: of the clock that ``cron`` is read by, as ``Europe/Berlin``.
        topic: what to research.
        configuration: settings of the research as JSON values, as they were given: what is not
            named is filled in at each run.
        tags: labels of the researches.
        priority: of the researches.
        missed: after a standstill, one run for all missed ones, or none.
        overlap: whether a run is left out while the last one is not over.
        enabled: whether it runs at all.
    """

    name: str
    cron: str
    topic: str
    time_zone: str = "UTC"
    configuration: Mapping[str, object] = field(default_factory=dict[str, object])
    tags: tuple[str, ...] = ()
    priority: TaskPriority = TaskPriority.NORMAL
    missed: Missed = Missed.RUN_ONCE
    overlap: Overlap = Overlap.SKIP
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as it is stored; times are seconds since the epoch by the database's clock.

    Args:
        spec: what is wanted.
        tenant: whose it is.
        submitter: the id of the API key that made it, or "".
        next_at: when it is due; ``None`` while it is not enabled.
        last_at: the due time of its last run.
        last_job_id: the research of its last run, which may have been deleted; or "".
        last_status: how that stands, or stood when it ended; ``None`` before the first run, and
            when it was deleted before its end.
        failures: how many of the last runs in a row have failed.
        overlaps: how many runs were left out, as the one before was not over.
        missed: how many standstills there were with a due time in them.
        error: why the last run could not be submitted, or "".
    """

    schedule_id: str
    spec: ScheduleSpec
    tenant: str = ""
    submitter: str = ""
    created_at: float = 0.0
    next_at: float | None = None
    last_at: float | None = None
    last_job_id: str = ""
    last_status: JobStatus | None = None
    failures: int = 0
    overlaps: int = 0
    missed: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What becomes of a due time: decided on what was read, and kept only if that still holds.

    Args:
        due: the due time, as it was read.
        next_at: the next one.
        runs: whether a research is submitted.
        overlapped: whether it is left out, as the last run is not over.
        missed: whether it came during a standstill.
    """

    due: float
    next_at: float | None
    runs: bool
    overlapped: bool = False
    missed: bool = False


class ScheduleStore(Protocol):
    """Keeps schedules, and submits their researches once."""

    async def now(self) -> float:
        """The time by the clock that schedules go by."""
        ...

    async def add(
        self, spec: ScheduleSpec, *, tenant: str, submitter: str, next_at: float | None
    ) -> Schedule:
        """A new schedule. Raises ``Conflict`` when its tenant has one of that name."""
        ...

    async def get(self, schedule_id: str, *, tenant: str) -> Schedule:
        """One schedule of a tenant, by its id or its name. Raises ``NotFound``."""
        ...

    async def list(self, *, tenant: str, after: str = "", limit: int = 100) -> list[Schedule]:
        """A tenant's schedules, newest first, those older than the id ``after``."""
        ...

    async def change(
        self, schedule_id: str, spec: ScheduleSpec, *, tenant: str, next_at: float | None
    ) -> Schedule:
        """Have a schedule be as given from now on. Raises ``NotFound``, ``Conflict``."""
        ...

    async def delete(self, schedule_id: str, *, tenant: str) -> None:
        """Forget a schedule; its researches stay. Raises ``NotFound``."""
        ...

    async def settle(self) -> int:
        """Note how last runs ended that have ended since; how many."""
        ...

    async def due(self, *, limit: int) -> tuple[float, list[Schedule]]:
        """The time, and the schedules that are due then, the one due longest first."""
        ...

    async def take(
        self, schedule: Schedule, turn: Turn, requests: Sequence[JobRequest], *, error: str = ""
    ) -> str | None:
        """Take a turn, as one: move the schedule on and submit its research.

        Args:
            schedule: as it was read.
            turn: what becomes of the due time.
            requests: its research; none where it does not run.
            error: why it could not be asked for, which counts as a failed run.

        Returns:
            The id of the research, "" for none; ``None`` when somebody else took the turn, or the
            schedule was changed, paused or deleted meanwhile: nothing is written then.
        """
        ...

    async def run_now(self, schedule: Schedule, request: JobRequest) -> str:
        """Submit a research outside its turn and note it as the last; its id.

        Raises ``NotFound`` when the schedule was deleted meanwhile.
        """
        ...
