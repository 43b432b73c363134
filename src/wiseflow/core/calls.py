"""A call to the outside, and what travels with it.

A call is one request to a model, a search provider, a web page or an embedder. Every call goes
through the gateway; what it needs of the run it belongs to travels in its ``RunContext``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.limits import Allowance, Need
from wiseflow.core.ports import Journal

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class CallKind(StrEnum):
    """What is asked of the outside."""

    MODEL = "model"
    SEARCH = "search"
    FETCH = "fetch"
    EMBED = "embed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call used.

    Args:
        input_tokens, output_tokens: of a model, as the provider counts them.
        bytes: of the answer.
        cost: in the currency of the price list; ``None`` when no price is known, never 0 then.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    bytes: int = 0
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """In and out together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[T_co]):
    """What an adapter gives: the answer, what it used, and what its headers told.

    Args:
        value: the answer.
        usage: what it used; its cost is ``None``, unless the provider tells it.
        allowances: what the headers told of the key's limits, on success, too.
    """

    value: T_co
    usage: Usage = field(default_factory=Usage)
    allowances: tuple[Allowance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a run has used so far.

    Args:
        calls: answers that were paid for, journalled ones of earlier attempts included.
        tokens: of models, in and out.
        cost: in US dollars; ``None`` when a price was not known.
    """

    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0


class Spending(Protocol):
    """What a run may spend, as its calls see it."""

    @property
    def totals(self) -> Totals:
        """What was used so far."""
        ...

    async def reserve(self, worst: Usage, *, closing: bool = False) -> Reservation:
        """Set aside the most that an attempt may use; waits where others may leave enough.

        Args:
            worst: the most it may use; a cost of ``None`` is unknown.
            closing: whether it may use what is kept back for writing up.

        Raises:
            BudgetSpent: there is not so much left.
            ConfigurationError: money is bounded, and the price is not known.
        """
        ...

    def left_s(self, *, closing: bool = False) -> float | None:
        """How many seconds a call may still take, limits and retries in it; ``None`` for no bound.

        Args:
            closing: whether it may use what is kept back for writing up.
        """
        ...

    def count(self, used: Usage) -> None:
        """Count a call of this run that was paid for in an earlier attempt, or by another run."""
        ...


class Reservation(Protocol):
    """What was set aside for one attempt."""

    def settle(self, used: Usage, *, answered: bool = True) -> None:
        """Count what was used, and give the rest back. The second time it does nothing.

        Args:
            used: by the attempt.
            answered: whether it gave an answer; else it was only paid for.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a call needs to know of the run that makes it.

    Args:
        run_id: the id of its job, or any name outside of one.
        journal: what makes its calls happen once; ``None`` outside of a job.
        spending: what it may spend; ``None`` for no bound.
        deadline: on the clock's monotonic time; ``None`` for none.
        priority: who goes first.
        local_only: whether nothing of it may leave this machine.
        tell: is told what a user may want to see: event type and data.
        tenant: whose it is; nothing of a call is shared with another's.
    """

    run_id: str
    journal: Journal | None = None
    spending: Spending | None = None
    deadline: float | None = None
    priority: TaskPriority = TaskPriority.NORMAL
    local_only: bool = False
    tell: Callable[[str, Mapping[str, object]], Awaitable[None]] | None = None
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request to the outside.

    Args:
        kind: what is asked.
        provider: the name of who is asked.
        model: of the provider; "" where it has none.
        request: what is asked, a record of ``core``.
        result_type: what the answer is, for the journal; ``None`` when it is not journalled.
        need: the most it may take of the key's limits.
        worst: the most it may use of the run's budget.
        context: of the run.
        step: names the purpose in the journal, for instance ``sections/2/draft``.
        closing: whether it belongs to the writing up, for which a part of the budget is kept.
        patient: whether it may wait for an outage to pass; else the run goes on without.
        on_text: is given the parts of a streamed answer, as they come.
    """

    kind: CallKind
    provider: str
    request: Any
    context: RunContext
    model: str = ""
    result_type: type[T] | None = None
    need: Need = field(default_factory=Need)
    worst: Usage = field(default_factory=Usage)
    step: str = ""
    closing: bool = False
    patient: bool = True
    on_text: Callable[[str], None] | None = None
