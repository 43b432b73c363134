"""Wikipedia's search, by the MediaWiki API; only the English one has articles.

Source: MediaWiki, "API:Search", "API:Query", "API:Errors and warnings", "Extension:TextExtracts".
"""

from __future__ import annotations

from typing import Any

from wiseflow.simulator.calls import Call, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.papers import number_of, read_query
from wiseflow.simulator.providers.results import Only, Result, results_of
from wiseflow.simulator.rate_headers import no_headers

SITE = "wiki.example"


def problem(found: Problem) -> Reply:
    """An error in MediaWiki's words."""
    return error_reply(found.status, {"error": {"code": found.kind, "info": found.message}})


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    asked = incoming.query
    if (asked.get("action"), asked.get("generator"), asked.get("format")) != (
        "query",
        "search",
        "json",
    ):
        raise bad_request('Unrecognized value for parameter "action"')
    return read_query(incoming, asked.get("gsrsearch", ""), "gsrlimit", 10, 500)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found; without articles there is no "query" in an answer."""
    only = Only(language=desk.incoming.parts["language"])
    pages = [
        _page(place, one)
        for place, one in enumerate(results_of(call.query, call.count, desk, only, SITE), start=1)
    ]
    told: dict[str, Any] = {"batchcomplete": True}
    if pages:
        # Sorted by their numbers, as there: how well they fit is told by their index.
        told["query"] = {"pages": sorted(pages, key=lambda page: page["pageid"])}
    return Reply(body=encode(told))


def _page(place: int, one: Result) -> dict[str, Any]:
    return {
        "pageid": number_of(one.page),
        "ns": 0,
        "title": one.page.title,
        "index": place,
        "extract": one.snippet,
        "fullurl": one.url,
        "revisions": [{"timestamp": f"{one.page.published}T08:00:00Z"}],
    }


WIKIPEDIA = Provider(
    name="wikipedia",
    prefix="/wikipedia",
    endpoints=(Endpoint(method="GET", path="/{language}/api.php", read=read, answer=answer),),
    problem=problem,
    settings={"WIKIPEDIA_API_BASE": "/{language}"},
    rate_headers=no_headers,
    keyed=False,
)
