"""arXiv: preprints, found by its Atom API; each result has the paper's abstract as its text.

Source: info.arxiv.org/help/api, "User's Manual" and "Terms of Use".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from xml.etree.ElementTree import Element

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.core.errors import BadRequest
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, plain, read_results
from wiseflow.providers.search_base import SearchBase
from wiseflow.providers.statuses import malformed
from wiseflow.providers.xml_bodies import child, local_name, named, read_xml, text

BASE = "https://export.arxiv.org/api"
MOST_RESULTS = 100
MOST_WORDS = 20
# "No more than one request every three seconds", its terms say, over a single connection.
PACE = Allowance(dimension=Dimension.REQUESTS, limit=1, window_s=3.0)
SITE = "arXiv"
FIRST, LAST = "19910101", "99991231"  # arXiv began in 1991
_WORD = re.compile(r"\w+")


class Arxiv(SearchBase):
    """Searches arXiv. It knows dates of submission but no languages, and gives no scores.

    Args:
        endpoint: takes no key; at arXiv's own address its pace is kept.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        pace = (PACE,) if endpoint.base_url == BASE else ()
        super().__init__(endpoint, clients, pace=pace)
        self._api = JsonApi(endpoint, clients, {"Accept": "application/atom+xml"})

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        reply = await self._api.get("query", _params(request), read=read_xml)
        entries = _entries(self._endpoint, cast("Element", reply.body))
        results = read_results(self._endpoint, {"results": entries}, _found, limit=request.limit)
        return self._answer(results, reply)


def _params(request: SearchRequest) -> dict[str, str]:
    return {
        "search_query": _query(request),
        "start": "0",
        "max_results": str(min(max(request.limit, 1), MOST_RESULTS)),
        "sortBy": "relevance",
        "sortOrder": "descending",
    }


def _query(request: SearchRequest) -> str:
    """Any of the words, those with most of them first; in small letters they are no operators."""
    words = dict.fromkeys(_WORD.findall(request.query.lower()))
    asked = " OR ".join(f"all:{word}" for word in list(words)[:MOST_WORDS])
    since, until = asked_day(request.since), asked_day(request.until)
    if since is None and until is None:
        return asked
    first = since.isoformat().replace("-", "") if since else FIRST
    last = until.isoformat().replace("-", "") if until else LAST
    return f"({asked}) AND submittedDate:[{first}0000 TO {last}2359]"


def _entries(endpoint: Endpoint, feed: Element) -> list[dict[str, object]]:
    """The entries of a feed; an error comes as an entry, too.

    Raises:
        MalformedOutput: it is no feed.
        BadRequest: it tells of an error.
    """
    if local_name(feed) != "feed":
        raise malformed(endpoint, "without a feed")
    entries = list(named(feed, "entry"))
    if any("/api/errors" in text(child(entry, "id")) for entry in entries):
        raise BadRequest(
            f"{endpoint.provider} at {endpoint.address} refuses the request as it is",
            provider=endpoint.provider,
            cure="Ask in plain words",
        )
    return [_fields(entry) for entry in entries]


def _fields(entry: Element) -> dict[str, object]:
    fields = ("id", "title", "summary", "published", "doi")
    authors = [text(child(author, "name")) for author in named(entry, "author")]
    return {**{name: text(child(entry, name)) for name in fields}, "authors": authors}


def _found(item: Mapping[str, Any]) -> Found:
    url = str(item.get("id") or "")
    return Found(
        title=plain(str(item.get("title") or "")),
        url=url.replace("http://arxiv.org/", "https://arxiv.org/", 1),
        snippet=None,
        published=item.get("published"),
        text=" ".join(str(item.get("summary") or "").split()),
        doi=item.get("doi"),
        authors=item.get("authors"),
        site=SITE,
    )


SPEC = ProviderSpec(
    name="arxiv",
    kinds=frozenset({CallKind.SEARCH}),
    default_base=BASE,
    key_required=False,
    make=Arxiv,
    about="Preprints, by its Atom API: free, one request in three seconds; metadata is CC0",
)
