"""Triton Inference Server: its OpenAI-compatible front end, and its own protocol.

Which of them an address speaks is told by the option ``protocol`` (``openai``, ``generate`` or
``infer``), or found out by asking for ``/v2``, which only the own protocol has.
(``/v2/health/ready`` would not do: a server that is still loading answers it with 400.)

Source: NVIDIA, Triton user guide ("Generate extension", "OpenAI-compatible frontend"); KServe,
"Predict protocol, version 2".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from wiseflow.core.asking import ChatAnswer, ChatModel, ChatRequest, EmbeddingModel, KeyTest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.core.errors import BadRequest, ConfigurationError
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import Told, tested_key
from wiseflow.providers.keys import bearer, model_names
from wiseflow.providers.openai import OpenAIService
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.triton_native import NativeChat, Protocol

DEFAULT_BASE: Final = "http://localhost:8000"


class TritonService:
    """A Triton server.

    Args:
        endpoint: with or without ``/v1`` or ``/v2`` at the end of its address. Its option
            ``protocol`` is one of ``Protocol``; found out when it is not given.
        clients: whose client of it is used.

    Raises:
        ConfigurationError: the option is none of them.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        self._given = _protocol(endpoint)
        base = endpoint.base_url.rstrip("/").removesuffix("/v1").removesuffix("/v2")
        self._endpoint = replace(endpoint, base_url=base)
        self._openai = OpenAIService(replace(endpoint, base_url=f"{base}/v1"), clients)
        self._clients = clients
        self._api = JsonApi(self._endpoint, clients, bearer(endpoint))
        self._found: Protocol | None = self._given

    def chat(self, model: str) -> ChatModel:
        """The model of that name, for conversations."""
        native = NativeChat(self._endpoint, self._clients, model, protocol=self._given)
        return _FoundOutChat(self, self._openai.chat(model), native)

    def embeddings(self, model: str) -> EmbeddingModel:
        """The model of that name, for vectors, at the OpenAI-compatible front end."""
        return self._openai.embeddings(model)

    async def test_key(self) -> KeyTest:
        """Whether it answers. Raises ``CallError``."""
        if await self.protocol() is Protocol.OPENAI:
            return await self._openai.test_key()
        return await tested_key(self._endpoint, self._clients.clock, self._ready)

    async def _ready(self) -> Told:
        try:
            reply = await self._api.post("v2/repository/index", {"ready": True})
        except BadRequest:  # the list of models can be turned off
            await self._api.get("v2")
            return Told()
        return Told(models=model_names({"models": reply.body}))

    async def protocol(self) -> Protocol:
        """How the address speaks, asked once.

        Raises:
            CallError: no answer came.
        """
        if self._found is None:
            self._found = await self._asked()
        return self._found

    async def _asked(self) -> Protocol:
        try:
            await self._api.get("v2")
        except BadRequest:
            return Protocol.OPENAI
        return Protocol.GENERATE


class _FoundOutChat:
    """A model at whichever front end the address turns out to be."""

    def __init__(self, service: TritonService, openai: ChatModel, native: NativeChat) -> None:
        self._service = service
        self._openai = openai
        self._native = native

    async def complete(
        self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None
    ) -> Reply[ChatAnswer]:
        """The next message. Raises ``CallError``."""
        if await self._service.protocol() is Protocol.OPENAI:
            return await self._openai.complete(request, on_text=on_text)
        return await self._native.complete(request, on_text=on_text)


def _protocol(endpoint: Endpoint) -> Protocol | None:
    wanted = endpoint.options.get("protocol") or None
    try:
        return None if wanted is None else Protocol(str(wanted).lower())
    except ValueError:
        raise ConfigurationError(
            f"{wanted!r} is no protocol of {endpoint.provider}",
            cure=f"Take one of: {', '.join(Protocol)}, or none to have it found out",
        ) from None


SPEC: Final = ProviderSpec(
    name="triton",
    kinds=frozenset({CallKind.MODEL, CallKind.EMBED}),
    default_base=DEFAULT_BASE,
    key_required=False,
    make=TritonService,
    about="models on a server of one's own, by Triton Inference Server",
)
