"""Perplexity's Search API: ranked web results, without an answer written by a model.

Source: docs.perplexity.ai, API reference, "Search the Web", and "Search Date and Time Filters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, number, read_results
from wiseflow.providers.search_base import SearchBase

MOST_RESULTS = 20
PAGE_TOKENS = 1_024


class Perplexity(SearchBase):
    """Searches with Perplexity. It knows dates and languages, and gives no scores: rank counts.

    Args:
        endpoint: its option is ``page_tokens``: how much of each page is in its snippet.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        self._api = JsonApi(endpoint, clients, {"Authorization": f"Bearer {endpoint.api_key}"})

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        reply = await self._api.post("search", self._body(request))
        results = read_results(self._endpoint, reply.body, _found, limit=request.limit)
        return self._answer(results, reply)

    def _body(self, request: SearchRequest) -> dict[str, object]:
        told = {
            "query": request.query,
            "max_results": min(max(request.limit, 1), MOST_RESULTS),
            "max_tokens_per_page": int(
                number(self._endpoint.options.get("page_tokens")) or PAGE_TOKENS
            ),
            "search_language_filter": [request.language] if request.language else "",
            "search_after_date_filter": _american(request.since),
            "search_before_date_filter": _american(request.until),
        }
        return {name: value for name, value in told.items() if value != ""}


def _american(day: str) -> str:
    asked = asked_day(day)
    return asked.strftime("%m/%d/%Y") if asked else ""


def _found(item: Mapping[str, Any]) -> Found:
    return Found(
        title=item.get("title"),
        url=item.get("url"),
        snippet=item.get("snippet"),
        published=item.get("date") or item.get("last_updated"),
    )


SPEC = ProviderSpec(
    name="perplexity",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://api.perplexity.ai",
    key_required=True,
    make=Perplexity,
    about="Ranked web results with parts of their pages",
)
