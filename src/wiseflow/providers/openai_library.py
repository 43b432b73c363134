"""Asks OpenAI's API through its own library. Importing this takes a second: see ``lazy``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from openai import AsyncOpenAI, Omit
from openai.types.chat import ChatCompletionStreamOptionsParam
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from wiseflow.providers.dialect import Dialect
from wiseflow.providers.direct import NO_TAGS, DirectChat
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients

OPENAI_HOST = "https://api.openai.com"


def chat(endpoint: Endpoint, clients: HttpClients, name: str) -> DirectChat:
    """A model of an endpoint that speaks as OpenAI's does."""
    provider = _provider(endpoint, clients)
    own = isinstance(provider, OpenAIProvider)
    profile = provider.model_profile(name) or {}
    dialect = Dialect(completion_tokens=own, temperature=not _reasons(profile))
    make = partial(_model, provider, name)
    headers = {} if endpoint.api_key else {"Authorization": Omit()}
    return DirectChat(endpoint, clients, name, make=make, dialect=dialect, headers=headers)


def _provider(endpoint: Endpoint, clients: HttpClients) -> Provider[AsyncOpenAI]:
    client = _client(endpoint, clients)
    if endpoint.address == OPENAI_HOST or endpoint.provider == "openai":
        return OpenAIProvider(openai_client=client)
    return OpenAICompatibleProvider(endpoint.provider, openai_client=client)


def _client(endpoint: Endpoint, clients: HttpClients) -> AsyncOpenAI:
    http = clients.client(endpoint)
    client = AsyncOpenAI(
        api_key=endpoint.api_key or "none",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=endpoint.base_url,
        http_client=http,
        # Given, as one that happens to be the library's own would be replaced by ten minutes.
        timeout=http.timeout,
        max_retries=0,
    )
    # What it would read from the environment is meant for OpenAI, not for whoever is asked here;
    # and settings are read in one place.
    client.organization = client.project = client.admin_api_key = client.webhook_secret = None
    client._custom_headers = {}  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return client


def _reasons(profile: ModelProfile | Mapping[str, Any]) -> bool:
    """Whether a model reasons by default, and so refuses a temperature."""
    told = cast("Mapping[str, Any]", profile)
    if not told.get("openai_supports_reasoning"):
        return False
    by_default = bool(told.get("thinking_enabled_by_default"))
    return by_default or not told.get("openai_supports_reasoning_effort_none")


def _model(provider: Provider[AsyncOpenAI], name: str, dialect: Dialect) -> OpenAIChatModel:
    profile = OpenAIModelProfile(
        supports_json_schema_output=True,
        supports_json_object_output=True,
        openai_chat_supports_max_completion_tokens=dialect.completion_tokens,
        # Else a stream that was cut would pass for a whole answer.
        openai_chat_streaming_requires_finish_reason=True,
        thinking_tags=NO_TAGS,
    )
    kind = OpenAIChatModel if dialect.stream_usage else _WithoutStreamUsage
    return kind(name, provider=provider, profile=profile)


class _WithoutStreamUsage(OpenAIChatModel):
    """For endpoints that do not know ``stream_options``."""

    def _get_stream_options(
        self, model_settings: OpenAIChatModelSettings
    ) -> ChatCompletionStreamOptionsParam:
        del model_settings
        return cast("ChatCompletionStreamOptionsParam", Omit())
