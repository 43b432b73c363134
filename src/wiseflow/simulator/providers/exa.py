"""Exa's search, with contents.

Source: Exa API reference, "Search", "Error codes".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiseflow.simulator.calls import Call, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, ProblemKind, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.messages import fields_of
from wiseflow.simulator.providers.results import Only, Result, iso_day, read_search, results_of

WORDS: Mapping[ProblemKind, tuple[int, str]] = {
    ProblemKind.BAD_REQUEST: (400, "INVALID_REQUEST_BODY"),
    ProblemKind.KEY_INVALID: (401, "INVALID_API_KEY"),
    ProblemKind.QUOTA_SPENT: (402, "NO_MORE_CREDITS"),
    ProblemKind.RATE_LIMITED: (429, "RATE_LIMITED"),
    ProblemKind.UNAVAILABLE: (503, "SERVICE_UNAVAILABLE"),
}


def problem(found: Problem) -> Reply:
    """An error in Exa's words."""
    status, tag = WORDS.get(found.kind, (found.status, "DEFAULT_ERROR"))
    return error_reply(status, {"requestId": "req", "error": found.message, "tag": tag})


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    return read_search(incoming, "numResults", 10, 100)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found."""
    asked = desk.incoming.body
    only = Only(
        since=iso_day(str(asked.get("startPublishedDate") or "")),
        until=iso_day(str(asked.get("endPublishedDate") or "")),
    )
    body: dict[str, Any] = {
        "requestId": f"req-{desk.number}",
        "resolvedSearchType": "neural",
        "results": [_result(one, desk) for one in results_of(call.query, call.count, desk, only)],
        "costDollars": {"total": 0.005},
    }
    return Reply(body=encode(body))


def _result(one: Result, desk: Desk) -> dict[str, Any]:
    return {
        "id": one.url,
        "url": one.url,
        "title": one.page.title,
        "score": one.score,
        "publishedDate": f"{one.page.published}T08:00:00.000Z",
        "author": ", ".join(one.page.authors),
        **_contents(one, desk, fields_of(desk.incoming.body.get("contents"))),
    }


def _contents(one: Result, desk: Desk, wanted: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if text := wanted.get("text"):
        most = fields_of(text).get("maxCharacters")
        made["text"] = desk.shop.shelf.text(one.page)[: most if isinstance(most, int) else None]
    if wanted.get("highlights"):
        made |= {"highlights": [one.snippet], "highlightScores": [one.score]}
    if wanted.get("summary"):
        made["summary"] = one.snippet
    return made


EXA = Provider(
    name="exa",
    prefix="/exa",
    endpoints=(Endpoint(method="POST", path="/search", read=read, answer=answer),),
    problem=problem,
    settings={"EXA_API_BASE": ""},
)
