"""What the indexes of papers have alike: the world's pages as papers, each with a DOI."""

from __future__ import annotations

from zlib import crc32

from wiseflow.simulator.calls import Call, CallKind, Incoming
from wiseflow.simulator.problems import bad_request
from wiseflow.simulator.world import Page

PREFIX = "10.5555"  # of DOIs that are examples
MOST_NUMBERS = 90_000_000


def number_of(page: Page) -> int:
    """A number of eight digits, the same for a page wherever it is asked for."""
    return 10_000_000 + crc32(page.slug.encode()) % MOST_NUMBERS


def doi_of(page: Page) -> str:
    """The DOI of a page as a paper; the same in all indexes."""
    return f"{PREFIX}/world.{number_of(page)}"


def abstract_of(page: Page) -> str:
    """What a page says, without all around it."""
    return " ".join(page.sentences)


def read_query(incoming: Incoming, query: str, count_name: str, count: int, most: int) -> Call:
    """What a search by GET asks for.

    Args:
        incoming: the request.
        query: what is searched for.
        count_name: the parameter that says how many results are wanted.
        count: how many there are where it is missing.
        most: how many there are at most.

    Raises:
        Unanswerable: it has no query, or a wrong count.
    """
    if not query.strip():
        raise bad_request("there is no query")
    wanted = incoming.query.get(count_name) or str(count)
    if not wanted.isdecimal() or not 1 <= int(wanted) <= most:
        raise bad_request(f"{count_name} must be a whole number from 1 to {most}")
    return Call(kind=CallKind.SEARCH, query=query, count=int(wanted))


def filters_of(text: str) -> dict[str, str]:
    """Filters written as ``name:value,name:value``.

    Raises:
        Unanswerable: they are written otherwise.
    """
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, colon, value = part.partition(":")
        if not colon:
            raise bad_request(f"Invalid filter: {part}")
        found[name] = value
    return found
