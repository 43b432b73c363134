"""Crossref: the register of DOIs; each result has the work's abstract as its text.

Source: crossref.org/documentation/retrieve-metadata/rest-api, "Access and authentication" and
"REST API filters".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, first_day, line, mapping, read_results
from wiseflow.providers.search_base import SearchBase
from wiseflow.providers.shapes import items_of, objects_of, text_of

MOST_RESULTS = 100
FIELDS = "DOI,URL,title,abstract,published,score,author,container-title"
# An abstract is in JATS, and may begin with its heading.
_HEADING = re.compile(r"^\s*<jats:title>[^<]{0,60}</jats:title>")


class Crossref(SearchBase):
    """Searches works registered with Crossref. It knows dates but no languages.

    Only works with an abstract are asked for: of the others there is a title and nothing to cite.

    Args:
        endpoint: a key is that of Metadata Plus, and not needed; its option is ``contact``: a mail
            address, with which it answers more often (its "polite pool").
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        key = endpoint.api_key
        headers = {"Crossref-Plus-API-Token": f"Bearer {key}"} if key else {}
        self._api = JsonApi(endpoint, clients, headers)

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        reply = await self._api.get("works", self._params(request))
        message = mapping(reply.body).get("message")
        results = read_results(self._endpoint, message, _found, limit=request.limit, field="items")
        return self._answer(results, reply)

    def _params(self, request: SearchRequest) -> dict[str, str]:
        since, until = asked_day(request.since), asked_day(request.until)
        filters = [
            "has-abstract:true",
            f"from-pub-date:{since}" if since else "",
            f"until-pub-date:{until}" if until else "",
        ]
        told = {
            "query": request.query,
            "rows": str(min(max(request.limit, 1), MOST_RESULTS)),
            "select": FIELDS,
            "filter": ",".join(filter(None, filters)),
            "mailto": str(self._endpoint.options.get("contact") or ""),
        }
        return {name: value for name, value in told.items() if value}


def _found(item: Mapping[str, Any]) -> Found:
    doi = item.get("DOI")
    dates = items_of(mapping(item.get("published")).get("date-parts"))
    return Found(
        title=" ".join(text_of(one) for one in items_of(item.get("title"))[:1]),
        url=item.get("URL") or (f"https://doi.org/{doi}" if doi else None),
        snippet=None,
        published=first_day(*items_of(dates[0])) if dates else "",
        score=item.get("score"),
        text=line(_HEADING.sub("", text_of(item.get("abstract")))),
        doi=doi,
        authors=[_author(one) for one in objects_of(item.get("author"))],
        site=next(map(text_of, items_of(item.get("container-title"))), ""),
    )


def _author(told: Mapping[str, Any]) -> str:
    """The name of a person, which comes in parts, or of an office."""
    parts = (told.get(part) for part in ("given", "family", "suffix"))
    return " ".join(filter(None, map(text_of, parts))) or text_of(told.get("name"))


SPEC = ProviderSpec(
    name="crossref",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://api.crossref.org",
    key_required=False,
    make=Crossref,
    about="The register of DOIs: free, more often with CONTACT_EMAIL; metadata may be reused",
)
