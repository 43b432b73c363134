"""Asks Anthropic's API through its own library. To import this takes a second: see ``lazy``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from anthropic import AsyncAnthropic
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.profiles.anthropic import AnthropicModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider

from wiseflow.providers.dialect import Dialect, Form
from wiseflow.providers.direct import NO_TAGS, DirectChat
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients


def chat(endpoint: Endpoint, clients: HttpClients, name: str) -> DirectChat:
    """A model of Anthropic's."""
    provider = AnthropicProvider(anthropic_client=_client(endpoint, clients))
    profile = cast("Mapping[str, Any]", provider.model_profile(name) or {})
    dialect = Dialect(
        forms=(Form.TOOL, Form.PROMPT),
        temperature=not profile.get("anthropic_disallows_sampling_settings"),
    )
    return DirectChat(
        endpoint, clients, name, make=partial(_model, provider, name), dialect=dialect
    )


def _client(endpoint: Endpoint, clients: HttpClients) -> AsyncAnthropic:
    http = clients.client(endpoint)
    client = AsyncAnthropic(
        # Given, so that it looks for none in the environment or in a profile of the user's.
        api_key=endpoint.api_key or "none",
        base_url=endpoint.base_url.rstrip("/"),
        http_client=http,
        # Given, as one that happens to be the library's own would be replaced by ten minutes, and
        # long answers would then have to be streamed.
        timeout=http.timeout,
        max_retries=0,
    )
    # Headers from the environment; settings are read in one place.
    client._custom_headers = {}  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return client


def _model(provider: AnthropicProvider, name: str, dialect: Dialect) -> AnthropicModel:
    del dialect  # all of it is in what is asked
    return AnthropicModel(
        name, provider=provider, profile=AnthropicModelProfile(thinking_tags=NO_TAGS)
    )
