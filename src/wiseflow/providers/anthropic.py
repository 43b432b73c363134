"""Anthropic's models.

Source: Anthropic, API reference ("Messages", "Models", "Errors", "Rate limits").
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from wiseflow.core.asking import ChatModel, EmbeddingModel, KeyTest
from wiseflow.core.calls import CallKind
from wiseflow.core.errors import InvalidInput
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import tested_key
from wiseflow.providers.keys import told_by_models
from wiseflow.providers.lazy import LazyChat
from wiseflow.providers.registry import ProviderSpec

DEFAULT_BASE: Final = "https://api.anthropic.com"
VERSION: Final = "2023-06-01"


class AnthropicService:
    """Anthropic's endpoint, or one that speaks as it does.

    Args:
        endpoint: with or without ``/v1`` at the end of its address.
        clients: whose client of it is used.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        base = endpoint.base_url.rstrip("/").removesuffix("/v1")
        self._endpoint = replace(endpoint, base_url=base)
        self._clients = clients
        headers = {"X-Api-Key": endpoint.api_key, "Anthropic-Version": VERSION}
        self._api = JsonApi(self._endpoint, clients, headers)

    def chat(self, model: str) -> ChatModel:
        """The model of that name, for conversations."""
        return LazyChat(
            "wiseflow.providers.anthropic_library",
            lambda library: library.chat(self._endpoint, self._clients, model),
            purpose=f"asking {self._endpoint.provider}",
        )

    def embeddings(self, model: str) -> EmbeddingModel:
        """There are none.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput(
            f"{self._endpoint.provider} has no model {model!r} that turns texts into vectors",
            cure="Take one of OpenAI, of Ollama, or the built-in one",
        )

    async def test_key(self) -> KeyTest:
        """Whether the key is taken, by asking for the models. Raises ``CallError``."""
        ask = partial(told_by_models, self._api, "v1/models")
        return await tested_key(self._endpoint, self._clients.clock, ask)


SPEC: Final = ProviderSpec(
    name="anthropic",
    kinds=frozenset({CallKind.MODEL}),
    default_base=DEFAULT_BASE,
    key_required=True,
    make=AnthropicService,
    about="Anthropic's models",
)
