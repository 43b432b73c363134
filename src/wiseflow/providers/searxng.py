"""SearXNG: a search engine over search engines that one runs oneself.

Source: docs.searxng.org, developer documentation, "Search API".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.core.errors import AuthFailed, BadRequest, ProviderDown
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi, JsonReply
from wiseflow.providers.key_tests import Told
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, mapping, read_results, within
from wiseflow.providers.search_base import SearchBase

# What its engines can be told, shortest first; for anything older they are told nothing.
_RANGES = (("day", timedelta(days=1)), ("month", timedelta(days=30)), ("year", timedelta(days=365)))
_ALL = 1_000


class SearxNG(SearchBase):
    """Searches with a SearXNG instance; one page of its results, about 20, is all it gives.

    Dates are kept by what its engines can be told (a day, a month, a year back) and by leaving out
    results that are known to be older or newer.

    Args:
        endpoint: its options are ``engines`` and ``categories``, with commas between. A user and
            password in its address are sent as a login.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        key = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._api = JsonApi(endpoint, clients, key)

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        reply = await self._asked(request)
        found = read_results(self._endpoint, reply.body, _found, limit=_ALL)
        if not found and mapping(reply.body).get("unresponsive_engines"):
            raise ProviderDown(
                f"searxng at {self._endpoint.address} got no answer from its engines",
                provider=self._endpoint.provider,
                cure="Choose other engines in the instance's settings",
            )
        kept = tuple(one for one in found if within(one, request))[: max(request.limit, 1)]
        return self._answer(kept, reply)

    async def _test(self) -> Told:
        await self._asked(SearchRequest(query="test", limit=1))
        return Told()

    async def _asked(self, request: SearchRequest) -> JsonReply:
        try:
            return await self._api.get("search", self._params(request))
        except AuthFailed as error:
            if self._endpoint.api_key:
                raise
            raise BadRequest(
                f"searxng at {self._endpoint.address} gives this program no results in JSON",
                provider=self._endpoint.provider,
                cure="Add json to search.formats in the instance's settings.yml",
            ) from error

    def _params(self, request: SearchRequest) -> dict[str, str]:
        options = self._endpoint.options
        told = {
            "q": request.query,
            "format": "json",
            "language": request.language,
            "time_range": self._range(request.since),
            "engines": str(options.get("engines") or ""),
            "categories": str(options.get("categories") or ""),
        }
        return {name: value for name, value in told.items() if value}

    def _range(self, since: str) -> str:
        first = asked_day(since)
        if first is None:
            return ""
        back = datetime.fromtimestamp(self._clock.now(), UTC).date() - first
        return next((name for name, longest in _RANGES if back <= longest), "")


def _found(item: Mapping[str, Any]) -> Found:
    return Found(
        title=item.get("title"),
        url=item.get("url"),
        snippet=item.get("content"),
        published=item.get("publishedDate"),
        score=item.get("score"),
        authors=item.get("authors") or item.get("author"),
        site=item.get("journal"),
    )


SPEC = ProviderSpec(
    name="searxng",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="",
    key_required=False,
    make=SearxNG,
    about="A search engine over search engines that one runs oneself",
)
