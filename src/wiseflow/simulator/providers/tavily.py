"""Tavily's search.

Source: Tavily API reference, "Search".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiseflow.simulator.calls import Call, CallKind, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, ProblemKind, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.results import Only, Result, iso_day, read_search, results_of

PLAN_LIMIT = 432
STATUS: Mapping[ProblemKind, int] = {ProblemKind.QUOTA_SPENT: PLAN_LIMIT}


def problem(found: Problem) -> Reply:
    """An error in Tavily's words."""
    status = STATUS.get(found.kind, found.status)
    return error_reply(status, {"detail": {"error": found.message}})


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    return read_search(incoming, "max_results", 5, 20)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found."""
    body = desk.incoming.body
    results = [_result(one, desk) for one in results_of(call.query, call.count, desk, _only(body))]
    says = " ".join(one["content"] for one in results[:2]) if body.get("include_answer") else None
    return Reply(
        body=encode(
            {
                "query": call.query,
                "follow_up_questions": None,
                "answer": says,
                "images": [],
                "results": results,
                "response_time": desk.shop.options.latency(CallKind.SEARCH).mean_s,
                "request_id": f"req-{desk.number}",
            }
        )
    )


def _only(body: Mapping[str, Any]) -> Only:
    return Only(
        since=iso_day(str(body.get("start_date") or "")),
        until=iso_day(str(body.get("end_date") or "")),
    )


def _result(one: Result, desk: Desk) -> dict[str, Any]:
    raw = desk.shop.shelf.text(one.page) if desk.incoming.body.get("include_raw_content") else None
    return {
        "url": one.url,
        "title": one.page.title,
        "content": one.snippet,
        "score": one.score,
        "raw_content": raw,
        "published_date": one.page.published,
    }


TAVILY = Provider(
    name="tavily",
    prefix="/tavily",
    endpoints=(Endpoint(method="POST", path="/search", read=read, answer=answer),),
    problem=problem,
    settings={"TAVILY_API_BASE": ""},
)
