"""Searches a collection."""

from __future__ import annotations

from pathlib import Path

from wiseflow.core.documents import Hit
from wiseflow.core.errors import InvalidInput, NotFound
from wiseflow.core.ports import Compute
from wiseflow.knowledge.index import PassageIndex, open_index
from wiseflow.library.collections import collection_folder, shown

MOST_HITS = 1_000
MOST_QUERY_CHARACTERS = 100_000


async def search_collection(
    compute: Compute, *, data_folder: Path, collection: str, query: str, k: int
) -> tuple[Hit, ...]:
    """The best ``k`` passages of a collection for a query, best first.

    Args:
        compute: runs the search.
        data_folder: where the indexes lie.
        collection: its name.
        query: words, a question or a longer text.
        k: how many at most, 1 to 1,000.

    Raises:
        InvalidInput: the query is blank or too long, or ``k`` is out of range.
        NotFound: there is no such collection, or it holds nothing.
    """
    if not query.strip():
        raise InvalidInput("the query is empty", cure="Say what to search for")
    if len(query) > MOST_QUERY_CHARACTERS:
        raise InvalidInput(
            f"the query has {len(query):,} characters, more than {MOST_QUERY_CHARACTERS:,}",
            cure="Search for a shorter text, or for its parts one by one",
        )
    if not 1 <= k <= MOST_HITS:
        raise InvalidInput(f"{k} hits cannot be returned", cure=f"Ask for 1 to {MOST_HITS:,}")
    folder = collection_folder(data_folder, collection).index
    try:
        return await compute.run(search_index, folder, query, k)
    except NotFound:
        raise NotFound(
            f"the collection {shown(collection)} has no index",
            cure="Index its documents: wiseflow index PATH… --collection NAME",
        ) from None


def search_index(folder: Path, query: str, k: int) -> tuple[Hit, ...]:
    """The best ``k`` passages of the index in ``folder``; an index once opened stays open."""
    index = _open.get(folder)
    if index is None:
        index = open_index(folder)
        _open.clear()
        _open[folder] = index
    else:
        index.refresh()
    return index.search(query, k=k)


# The one index that this process has open; it belongs to worker processes, which run one call at a
# time.
_open: dict[Path, PassageIndex] = {}
