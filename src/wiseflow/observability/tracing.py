"""Where spans are told, when somebody wants traces; else a context variable is looked at, no more.

A trace is one research: its runs, their steps, the calls of these. Who runs a job begins its trace;
steps and calls find it by the context they run in. What makes the spans is behind ``Tracing``, so
that nothing of it is loaded when there are none.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final, Protocol

from wiseflow.core.holding import Holding

Attribute = str | bool | int | float


class Span(Protocol):
    """Something that takes time."""

    @property
    def wanted(self) -> bool:
        """Whether anybody will see it: else what it would be told need not be found out."""
        ...

    def tell(self, attributes: Mapping[str, Attribute]) -> None:
        """Add what is known of it by now."""
        ...

    def failed(self, error: str) -> None:
        """It did not come to a good end.

        Args:
            error: the name of what went wrong, never its text: that may hold anything.
        """
        ...


class Tracing(Protocol):
    """Makes spans."""

    def root(
        self, trace: str, name: str, attributes: Mapping[str, Attribute]
    ) -> AbstractContextManager[Span]:
        """The first span of what is done for a trace now.

        Args:
            trace: the id of the job; the same id is the same trace, in whatever process.
            name: of the span, one of a few.
            attributes: what is known of it.
        """
        ...

    def span(self, name: str, attributes: Mapping[str, Attribute]) -> AbstractContextManager[Span]:
        """A span within the one that the running task is in."""
        ...


class _NoSpan:
    """Nobody looks."""

    @property
    def wanted(self) -> bool:
        """Nobody will."""
        return False

    def tell(self, attributes: Mapping[str, Attribute]) -> None:
        """Do nothing."""

    def failed(self, error: str) -> None:
        """Do nothing."""


NO_SPAN: Final[Span] = _NoSpan()
_NONE: Final = nullcontext(NO_SPAN)
NOTHING: Final[Mapping[str, Attribute]] = {}
_current: ContextVar[Tracing | None] = ContextVar("wiseflow_tracing", default=None)


def root_span(
    tracing: Tracing | None, trace: str, name: str, attributes: Mapping[str, Attribute]
) -> AbstractContextManager[Span]:
    """Begin a trace, or go on with it; spans inside are of it.

    Args:
        tracing: makes the spans; ``None`` for none.
        trace: see ``Tracing.root``.
        name: see there.
        attributes: see there.
    """
    return _NONE if tracing is None else _traced(tracing, trace, name, attributes)


@contextmanager
def _traced(
    tracing: Tracing, trace: str, name: str, attributes: Mapping[str, Attribute]
) -> Generator[Span]:
    with Holding(_current, tracing), tracing.root(trace, name, attributes) as span:
        yield span


def span(name: str, attributes: Mapping[str, Attribute] = NOTHING) -> AbstractContextManager[Span]:
    """A span, where a trace has begun; an exception that leaves it makes it a failed one."""
    tracing = _current.get()
    return _NONE if tracing is None else tracing.span(name, attributes)
