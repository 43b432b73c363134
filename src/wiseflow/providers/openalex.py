"""OpenAlex: an open catalogue of scholarly works; each result has the abstract as its text.

Source: developers.openalex.org, API reference, "Authentication", "Errors" and "Works".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, mapping, read_results
from wiseflow.providers.search_base import SearchBase
from wiseflow.providers.shapes import items_of, objects_of

MOST_RESULTS = 100
MOST_WORDS = 5_000  # of an abstract
FIELDS = (
    "id,doi,display_name,publication_date,relevance_score,abstract_inverted_index,primary_location,"
    "authorships"
)


class OpenAlex(SearchBase):
    """Searches OpenAlex. It knows dates and languages; works that were retracted are left out.

    Args:
        endpoint: without a key it answers a few searches a day, for tests; keys are free. Its
            option is ``contact``: a mail address that is sent along.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        self._api = JsonApi(endpoint, clients, {})

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        reply = await self._api.get("works", self._params(request))
        results = read_results(self._endpoint, reply.body, _found, limit=request.limit)
        return self._answer(results, reply)

    def _params(self, request: SearchRequest) -> dict[str, str]:
        since, until = asked_day(request.since), asked_day(request.until)
        filters = [
            "is_retracted:false",
            f"from_publication_date:{since}" if since else "",
            f"to_publication_date:{until}" if until else "",
            f"language:{request.language}" if request.language else "",
        ]
        told = {
            "search": request.query,
            "per_page": str(min(max(request.limit, 1), MOST_RESULTS)),
            "select": FIELDS,
            "filter": ",".join(filter(None, filters)),
            "mailto": str(self._endpoint.options.get("contact") or ""),
            "api_key": self._endpoint.api_key,
        }
        return {name: value for name, value in told.items() if value}


def _found(item: Mapping[str, Any]) -> Found:
    place = mapping(item.get("primary_location"))
    authors = [mapping(one.get("author")) for one in objects_of(item.get("authorships"))]
    return Found(
        title=item.get("display_name"),
        url=place.get("landing_page_url") or item.get("doi") or item.get("id"),
        snippet=None,
        published=item.get("publication_date"),
        score=item.get("relevance_score"),
        text=_abstract(mapping(item.get("abstract_inverted_index"))),
        doi=item.get("doi"),
        authors=[author.get("display_name") for author in authors],
        site=mapping(place.get("source")).get("display_name"),
    )


def _abstract(index: Mapping[str, Any]) -> str:
    """The text of which the index tells each word's places."""
    placed = [
        (place, word)
        for word, places in index.items()
        for place in items_of(places)
        if isinstance(place, int)
    ]
    return " ".join(word for _, word in sorted(placed)[:MOST_WORDS])


SPEC = ProviderSpec(
    name="openalex",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://api.openalex.org",
    key_required=False,
    make=OpenAlex,
    about="A catalogue of papers: a free key gives 1,000 searches a day, none a few; data is CC0",
)
