"""OpenAlex's search of works.

Source: OpenAlex API reference, "Works", "Filters", "Errors".
"""

from __future__ import annotations

from typing import Any

from wiseflow.simulator.calls import Call, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.papers import (
    abstract_of,
    doi_of,
    filters_of,
    number_of,
    read_query,
)
from wiseflow.simulator.providers.results import WRITTEN_IN, Only, Result, iso_day, results_of

SITE = "openalex.example"
FILTERS = {"is_retracted", "from_publication_date", "to_publication_date", "language"}


def problem(found: Problem) -> Reply:
    """An error in OpenAlex's words."""
    return error_reply(found.status, {"error": found.kind, "message": found.message})


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    for name in filters_of(incoming.query.get("filter", "")):
        if name not in FILTERS:
            raise bad_request(f"Unknown filter field: {name}")
    return read_query(incoming, incoming.query.get("search", ""), "per_page", 25, 100)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found."""
    filters = filters_of(desk.incoming.query.get("filter", ""))
    only = Only(
        since=iso_day(filters.get("from_publication_date", "")),
        until=iso_day(filters.get("to_publication_date", "")),
        language=filters.get("language", ""),
    )
    works = [_work(one) for one in results_of(call.query, call.count, desk, only, SITE)]
    return Reply(body=encode({"meta": {"count": len(works), "page": 1}, "results": works}))


def _work(one: Result) -> dict[str, Any]:
    return {
        "id": f"https://openalex.org/W{number_of(one.page)}",
        "doi": f"https://doi.org/{doi_of(one.page)}",
        "display_name": one.page.title,
        "publication_date": one.page.published,
        "language": WRITTEN_IN,
        "relevance_score": 100 * one.score,
        "primary_location": {
            "landing_page_url": one.url,
            "pdf_url": None,
            "source": {"display_name": one.page.site, "type": "journal"},
        },
        "authorships": [
            {"author_position": "middle", "author": {"display_name": name}, "raw_author_name": name}
            for name in one.page.authors
        ],
        "abstract_inverted_index": _inverted(abstract_of(one.page)),
    }


def _inverted(text: str) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(text.split()):
        index.setdefault(word, []).append(place)
    return index


OPENALEX = Provider(
    name="openalex",
    prefix="/openalex",
    endpoints=(Endpoint(method="GET", path="/works", read=read, answer=answer),),
    problem=problem,
    settings={"OPENALEX_API_BASE": ""},
)
