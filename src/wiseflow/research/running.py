"""What a mode works with: the run it belongs to, and those who do the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from wiseflow.core.authoring import Author, Retriever
from wiseflow.core.calls import RunContext, Totals
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Configuration
from wiseflow.core.jobs import Lease
from wiseflow.core.ports import Branches, Journal, SourceReader
from wiseflow.research.earlier import Known
from wiseflow.research.time_range import ALWAYS, Period


class Run(Protocol):
    """The job a mode runs in, as far as a mode sees it."""

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
class Commission:
    """What the makers of an author and of a retriever get to know of one research.

    Args:
        configuration: what its user chose.
        context: travels in each of its calls to the outside.
        lease: the right to write to its job's stores.
        period: when what is found was published.
        earlier: what it builds on; ``None`` for a research of its own.
    """

    configuration: Configuration
    context: RunContext
    lease: Lease
    period: Period = ALWAYS
    earlier: Known | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who does the work of one research.

    Args:
        author: plans and writes.
        retriever: finds passages in the research's collection, or on the web.
        sources: gives the stored text that citations are checked against.
        branches: runs what can go on side by side.
        clock: tells how long the run took.
        spent: tells what the research has used so far, outside this machine.
    """

    author: Author
    retriever: Retriever
    sources: SourceReader
    branches: Branches
    clock: Clock
    spent: Callable[[], Totals]
