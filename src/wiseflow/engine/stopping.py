"""A function on a thread cannot be ended from outside; it can be asked to stop."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Askable(Protocol):
    """What knows whether it was asked to stop."""

    @property
    def asked(self) -> bool:
        """Whether it was."""
        ...


asking: ContextVar[Askable | None] = ContextVar("asked_to_stop", default=None)


def asked_to_stop() -> bool:
    """Whether the task that runs here was cancelled or is over its time.

    A function on a thread cannot be ended from outside; one that takes long looks here now and
    then, and returns.
    """
    call = asking.get()
    return call is not None and call.asked
