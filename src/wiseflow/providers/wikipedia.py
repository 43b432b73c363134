"""Wikipedia: articles in the language asked for, with their introductions as snippets.

Source: mediawiki.org, "API:Search", "Extension:TextExtracts", "API:Etiquette"; the Wikimedia
Foundation's User-Agent policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.core.errors import BadRequest, RateLimited
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import USER_AGENT, HttpClients, JsonApi, JsonReply
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, cut, mapping, read_results, within
from wiseflow.providers.search_base import SearchBase
from wiseflow.providers.shapes import objects_of
from wiseflow.providers.statuses import malformed

MOST_RESULTS = 20  # as many introductions come with one answer
LONGEST_QUERY = 300  # characters; a longer one is refused
PLACE, COMMON = "{language}", "en"
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
_BUSY = frozenset({"ratelimited", "maxlag"})


class Wikipedia(SearchBase):
    """Searches Wikipedia. A result's date is that of the article's last change.

    Args:
        endpoint: its address holds ``{language}`` where each language has an address of its own.
            Its option is ``contact``: a mail address, which Wikipedia wants to be told.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        super().__init__(endpoint, clients)
        self._clients = clients
        contact = endpoint.options.get("contact")
        self._headers = {"User-Agent": f"{USER_AGENT} (mailto:{contact})"} if contact else {}

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        for day in (request.since, request.until):
            asked_day(day)
        reply = await self._asked(request)
        body = {"results": self._articles(reply.body)}
        found = read_results(self._endpoint, body, _found, limit=MOST_RESULTS)
        kept = tuple(one for one in found if within(one, request))[: max(request.limit, 1)]
        return self._answer(kept, reply)

    async def _asked(self, request: SearchRequest) -> JsonReply:
        language = request.language if _LANGUAGE.match(request.language) else COMMON
        base = self._endpoint.base_url.replace(PLACE, language)
        api = JsonApi(replace(self._endpoint, base_url=base), self._clients, self._headers)
        # Those that are too new are left out afterwards, so more are asked for.
        wanted = MOST_RESULTS if request.since or request.until else request.limit
        return await api.get("api.php", _params(request.query, min(max(wanted, 1), MOST_RESULTS)))

    def _articles(self, body: object) -> list[Mapping[str, Any]]:
        """The articles in an answer, the best first.

        Raises:
            RateLimited: it asks for patience, which it does with a success.
            BadRequest: it refuses.
            MalformedOutput: it is no answer of a wiki.
        """
        told = mapping(body)
        if error := mapping(told.get("error")):
            kind = RateLimited if error.get("code") in _BUSY else BadRequest
            raise kind(
                f"{self._endpoint.provider} at {self._endpoint.address} does not search",
                provider=self._endpoint.provider,
                cure="Ask less often" if kind is RateLimited else "Ask in plain words",
            )
        if "query" not in told and "batchcomplete" not in told:
            raise malformed(self._endpoint, "without articles")
        pages = objects_of(mapping(told.get("query")).get("pages"))
        return sorted(pages, key=lambda page: _rank(page.get("index")))


def _rank(index: object) -> int:
    return index if isinstance(index, int) else MOST_RESULTS


def _params(query: str, limit: int) -> dict[str, str]:
    return {
        "action": "query", "format": "json", "formatversion": "2",
        "generator": "search", "gsrsearch": cut(query, LONGEST_QUERY), "gsrlimit": str(limit),
        "gsrnamespace": "0", "prop": "extracts|info|revisions", "exintro": "1",
        "explaintext": "1", "exlimit": "max", "inprop": "url", "rvprop": "timestamp",
    }  # fmt: skip


def _found(item: Mapping[str, Any]) -> Found:
    revisions = objects_of(item.get("revisions"))
    return Found(
        title=item.get("title"),
        url=item.get("fullurl"),
        snippet=item.get("extract"),
        published=revisions[0].get("timestamp") if revisions else "",
    )


SPEC = ProviderSpec(
    name="wikipedia",
    kinds=frozenset({CallKind.SEARCH}),
    default_base="https://{language}.wikipedia.org/w",
    key_required=False,
    make=Wikipedia,
    about="Articles, by the MediaWiki API: free, wants CONTACT_EMAIL; texts are CC BY-SA",
)
