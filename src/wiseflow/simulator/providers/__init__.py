"""The providers that are simulated, one small file each; here they are listed."""

from __future__ import annotations

from collections.abc import Mapping

from wiseflow.core.errors import NotFound
from wiseflow.simulator.provider import Provider
from wiseflow.simulator.providers.anthropic import ANTHROPIC
from wiseflow.simulator.providers.arxiv import ARXIV
from wiseflow.simulator.providers.crossref import CROSSREF
from wiseflow.simulator.providers.duckduckgo import DUCKDUCKGO
from wiseflow.simulator.providers.exa import EXA
from wiseflow.simulator.providers.ollama import OLLAMA
from wiseflow.simulator.providers.openai import OPENAI, TRITON_OPENAI
from wiseflow.simulator.providers.openalex import OPENALEX
from wiseflow.simulator.providers.perplexity import PERPLEXITY
from wiseflow.simulator.providers.pubmed import PUBMED
from wiseflow.simulator.providers.searxng import SEARXNG
from wiseflow.simulator.providers.tavily import TAVILY
from wiseflow.simulator.providers.triton import TRITON
from wiseflow.simulator.providers.web import WEB
from wiseflow.simulator.providers.wikipedia import WIKIPEDIA

PROVIDERS: Mapping[str, Provider] = {
    one.name: one
    for one in (
        OPENAI,
        ANTHROPIC,
        OLLAMA,
        TRITON,
        TRITON_OPENAI,
        TAVILY,
        EXA,
        PERPLEXITY,
        SEARXNG,
        ARXIV,
        PUBMED,
        OPENALEX,
        CROSSREF,
        WIKIPEDIA,
        DUCKDUCKGO,
        WEB,
    )
}


def url_of(address: str, name: str) -> str:
    """The base address of a provider on the simulator at an address.

    Raises:
        NotFound: no such provider.
    """
    if name not in PROVIDERS:
        raise NotFound(f"no provider {name} is simulated", cure=f"There are {', '.join(PROVIDERS)}")
    return address + PROVIDERS[name].prefix


def settings_of(address: str) -> Mapping[str, str]:
    """Names and values of settings that make a program use the simulator at an address."""
    return {
        name: address + provider.prefix + ending
        for provider in PROVIDERS.values()
        for name, ending in provider.settings.items()
    }
