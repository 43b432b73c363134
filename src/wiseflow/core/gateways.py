"""The fronts of the gateway, as those see them who ask through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wiseflow.core.asking import (
    ChatAnswer,
    ChatRequest,
    FetchRequest,
    Page,
    SearchAnswer,
    SearchRequest,
    Vectors,
)
from wiseflow.core.calls import RunContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoom:
    """How much a model can take.

    Args:
        context_tokens: of the request and its answer together.
        output_tokens: of the answer alone.
    """

    context_tokens: int
    output_tokens: int


class ModelCalls(Protocol):
    """Asks models, through every stage of the gateway. A model is ``provider:model``."""

    async def complete(
        self,
        request: ChatRequest,
        *,
        model: str,
        context: RunContext,
        step: str,
        closing: bool = False,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatAnswer:
        """The next message of a conversation; the same in a run, once journalled.

        Args:
            request: the conversation.
            model: who is asked first; another may answer, if one stands in for it.
            context: of the run.
            step: names the purpose within the run, for instance ``sections/2/draft``.
            closing: whether it may use what is kept of the budget for writing up.
            on_text: is given the parts of the answer as they come.

        Raises:
            CallError: nobody answered.
            BudgetSpent: the run may spend no more.
            InvalidInput: there is no such provider.
        """
        ...

    def room(self, model: str) -> ModelRoom:
        """How much a model can take; a cautious guess where that is not known."""
        ...

    def count(self, model: str, text: str) -> int:
        """About how many tokens a text has for a model; always as many.

        What a prompt holds depends on it: with what is learnt from answers, a run that is resumed
        would make another prompt than before it stopped, and pay for the same call again.
        """
        ...


class SearchCalls(Protocol):
    """Asks search providers."""

    async def search(
        self,
        request: SearchRequest,
        *,
        provider: str,
        context: RunContext,
        step: str,
        patient: bool = True,
    ) -> SearchAnswer:
        """The results for a query, of the provider or one that stands in for it.

        Args:
            request: what to search for.
            provider: who is asked first.
            context: of the run.
            step: names the purpose within the run.
            patient: whether to wait for an outage to pass when nobody answers.

        Raises:
            CallError: nobody answered.
            BudgetSpent: the run may spend no more.
            InvalidInput: there is no such provider.
        """
        ...


class PageCalls(Protocol):
    """Fetches pages."""

    async def fetch(self, request: FetchRequest, *, context: RunContext, step: str) -> Page:
        """What an address gives. Not journalled: who asks keeps what it needs of it.

        Raises:
            CallError: it cannot be had.
        """
        ...


class EmbeddingCalls(Protocol):
    """Asks models for vectors."""

    async def embed(
        self, texts: Sequence[str], *, model: str, context: RunContext, step: str
    ) -> Vectors:
        """A vector for each text; in as few calls as the provider allows.

        Raises:
            CallError: nobody answered.
            BudgetSpent: the run may spend no more.
        """
        ...
