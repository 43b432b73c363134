"""DuckDuckGo's Instant Answers: an abstract and related topics.

Source: duckduckgo.com/api.
"""

from __future__ import annotations

from typing import Any

from wiseflow.simulator.calls import Call, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.papers import read_query
from wiseflow.simulator.providers.results import Result, results_of
from wiseflow.simulator.rate_headers import no_headers

MOST = 10
SITE = "duckduckgo.example"
JAVASCRIPT = "application/x-javascript"  # as which it sends its JSON


def problem(found: Problem) -> Reply:
    """An error: a page."""
    body = f"<html><head><title>{found.status} {found.message}</title></head></html>".encode()
    return Reply(body=body, status=found.status, content_type="text/html")


def read(incoming: Incoming) -> Call:
    """What is asked about."""
    return read_query(incoming, incoming.query.get("q", ""), "count", MOST, MOST)


def answer(call: Call, desk: Desk) -> Reply:
    """What is known of it."""
    found = list(results_of(call.query, call.count, desk, site=SITE))
    first = found[0] if found else None
    told: dict[str, Any] = {
        "Type": "A" if first else "",
        "Heading": first.page.title if first else "",
        "Abstract": first.snippet if first else "",
        "AbstractText": first.snippet if first else "",
        "AbstractSource": first.page.site if first else "",
        "AbstractURL": first.url if first else "",
        "Answer": "",
        "Results": [],
        "RelatedTopics": _topics(found[1:]),
    }
    return Reply(body=encode(told), content_type=JAVASCRIPT)


def _topics(found: list[Result]) -> list[dict[str, Any]]:
    """The first half alone, the others in a group, as there."""
    topics: list[dict[str, Any]] = [
        {"FirstURL": one.url, "Text": f"{one.page.title} - {one.snippet}"} for one in found
    ]
    half = (len(topics) + 1) // 2
    group: list[dict[str, Any]] = (
        [{"Name": "See also", "Topics": topics[half:]}] if topics[half:] else []
    )
    return [*topics[:half], *group]


DUCKDUCKGO = Provider(
    name="duckduckgo",
    prefix="/duckduckgo",
    endpoints=(Endpoint(method="GET", path="/", read=read, answer=answer),),
    problem=problem,
    settings={"DUCKDUCKGO_API_BASE": ""},
    rate_headers=no_headers,
    keyed=False,
)
