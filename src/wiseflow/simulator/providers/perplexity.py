"""Perplexity's search.

Source: Perplexity API reference, "Search".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiseflow.simulator.calls import Call, CallKind, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.messages import elements_of, texts_of, whole_number
from wiseflow.simulator.providers.results import WRITTEN_IN, Only, Result, iso_day, results_of

COUNT = 10
MOST = 20
MOST_QUERIES = 5


def problem(found: Problem) -> Reply:
    """An error in Perplexity's words."""
    error = {"message": found.message, "type": found.kind, "code": found.status}
    return error_reply(found.status, {"error": error})


def read(incoming: Incoming) -> Call:
    """What a search asks for: one query, or up to five."""
    queries = texts_of(incoming.body.get("query"))
    if len(queries) > MOST_QUERIES:
        raise bad_request(f"at most {MOST_QUERIES} queries at once")
    count = whole_number(incoming, "max_results", COUNT) or COUNT
    return Call(kind=CallKind.SEARCH, query=queries[0], texts=queries, count=min(count, MOST))


def answer(call: Call, desk: Desk) -> Reply:
    """What was found; for several queries, a list for each."""
    only = _only(desk.incoming.body)
    found = [
        [_result(one) for one in results_of(query, call.count, desk, only)] for query in call.texts
    ]
    several = isinstance(desk.incoming.body["query"], list)
    body: dict[str, Any] = {
        "id": f"search-{desk.number}",
        "results": found if several else found[0],
    }
    return Reply(body=encode(body))


def _only(body: Mapping[str, Any]) -> Only:
    languages = [str(one) for one in elements_of(body.get("search_language_filter"))]
    foreign = languages and WRITTEN_IN not in languages
    return Only(
        since=_day(body.get("search_after_date_filter")),
        until=_day(body.get("search_before_date_filter")),
        language=languages[0] if foreign else "",
    )


def _day(value: Any) -> str:
    """A day as Americans write it."""
    month, _, rest = str(value or "").partition("/")
    day, _, year = rest.partition("/")
    return iso_day(f"{year}-{month:0>2}-{day:0>2}" if value else "")


def _result(one: Result) -> dict[str, Any]:
    return {
        "title": one.page.title,
        "url": one.url,
        "snippet": one.snippet,
        "date": one.page.published,
        "last_updated": one.page.published,
    }


PERPLEXITY = Provider(
    name="perplexity",
    prefix="/perplexity",
    endpoints=(Endpoint(method="POST", path="/search", read=read, answer=answer),),
    problem=problem,
    settings={"PERPLEXITY_API_BASE": ""},
)
