"""Tavily: a search service for programs.

Source: docs.tavily.com, API reference, "Search" and "Usage".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.core.errors import BadRequest
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import Told
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, cut, mapping, number, read_results
from wiseflow.providers.search_base import SearchBase

MOST_RESULTS = 20
LONGEST_QUERY = 400  # characters; a longer one is refused


class Tavily(SearchBase):
    """Searches with Tavily. It knows dates but no languages, and tells no price.

    Args:
        endpoint: its options are ``search_depth`` (``basic`` or ``advanced``, which costs twice as
            much) and ``include_raw_content`` (true for the whole text of each page).
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

    async def _test(self) -> Told:
        try:
            reply = await self._api.get("usage")
        except BadRequest:  # others that speak like Tavily have no such address
            await self.search(SearchRequest(query="test", limit=1))
            return Told()
        return Told(remaining=_remaining(mapping(reply.body)))

    def _body(self, request: SearchRequest) -> dict[str, object]:
        options = self._endpoint.options
        told = {
            "query": cut(request.query, LONGEST_QUERY),
            "max_results": min(max(request.limit, 1), MOST_RESULTS),
            "search_depth": options.get("search_depth") or "basic",
            "include_raw_content": "text" if options.get("include_raw_content") else False,
            "start_date": str(asked_day(request.since) or ""),
            "end_date": str(asked_day(request.until) or ""),
        }
        return {name: value for name, value in told.items() if value != ""}


def _found(item: Mapping[str, Any]) -> Found:
    return Found(
        title=item.get("title"),
        url=item.get("url"),
        snippet=item.get("content"),
        published=item.get("published_date"),
        score=item.get("score"),
        text=item.get("raw_content"),
    )


def _remaining(body: Mapping[str, Any]) -> str:
    key, account = mapping(body.get("key")), mapping(body.get("account"))
    for used, limit in (
        (key.get("usage"), key.get("limit")),
        (account.get("plan_usage"), account.get("plan_limit")),
    ):
        spent, most = number(used), number(limit)
        if spent is not None and most is not None:
            return f"{max(0.0, most - spent):g} of {most:g} credits"
    return ""


SPEC = ProviderSpec(
    name="tavily",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://api.tavily.com",
    key_required=True,
    make=Tavily,
    about="A search service for programs",
)
