"""What the search protocols have alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from wiseflow.simulator.calls import Call, CallKind, Incoming
from wiseflow.simulator.problems import bad_request
from wiseflow.simulator.provider import Desk
from wiseflow.simulator.providers.messages import required, whole_number
from wiseflow.simulator.world import Page

WRITTEN_IN = "en"  # the language of all pages
DIGITS = re.compile(r"\d{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """What results must be besides fitting the query.

    Args:
        since: the first day, as YYYY-MM-DD; "" for any.
        until: the last day; "" for any.
        language: of two letters; "" for any.
    """

    since: str = ""
    until: str = ""
    language: str = ""

    def fits(self, page: Page) -> bool:
        """Whether a page is of these days."""
        return self.since <= page.published <= (self.until or page.published)


EVERYTHING = Only()


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


def iso_day(text: str) -> str:
    """A day written with its year first, as YYYY-MM-DD; "" where there is none.

    Raises:
        Unanswerable: it is something else.
    """
    if not text:
        return ""
    found = DIGITS.match(text.replace("-", "").replace("/", ""))
    if found is None:
        raise bad_request(f"'{text}' is no date")
    return f"{found[0][:4]}-{found[0][4:6]}-{found[0][6:8]}"


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


def results_of(
    query: str, count: int, desk: Desk, only: Only = EVERYTHING, site: str = ""
) -> Iterator[Result]:
    """What is found, the best first.

    Args:
        query: what is searched for.
        count: at most so many.
        desk: of the request.
        only: what else it must be.
        site: whose copies of the pages are found, at an address of their own; "" for the pages.
    """
    if desk.empty or only.language not in {"", WRITTEN_IN}:
        return
    place = f"site/{site}" if site else "pages"
    looked_at = count if only == EVERYTHING else len(desk.shop.world.pages)
    hits = (hit for hit in desk.shop.finder.find(query, looked_at) if only.fits(hit.page))
    for hit in islice(hits, count):
        yield Result(
            page=hit.page,
            url=f"{desk.address}/{place}/{hit.page.slug}",
            score=hit.score,
            snippet=hit.snippet,
        )
