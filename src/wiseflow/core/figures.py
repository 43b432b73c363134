"""What the jobs of all instances come to, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """Jobs by kind.

    Args:
        stored: how many there are, by kind and status.
        waiting: how many of them are pending, by kind and priority.
        oldest_s: for how many seconds the one has waited that could have been begun first, by kind.
        erased: how many there were that are not stored any more, by kind.
        undone: how many endings there were that are not to be seen any more, by kind and status:
            of jobs that were erased, or made pending again.
    """

    stored: Mapping[tuple[str, JobStatus], int] = field(
        default_factory=dict[tuple[str, JobStatus], int]
    )
    waiting: Mapping[tuple[str, TaskPriority], int] = field(
        default_factory=dict[tuple[str, TaskPriority], int]
    )
    oldest_s: Mapping[str, float] = field(default_factory=dict[str, float])
    erased: Mapping[str, int] = field(default_factory=dict[str, int])
    undone: Mapping[tuple[str, JobStatus], int] = field(
        default_factory=dict[tuple[str, JobStatus], int]
    )

    def now(self, kind: str, status: JobStatus) -> int:
        """How many jobs of a kind have a status."""
        return self.stored.get((kind, status), 0)

    def submitted(self, kind: str) -> int:
        """How many jobs of a kind there ever were."""
        stored = sum(count for (one, _), count in self.stored.items() if one == kind)
        return stored + self.erased.get(kind, 0)

    def ended(self, kind: str, status: JobStatus) -> int:
        """How many times a job of a kind ever ended so; it never becomes less."""
        return self.now(kind, status) + self.undone.get((kind, status), 0)


class FiguresReader(Protocol):
    """Reads them."""

    async def figures(self) -> JobFigures:
        """As they are now. Raises ``StorageError``."""
        ...
