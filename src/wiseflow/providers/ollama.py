"""Ollama's own API, which unlike its OpenAI-compatible one can be told the length of the context.

Source: Ollama, docs/api.md and docs/faq.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from wiseflow.core.asking import (
    ChatAnswer,
    ChatModel,
    ChatRequest,
    EmbeddingModel,
    Finish,
    KeyTest,
    Vectors,
)
from wiseflow.core.calls import CallKind, Reply, Usage
from wiseflow.core.errors import CallError, ProviderDown
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import tested_key
from wiseflow.providers.keys import bearer, model_names, told_by_models
from wiseflow.providers.openai import as_vectors
from wiseflow.providers.reading import Said, read_answer
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.shapes import count_of, fields_of, items_of, text_of
from wiseflow.providers.statuses import malformed, told_kind
from wiseflow.providers.streaming import LineStream
from wiseflow.providers.thoughts import ThoughtFilter
from wiseflow.text.tokens import estimate_tokens

DEFAULT_BASE: Final = "http://localhost:11434"
FOUND_WITHIN_S: Final = 0.5
MAX_BATCH: Final = 64  # more at once only makes the others wait: it computes one after the other


class OllamaService:
    """An Ollama server.

    Args:
        endpoint: with or without ``/v1`` or ``/api`` at the end of its address. Its options:
            ``num_thread`` (a whole number), ``keep_alive`` (like ``10m``, or seconds),
            ``max_batch``.
        clients: whose client of it is used.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        self._endpoint = plain_base(endpoint)
        self._clients = clients
        self._api = JsonApi(self._endpoint, clients, bearer(endpoint))

    def chat(self, model: str) -> ChatModel:
        """The model of that name, for conversations."""
        return OllamaChat(self._endpoint, self._clients, model)

    def embeddings(self, model: str) -> EmbeddingModel:
        """The model of that name, for vectors."""
        return OllamaEmbeddings(self._endpoint, self._api, model)

    async def test_key(self) -> KeyTest:
        """Whether it answers, by asking for its models. Raises ``CallError``."""
        ask = partial(told_by_models, self._api, "api/tags")
        return await tested_key(self._endpoint, self._clients.clock, ask)

    async def context_tokens(self, model: str) -> int | None:
        """The longest context that a model knows; ``None`` when it is not told.

        Raises:
            CallError: no answer came, or there is no such model.
        """
        reply = await self._api.post("api/show", {"model": model})
        info = fields_of(fields_of(reply.body).get("model_info"))
        told = (value for name, value in info.items() if name.endswith(".context_length"))
        return count_of(next(told, None)) or None


class OllamaChat:
    """One model of a server."""

    def __init__(self, endpoint: Endpoint, clients: HttpClients, model: str) -> None:
        self._endpoint = endpoint
        self._clients = clients
        self._model = model

    async def complete(
        self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None
    ) -> Reply[ChatAnswer]:
        """The next message. Raises ``CallError``.

        It is always streamed: a server that has nothing to send for a while would else be taken
        for one that hangs.
        """
        stream = LineStream(self._endpoint, self._clients, self._model)
        heard = _Heard()
        thoughts = ThoughtFilter()
        async with aclosing(stream.post("api/chat", self._body(request))) as lines:
            async for line in lines:
                self._check(line)
                shown = thoughts.feed(heard.take(line))
                if shown and on_text is not None:
                    on_text(shown)
        if not heard.done:
            raise malformed(self._endpoint, "with an answer that breaks off")
        rest = thoughts.end()
        if rest and on_text is not None:
            on_text(rest)
        return read_answer(self._endpoint, request, heard.said(self._model), stream.allowances)

    def _body(self, request: ChatRequest) -> dict[str, object]:
        options: dict[str, object] = {
            "num_predict": request.max_tokens,
            "temperature": request.temperature,
        }
        if request.context_tokens is not None:
            options["num_ctx"] = request.context_tokens
        threads = count_of(self._endpoint.options.get("num_thread"))
        if threads:
            options["num_thread"] = threads
        body: dict[str, object] = {
            "model": self._model,
            "messages": [{"role": str(m.speaker), "content": m.text} for m in request.messages],
            "stream": True,
            "options": options,
            # Newer servers then refuse what is too long; older ones cut it without a word.
            "truncate": False,
        }
        keep_alive = self._endpoint.options.get("keep_alive")
        if keep_alive not in {None, ""}:
            body["keep_alive"] = keep_alive
        if request.schema is not None:
            body["format"] = dict(request.schema)
        return body

    def _check(self, line: Mapping[str, Any]) -> None:
        """Raise what a line says went wrong after the answer had begun."""
        error = line.get("error")
        if error is None:
            return
        kind = told_kind(text_of(error).encode()) or ProviderDown
        raise kind(
            f"{self._endpoint.provider} at {self._endpoint.address} broke its answer off",
            provider=self._endpoint.provider,
        )


@dataclass(slots=True)
class _Heard:
    """What has come of an answer."""

    texts: list[str] = field(default_factory=list[str])
    model: str = ""
    done: bool = False
    reason: str = ""
    usage: Usage | None = None

    def take(self, line: Mapping[str, Any]) -> str:
        """Keep what a line tells, and give its text."""
        text = text_of(fields_of(line.get("message")).get("content"))
        self.texts.append(text)
        self.model = text_of(line.get("model")) or self.model
        if line.get("done") is True:
            self.done = True
            self.reason = text_of(line.get("done_reason"))
            # The prompt's count is left out when all of it was still in memory.
            prompt, answer = line.get("prompt_eval_count"), line.get("eval_count")
            if count_of(prompt) and count_of(answer):
                self.usage = Usage(input_tokens=count_of(prompt), output_tokens=count_of(answer))
        return text

    def said(self, model: str) -> Said:
        """All of it."""
        return Said(
            text="".join(self.texts),
            model=self.model or model,
            finish=Finish.LENGTH if self.reason == "length" else Finish.STOP,
            usage=self.usage,
        )


class OllamaEmbeddings:
    """A model for vectors."""

    def __init__(self, endpoint: Endpoint, api: JsonApi, model: str) -> None:
        self._endpoint = endpoint
        self._api = api
        self._model = model

    @property
    def max_batch(self) -> int:
        """How many texts one call may hold."""
        return count_of(self._endpoint.options.get("max_batch")) or MAX_BATCH

    async def embed(self, texts: Sequence[str]) -> Reply[Vectors]:
        """A vector for each text. Raises ``CallError``."""
        body: dict[str, object] = {"model": self._model, "input": list(texts)}
        keep_alive = self._endpoint.options.get("keep_alive")
        if keep_alive not in {None, ""}:
            body["keep_alive"] = keep_alive
        reply = await self._api.post("api/embed", body)
        told = fields_of(reply.body)
        counted = count_of(told.get("prompt_eval_count"))
        return Reply(
            value=as_vectors(self._endpoint, items_of(told.get("embeddings")), len(texts)),
            usage=Usage(
                input_tokens=counted or sum(map(estimate_tokens, texts)), bytes=reply.bytes
            ),
            allowances=reply.allowances,
        )


def plain_base(endpoint: Endpoint) -> Endpoint:
    """The endpoint without what others put behind Ollama's address."""
    base = endpoint.base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return replace(endpoint, base_url=base)


async def found(base_url: str = DEFAULT_BASE, *, clients: HttpClients) -> tuple[str, ...]:
    """The models of an Ollama server, if there is one; none when there is not.

    Args:
        base_url: where it would be.
        clients: whose network is used; its time limits are not.
    """
    quick = HttpClients(clients.network, timeout_s=FOUND_WITHIN_S, clock=clients.clock)
    endpoint = plain_base(Endpoint(provider="ollama", base_url=base_url))
    try:
        reply = await JsonApi(endpoint, quick, {}).get("api/tags")
    except CallError:
        return ()
    finally:
        await quick.aclose()
    return model_names(reply.body)


SPEC: Final = ProviderSpec(
    name="ollama",
    kinds=frozenset({CallKind.MODEL, CallKind.EMBED}),
    default_base=DEFAULT_BASE,
    key_required=False,
    make=OllamaService,
    about="models on a server of one's own, by Ollama",
)
