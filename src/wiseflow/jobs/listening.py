"""Who is told of jobs as they go: metrics, for instance. A listener must not fail, nor wait."""

from __future__ import annotations

from typing import Final, Protocol

from wiseflow.core.jobs import Job
from wiseflow.jobs.endings import Ending


class JobListener(Protocol):
    """Is told what a worker does."""

    def began(self, job: Job) -> None:
        """A job is begun, or begun again.

        Args:
            job: as it was claimed.
        """
        ...

    def left(self, job: Job, ending: Ending, run_s: float) -> None:
        """What became of a job was written.

        Args:
            job: as it was claimed.
            ending: what became of it.
            run_s: how long it ran this time, in seconds.
        """
        ...


class _Silent:
    """Nobody listens."""

    def began(self, job: Job) -> None:
        """Do nothing."""

    def left(self, job: Job, ending: Ending, run_s: float) -> None:
        """Do nothing."""


SILENT: Final[JobListener] = _Silent()
