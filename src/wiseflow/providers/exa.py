"""Exa: a search service with an index of its own, which gives the text of pages, too.

Source: exa.ai/docs, API reference, "Search".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import Told
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, cut, mapping, number, read_results
from wiseflow.providers.search_base import SearchBase

MOST_RESULTS = 100
SNIPPET = 500  # characters of a text that has no highlights
TEXT_CHARS = 20_000


class Exa(SearchBase):
    """Searches with Exa. It knows dates but no languages, and tells what each search cost.

    Args:
        endpoint: its options are ``type`` (``auto``, ``fast``, ``neural`` or ``deep``) and
            ``text_chars``: how much of each page's text to give, 20,000 when not set, 0 for none.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        self._api = JsonApi(endpoint, clients, {"x-api-key": endpoint.api_key})

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        told = number(self._endpoint.options.get("text_chars", TEXT_CHARS))
        return await self._asked(request, TEXT_CHARS if told is None else int(told))

    async def _test(self) -> Told:
        await self._asked(SearchRequest(query="test", limit=1), 0)
        return Told()

    async def _asked(self, request: SearchRequest, text_chars: int) -> Reply[SearchAnswer]:
        reply = await self._api.post("search", self._body(request, text_chars))
        cost = number(mapping(mapping(reply.body).get("costDollars")).get("total"))
        results = read_results(self._endpoint, reply.body, _found, limit=request.limit)
        return self._answer(results, reply, cost=cost)

    def _body(self, request: SearchRequest, text_chars: int) -> dict[str, object]:
        since, until = asked_day(request.since), asked_day(request.until)
        told = {
            "query": request.query,
            "type": self._endpoint.options.get("type") or "auto",
            "numResults": min(max(request.limit, 1), MOST_RESULTS),
            "startPublishedDate": f"{since}T00:00:00.000Z" if since else "",
            "endPublishedDate": f"{until}T23:59:59.999Z" if until else "",
            "contents": {"text": {"maxCharacters": text_chars}} if text_chars else "",
        }
        return {name: value for name, value in told.items() if value != ""}


def _found(item: Mapping[str, Any]) -> Found:
    text, highlights = item.get("text"), item.get("highlights")
    parts = cast("list[object]", highlights) if isinstance(highlights, list) else []
    snippet = " … ".join(map(str, parts))
    return Found(
        title=item.get("title"),
        url=item.get("url"),
        snippet=snippet or (cut(text, SNIPPET) if isinstance(text, str) else ""),
        published=item.get("publishedDate"),
        score=item.get("score"),
        text=text,
        authors=item.get("author"),
    )


SPEC = ProviderSpec(
    name="exa",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://api.exa.ai",
    key_required=True,
    make=Exa,
    about="A search service with an index of its own, and the text of pages",
)
