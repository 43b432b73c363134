"""The steps of one attempt as they are taken: each made once, timed, told, its loss noted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from wiseflow.core.clock import Clock
from wiseflow.core.report import StepSpan
from wiseflow.research.losing import Losses
from wiseflow.research.running import Run

T = TypeVar("T")


class Track:
    """What one attempt does, and has lost.

    Args:
        run: the job it belongs to.
        clock: times its steps, from now on.
    """

    def __init__(self, run: Run, clock: Clock) -> None:
        self.run = run
        self.losses = Losses()
        self._clock = clock
        self._began = clock.monotonic()
        self._timeline: list[StepSpan] = []

    @property
    def timeline(self) -> tuple[StepSpan, ...]:
        """The steps that this attempt made, and when."""
        return tuple(self._timeline)

    @property
    def passed_s(self) -> float:
        """Seconds since the attempt began."""
        return round(self._clock.monotonic() - self._began, 3)

    async def once(
        self, step_key: str, title: str, function: Callable[[], Awaitable[T]], result_type: type[T]
    ) -> T:
        """The result of a step, which is made once.

        Args:
            step_key: of the journal.
            title: of the section or the question, for the timeline.
            function: makes the step.
            result_type: what the journal reads a kept result as.
        """

        async def timed() -> T:
            start_s = self.passed_s
            result = await function()
            self._timeline.append(
                StepSpan(step=step_key, title=title, start_s=start_s, end_s=self.passed_s)
            )
            return result

        self.run.check()
        return await self.run.journal.once(step_key, timed, result_type)

    async def tell(self, event_type: str, **data: object) -> None:
        """Tell what happened."""
        await self.run.emit(event_type, data)

    async def reached(self, fraction: float) -> None:
        """Tell how far the run is, 0–1."""
        await self.run.progress(round(fraction, 3))
