"""How long a research will still take, from how long those before it took.

What comes after the plan is learnt, by kind of research and number of sections: the plan tells how
much there is to do, and a wait for its approval is not part of it. The estimate is told with the
plan and with each draft, in the step it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Configuration
from wiseflow.core.jobs import Job
from wiseflow.core.ports import Journal
from wiseflow.core.statistics import Estimate
from wiseflow.research.approving import APPROVED_STEP, Planned

ESTIMATE = "estimate"
PLAN, DRAFT = "plan", "draft"
SECTIONS = "sections/"


class Durations(Protocol):
    """Learns how long work takes, and tells what to expect."""

    def observe(self, kind: str, *, duration_s: float, size: float | None = None) -> None:
        """Work of a kind ended after so many seconds."""
        ...

    def estimate(self, kind: str, *, size: float | None = None) -> Estimate | None:
        """What to expect; ``None`` while too little is known."""
        ...


class Unknown:
    """Learns nothing and expects nothing."""

    def observe(self, kind: str, *, duration_s: float, size: float | None = None) -> None:
        """Nothing is learnt."""

    def estimate(self, kind: str, *, size: float | None = None) -> Estimate | None:  # noqa: ARG002
        """Nothing is known."""
        return None


class TimedRun(Protocol):
    """The run of a job, as far as it is timed."""

    @property
    def job(self) -> Job:
        """The job, as it was when it was claimed."""
        ...

    @property
    def deadline(self) -> float | None:
        """When it must be done, on the clock's monotonic time; ``None`` for no limit."""
        ...

    @property
    def journal(self) -> Journal:
        """What makes its steps happen once."""
        ...

    async def emit(self, event_type: str, data: Mapping[str, object]) -> None:
        """Tell what happened. Raises ``LeaseLost``."""
        ...

    async def progress(self, fraction: float) -> None:
        """Tell how far it is (0.0–1.0). Raises ``LeaseLost``."""
        ...

    def check(self) -> None:
        """Go on, or raise ``Cancelled`` or ``LeaseLost``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnyStep:
    """A journalled step, whatever it holds."""


def kind_of(configuration: Configuration) -> str:
    """What researches of about the same time have in common."""
    models = "+".join(configuration.models) or "extractive"
    search = configuration.search_api or "documents"
    return f"research {configuration.research_mode} {search} {models} {configuration.length}"


class EstimatedRun:
    """A run that tells an estimate with its plan and its drafts, and learns when it is done.

    Args:
        run: the run itself.
        durations: what is known of researches before.
        clock: tells how long it is under way.
        configuration: tells the kind of research.
    """

    def __init__(
        self, run: TimedRun, *, durations: Durations, clock: Clock, configuration: Configuration
    ) -> None:
        self._run = run
        self._durations = durations
        self._clock = clock
        self._kind = kind_of(configuration)
        self._sections = 0
        self._begun_s: float | None = None
        # A research that is taken up in its middle says nothing of how long a whole one takes.
        if not run.journal.kept(SECTIONS, _AnyStep):
            for approved in run.journal.kept(APPROVED_STEP, Planned):
                self._begin(len(approved.plan.sections))

    @property
    def job(self) -> Job:
        """The job, as it was when it was claimed."""
        return self._run.job

    @property
    def deadline(self) -> float | None:
        """When it must be done; see ``TimedRun``."""
        return self._run.deadline

    @property
    def journal(self) -> Journal:
        """What makes its steps happen once."""
        return self._run.journal

    async def emit(self, event_type: str, data: Mapping[str, object]) -> None:
        """Tell what happened, and how long it will still take. Raises ``LeaseLost``."""
        await self._run.emit(event_type, data)
        if event_type == PLAN:
            self._begin(len(cast("list[object]", data.get("sections", []))))
        if event_type in {PLAN, DRAFT} and (told := self.remaining()):
            await self._run.emit(ESTIMATE, told)

    async def progress(self, fraction: float) -> None:
        """Tell how far it is (0.0–1.0). Raises ``LeaseLost``."""
        await self._run.progress(fraction)

    def check(self) -> None:
        """Go on, or raise ``Cancelled`` or ``LeaseLost``."""
        self._run.check()

    def remaining(self) -> dict[str, object] | None:
        """Seconds that are left, their range of 90 %, and how many researches tell it.

        ``None`` while too little is known, or before there is a plan.
        """
        if self._begun_s is None:
            return None
        expected = self._durations.estimate(self._kind, size=self._sections or None)
        if expected is None:
            return None
        passed_s = self._clock.monotonic() - self._begun_s
        seconds = (expected.p50_s, expected.low_s, expected.high_s)
        left, low, high = (round(max(0.0, one - passed_s), 1) for one in seconds)
        return {"remaining_s": left, "low_s": low, "high_s": high, "researches": expected.samples}

    def completed(self) -> None:
        """Learn how long it took, if all of it happened in this attempt."""
        if self._begun_s is not None:
            passed_s = self._clock.monotonic() - self._begun_s
            self._durations.observe(self._kind, duration_s=passed_s, size=self._sections or None)

    def _begin(self, sections: int) -> None:
        self._sections = sections
        self._begun_s = self._clock.monotonic()
