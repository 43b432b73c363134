"""What those who follow jobs read: how far each job's events have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wiseflow.core.jobs import Event, JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a job is.

    Args:
        number: of its last event; 0 before the first.
        status: at the same moment.
    """

    number: int
    status: JobStatus


class EventReader(Protocol):
    """Reads numbered events of jobs."""

    async def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """The events with a number greater than ``after``, oldest first."""
        ...

    async def heads(self, job_ids: Sequence[str]) -> dict[str, Head]:
        """How far the events of jobs have come; one that is not there is left out."""
        ...
