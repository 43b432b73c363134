"""SearxNG's search.

Source: SearXNG documentation, "Search API".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from wiseflow.simulator.calls import Call, CallKind, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, bad_request
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.results import Only, Result, results_of
from wiseflow.simulator.rate_headers import no_headers

PAGE = 10  # results
RANGES = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}


def problem(found: Problem) -> Reply:
    """An error: SearxNG answers with a page."""
    body = f"<!doctype html><title>{found.status}</title><h1>{found.message}</h1>".encode()
    return Reply(body=body, status=found.status, content_type="text/html")


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    query = incoming.query.get("q", "").strip()
    if not query:
        raise bad_request("no query")
    return Call(kind=CallKind.SEARCH, query=query, count=PAGE * _page_number(incoming))


def _page_number(incoming: Incoming) -> int:
    number = incoming.query.get("pageno", "1")
    if not number.isdecimal() or not 1 <= int(number) <= PAGE:
        raise bad_request("pageno must be a whole number from 1 up")
    return int(number)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found, ten at a time."""
    if desk.incoming.query.get("format") != "json":
        return Reply(
            body=b"<!doctype html><h1>403 Forbidden</h1>", status=403, content_type="text/html"
        )
    found = list(results_of(call.query, call.count, desk, _only(desk)))[call.count - PAGE :]
    body: dict[str, Any] = {
        "query": call.query,
        "number_of_results": 0,
        "results": [_result(one) for one in found],
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": [],
        "unresponsive_engines": [],
    }
    return Reply(body=encode(body))


def _only(desk: Desk) -> Only:
    asked = desk.incoming.query
    back = RANGES.get(asked.get("time_range", ""))
    since = datetime.fromtimestamp(desk.wall, UTC) - back if back else None
    language = asked.get("language", "all").partition("-")[0]
    return Only(
        since=f"{since:%Y-%m-%d}" if since else "", language="" if language == "all" else language
    )


def _result(one: Result) -> dict[str, Any]:
    return {
        "url": one.url,
        "title": one.page.title,
        "content": one.snippet,
        "engine": "simulator",
        "engines": ["simulator"],
        "score": one.score,
        "category": "general",
        "publishedDate": f"{one.page.published}T00:00:00",
    }


SEARXNG = Provider(
    name="searxng",
    prefix="/searxng",
    endpoints=(Endpoint(method="GET", path="/search", read=read, answer=answer),),
    problem=problem,
    settings={"SEARXNG_API_BASE": ""},
    rate_headers=no_headers,
    keyed=False,
)
