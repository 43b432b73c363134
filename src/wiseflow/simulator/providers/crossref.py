"""Crossref's search of works.

Source: Crossref REST API documentation, "Works", "Filters", "Access and authentication".
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from wiseflow.simulator.calls import Call, Incoming, Reply, encode
from wiseflow.simulator.limits import Dimension
from wiseflow.simulator.problems import Problem, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.papers import abstract_of, doi_of, filters_of, read_query
from wiseflow.simulator.providers.results import Only, Result, iso_day, results_of
from wiseflow.simulator.rate_headers import Standing

SITE = "doi.example"
FILTERS = {"has-abstract", "from-pub-date", "until-pub-date"}


def problem(found: Problem) -> Reply:
    """An error in Crossref's words."""
    message = [{"type": found.kind, "value": "", "message": found.message}]
    told = {"status": "failed", "message-type": "validation-failure", "message": message}
    return error_reply(found.status, told)


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    for name in filters_of(incoming.query.get("filter", "")):
        if name not in FILTERS:
            raise bad_request(f"Filter {name} specified but there is no such filter")
    return read_query(incoming, incoming.query.get("query", ""), "rows", 20, 1000)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found."""
    filters = filters_of(desk.incoming.query.get("filter", ""))
    only = Only(
        since=iso_day(filters.get("from-pub-date", "")),
        until=iso_day(filters.get("until-pub-date", "")),
    )
    items = [_item(one) for one in results_of(call.query, call.count, desk, only, SITE)]
    message = {"total-results": len(items), "items-per-page": call.count, "items": items}
    return Reply(body=encode({"status": "ok", "message-type": "work-list", "message": message}))


def _item(one: Result) -> dict[str, Any]:
    return {
        "DOI": doi_of(one.page),
        "URL": one.url,
        "title": [one.page.title],
        "abstract": f"<jats:title>Abstract</jats:title> <jats:p>"
        f"{escape(abstract_of(one.page), quote=False)}</jats:p>",
        "published": {"date-parts": [[int(part) for part in one.page.published.split("-")]]},
        "score": 30 * one.score,
        "author": [_author(name) for name in one.page.authors],
        "container-title": [one.page.site],
    }


def _author(name: str) -> dict[str, Any]:
    given, _, family = name.partition(" ")
    return {"given": given, "family": family, "sequence": "additional", "affiliation": []}


def rate_headers(standing: Standing) -> Mapping[str, str]:
    """``x-rate-limit-limit`` in an interval, which is told beside it."""
    for state in standing.counted():
        if state.limit.dimension is Dimension.REQUESTS:
            return {
                "x-rate-limit-limit": f"{state.limit.amount:g}",
                "x-rate-limit-interval": f"{state.limit.window_s * standing.scale:g}s",
            }
    return {}


CROSSREF = Provider(
    name="crossref",
    prefix="/crossref",
    endpoints=(Endpoint(method="GET", path="/works", read=read, answer=answer),),
    problem=problem,
    settings={"CROSSREF_API_BASE": ""},
    rate_headers=rate_headers,
)
