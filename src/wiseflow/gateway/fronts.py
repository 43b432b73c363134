"""The typed fronts: what is asked becomes a call, and what comes back an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from wiseflow.core.asking import (
    ChatAnswer,
    ChatRequest,
    EmbedRequest,
    FetchRequest,
    Page,
    SearchAnswer,
    SearchRequest,
    Vectors,
)
from wiseflow.core.calls import Call, CallKind, RunContext, Usage
from wiseflow.core.errors import InvalidInput
from wiseflow.core.gateways import ModelRoom
from wiseflow.core.limits import Need
from wiseflow.gateway.chain import Send
from wiseflow.text.tokens import TokenEstimator, estimate_request

PAGES = "pages"  # who is asked for a page: the web, by our own fetcher


class Rooms(Protocol):
    """How much models take."""

    def room(self, provider: str, model: str) -> ModelRoom:
        """How much a model takes; a cautious guess where that is not known."""
        ...


def split_model(name: str) -> tuple[str, str]:
    """Provider and model of ``provider:model``; the model may hold colons.

    Raises:
        InvalidInput: a part is missing.
    """
    provider, colon, model = name.partition(":")
    if not (provider and colon and model):
        raise InvalidInput(
            f"{name!r} names no model", cure="Write provider:model, for instance openai:gpt-4o"
        )
    return provider, model


class Models:
    """Asks models; see ``ModelCalls``.

    Args:
        send: the stages of the gateway.
        tokens: estimates what calls will take, and learns from what they took.
        rooms: how much models take.
    """

    def __init__(self, send: Send, tokens: TokenEstimator, rooms: Rooms) -> None:
        self._send = send
        self._tokens = tokens
        self._rooms = rooms

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
        """The next message of a conversation; see ``ModelCalls.complete``."""
        provider, name = split_model(model)
        if request.context_tokens is None:
            # Always the same, as a server that loads models loads one anew for another.
            context_tokens = self._rooms.room(provider, name).context_tokens
            request = replace(request, context_tokens=context_tokens)
        tokens_in = self._tokens.of_request(request, name)
        worst = Usage(input_tokens=tokens_in, output_tokens=request.max_tokens)
        call: Call[ChatAnswer] = Call(
            kind=CallKind.MODEL,
            provider=provider,
            model=name,
            request=request,
            result_type=ChatAnswer,
            need=Need(tokens=worst.tokens),
            worst=worst,
            context=context,
            step=step,
            closing=closing,
            on_text=on_text,
        )
        reply = await self._send(call)
        if reply.usage.input_tokens:
            estimated = estimate_request(request)
            self._tokens.observe(name, estimated=estimated, counted=reply.usage.input_tokens)
        return reply.value

    def room(self, model: str) -> ModelRoom:
        """How much a model can take."""
        return self._rooms.room(*split_model(model))

    def count(self, model: str, text: str) -> int:
        """About how many tokens a text has for a model; see ``ModelCalls.count``."""
        return self._tokens.always(text, split_model(model)[1])


class Searches:
    """Asks search providers; see ``SearchCalls``."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def search(
        self,
        request: SearchRequest,
        *,
        provider: str,
        context: RunContext,
        step: str,
        patient: bool = True,
    ) -> SearchAnswer:
        """The results for a query; see ``SearchCalls.search``."""
        call: Call[SearchAnswer] = Call(
            kind=CallKind.SEARCH,
            provider=provider,
            request=request,
            result_type=SearchAnswer,
            context=context,
            step=step,
            patient=patient,
        )
        return (await self._send(call)).value


class Pages:
    """Fetches pages; see ``PageCalls``."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def fetch(self, request: FetchRequest, *, context: RunContext, step: str) -> Page:
        """What an address gives; see ``PageCalls.fetch``."""
        call: Call[Page] = Call(
            kind=CallKind.FETCH, provider=PAGES, request=request, context=context, step=step
        )
        return (await self._send(call)).value


class Embeddings:
    """Asks models for vectors; see ``EmbeddingCalls``.

    Args:
        send: the stages of the gateway.
        tokens: estimates what calls will take.
        max_batch: how many texts one call to a model may hold.
    """

    def __init__(
        self, send: Send, tokens: TokenEstimator, max_batch: Callable[[str, str], int]
    ) -> None:
        self._send = send
        self._tokens = tokens
        self._max_batch = max_batch

    async def embed(
        self, texts: Sequence[str], *, model: str, context: RunContext, step: str
    ) -> Vectors:
        """A vector for each text; see ``EmbeddingCalls.embed``."""
        provider, name = split_model(model)
        size = self._max_batch(provider, name)
        found: list[tuple[float, ...]] = []
        for start in range(0, len(texts), size):
            part = tuple(texts[start : start + size])
            tokens = sum(self._tokens.of_text(text, name) for text in part)
            call: Call[Vectors] = Call(
                kind=CallKind.EMBED,
                provider=provider,
                model=name,
                request=EmbedRequest(texts=part),
                result_type=Vectors,
                need=Need(tokens=tokens),
                worst=Usage(input_tokens=tokens),
                context=context,
                step=step,
            )
            found += (await self._send(call)).value.vectors
        return Vectors(vectors=tuple(found))
