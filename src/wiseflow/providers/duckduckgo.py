"""DuckDuckGo: its Instant Answers, which are abstracts and related topics, not search results.

It is the only interface DuckDuckGo offers to programs; its pages of results are not read. Related
topics come with their text, so that no page of DuckDuckGo is fetched for them.

Source: duckduckgo.com/api and "DuckDuckGo Instant Answer API" (parameters and fields).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import Told
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, mapping, read_results
from wiseflow.providers.search_base import SearchBase
from wiseflow.providers.shapes import objects_of, text_of
from wiseflow.providers.statuses import malformed

LONGEST_TITLE = 100


class DuckDuckGo(SearchBase):
    """Asks DuckDuckGo what it knows of a subject. It knows neither dates nor languages.

    Args:
        endpoint: takes no key.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        self._api = JsonApi(endpoint, clients, {})

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """What is known of the subject of a query; often nothing. Raises ``CallError``."""
        reply = await self._api.get("", _params(request.query))
        if "RelatedTopics" not in mapping(reply.body):
            raise malformed(self._endpoint, "without topics")
        body = {"results": list(_topics(mapping(reply.body)))}
        results = read_results(self._endpoint, body, _found, limit=request.limit)
        return self._answer(results, reply)

    async def _test(self) -> Told:
        await self._api.get("", _params("test"))
        return Told()


def _params(query: str) -> dict[str, str]:
    return {
        "q": query.lstrip("!\\ "),  # a "bang" would send on to another site
        "format": "json",
        "no_html": "1",
        "no_redirect": "1",
        "skip_disambig": "1",
        "t": "wiseflow",
    }


def _topics(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The abstract of the subject, its own site, and what is related to it, in groups or not."""
    if text_of(body.get("AbstractURL")):
        yield {
            "title": body.get("Heading"),
            "url": body.get("AbstractURL"),
            "snippet": body.get("AbstractText") or body.get("Abstract"),
        }
    yield from map(_topic, objects_of(body.get("Results")))
    for one in objects_of(body.get("RelatedTopics")):
        inner = objects_of(one.get("Topics"))
        yield from map(_told_whole, inner or [one])


def _topic(one: Mapping[str, Any]) -> Mapping[str, Any]:
    said = text_of(one.get("Text"))
    return {"title": _title(said), "url": one.get("FirstURL"), "snippet": said}


def _told_whole(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_topic(one), "text": text_of(one.get("Text"))}


def _title(said: str) -> str:
    """A topic's text begins with its name: ``Tide - The rise and fall of the sea``."""
    return said.partition(" - ")[0][:LONGEST_TITLE]


def _found(item: Mapping[str, Any]) -> Found:
    return Found(
        title=item.get("title"),
        url=item.get("url"),
        snippet=item.get("snippet"),
        text=item.get("text"),
    )


SPEC = ProviderSpec(
    name="duckduckgo",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://api.duckduckgo.com",
    key_required=False,
    make=DuckDuckGo,
    about="Its Instant Answers only, no list of results: free, to be named where it is shown",
)
