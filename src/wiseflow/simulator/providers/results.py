"""What the search protocols have alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wiseflow.simulator.calls import Call, CallKind, Incoming
from wiseflow.simulator.provider import Desk
from wiseflow.simulator.providers.messages import required, whole_number
from wiseflow.simulator.world import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One page that was found.

    Args:
        page: which.
        url: its address on the simulator.
        score: from 0 to 1.
        snippet: what fits the query.
    """

    page: Page
    url: str
    score: float
    snippet: str


def read_search(incoming: Incoming, count_name: str, count: int, most: int) -> Call:
    """What a search by POST asks for.

    Args:
        incoming: the request.
        count_name: the field that says how many results are wanted.
        count: how many there are where it is missing.
        most: how many there are at most.

    Raises:
        Unanswerable: it has no query, or a wrong count.
    """
    wanted = whole_number(incoming, count_name, count) or count
    return Call(kind=CallKind.SEARCH, query=required(incoming, "query"), count=min(wanted, most))


def results_of(query: str, count: int, desk: Desk) -> Iterator[Result]:
    """What is found, the best first."""
    if desk.empty:
        return
    for hit in desk.shop.finder.find(query, count):
        yield Result(
            page=hit.page,
            url=f"{desk.address}/pages/{hit.page.slug}",
            score=hit.score,
            snippet=hit.snippet,
        )
