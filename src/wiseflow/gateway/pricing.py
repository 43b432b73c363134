"""What calls cost, by the facts that are known of who is called."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from wiseflow.core.calls import Call, CallKind, Usage
from wiseflow.core.gateways import ModelRoom
from wiseflow.providers.facts import Facts, ModelFacts

# In US dollars for a search; what a provider tells itself holds over it. As of 2026-11-21.
# Source: Tavily, "Credits & Pricing" (pay as you go, a basic search is one credit); Exa, "Pricing"
# (search of up to 25 results, with the text of ten); Perplexity, "Pricing" (Search API, a request).
# A SearXNG is the user's own. OpenAlex counts dollars, of which a free key has one a day, and
# refuses when they are spent: it is never paid. The others are free.
SEARCH_PRICES: Final = MappingProxyType(
    {
        "tavily": 0.008,
        "exa": 0.015,
        "perplexity": 0.005,
        **dict.fromkeys(("searxng", "arxiv", "pubmed", "openalex", "crossref"), 0.0),
        **dict.fromkeys(("wikipedia", "duckduckgo"), 0.0),
    }
)
# Where nothing is known: what even small models of today take.
# Source: Ollama's FAQ: 4,096 tokens is the context that a model is loaded with by default.
SMALL_CONTEXT = 4_096
ANSWER_SHARE = 0.5  # of the context, where the longest answer is not known
LONGEST_ANSWER = 8_192


class Pricing:
    """What calls cost, and how much models take.

    Args:
        facts: of models.
        base_url: where a provider is asked.
    """

    def __init__(self, facts: Facts, base_url: Callable[[str], str]) -> None:
        self._facts = facts
        self._base_url = base_url

    def cost(self, call: Call[Any], used: Usage) -> float | None:
        """In US dollars; ``None`` when the price is not known."""
        match call.kind:
            case CallKind.FETCH:
                return 0.0
            case CallKind.SEARCH:
                return SEARCH_PRICES.get(call.provider)
            case CallKind.MODEL | CallKind.EMBED:
                return self._of(call.provider, call.model).cost(used)

    def of_model(self, provider: str, model: str, used: Usage) -> float | None:
        """What a call to a model costs that uses so much; ``None`` when it is not known."""
        return self._of(provider, model).cost(used)

    def room(self, provider: str, model: str) -> ModelRoom:
        """How much a model takes; a cautious guess where that is not known."""
        facts = self._of(provider, model)
        context = facts.context_tokens or SMALL_CONTEXT
        most = facts.max_output_tokens or min(LONGEST_ANSWER, int(context * ANSWER_SHARE))
        return ModelRoom(context_tokens=context, output_tokens=min(most, context))

    def _of(self, provider: str, model: str) -> ModelFacts:
        return self._facts.of(provider, model, base_url=self._base_url(provider))
