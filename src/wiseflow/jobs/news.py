"""What a step tells while it runs, kept back until its result is journalled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field

from wiseflow.core.holding import Holding
from wiseflow.core.jobs import StepNews


@dataclass(slots=True)
class Told:
    """The events and the progress of one step under way.

    The step's own task and those that it starts find it by ``current_step``; others do not.
    """

    events: list[tuple[str, Mapping[str, object]]] = field(
        default_factory=list[tuple[str, Mapping[str, object]]]
    )
    progress: float | None = None

    def by_this_task(self) -> AbstractContextManager[None]:
        """Make this the current step of the running task."""
        return Holding(_current, self)

    def news(self) -> StepNews:
        """What was told so far."""
        return StepNews(events=tuple(self.events), progress=self.progress)


def current_step() -> Told | None:
    """The step that the running task is in, or ``None``."""
    return _current.get()


_current: ContextVar[Told | None] = ContextVar("wiseflow_current_step", default=None)
