"""Key and address of each provider: settings of one form, named after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import SecretStr

from wiseflow.settings.setting import About

# Those that this version can ask.
PROVIDERS = (
    "OPENAI",
    "ANTHROPIC",
    "OLLAMA",
    "TRITON",
    "TAVILY",
    "EXA",
    "PERPLEXITY",
    "SEARXNG",
    "ARXIV",
    "PUBMED",
    "OPENALEX",
    "CROSSREF",
    "WIKIPEDIA",
    "DUCKDUCKGO",
)


def endpoint_fields(providers: Iterable[str] = PROVIDERS, *, used: bool = True) -> dict[str, Any]:
    """The fields of these providers' settings, as ``pydantic.create_model`` takes them.

    Args:
        providers: their names in capitals.
        used: whether this version can ask them.
    """
    fields: dict[str, Any] = {}
    for name in providers:
        place, title = name.lower(), name.title()
        key = About(place=f"{place}.api_key", help=f"Key for {title}.", used=used)
        base = About(
            place=f"{place}.api_base", help=f"Address of {title}, in place of its own.", used=used
        )
        fields[f"{place}_api_key"] = (Annotated[SecretStr, key], SecretStr(""))
        fields[f"{place}_api_base"] = (Annotated[str, base], "")
    return fields
