"""The index as the author's functions open it inside a worker process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from wiseflow.core.documents import Hit
from wiseflow.knowledge.index import PassageIndex, open_index
from wiseflow.knowledge.lookup import Filters
from wiseflow.knowledge.ranking import HYBRID, Weights

# A worker serves a few collections at a time; an open index is a mapping, not a copy.
OPEN_INDEXES = 8
KEPT_SEARCHES = 64
KEPT_RARITIES = 65_536


def opened(folder: Path) -> PassageIndex:
    """The newest commit of the index in ``folder``, kept open between calls.

    Raises:
        NotFound: there is no index, or it holds nothing.
        StorageError: the disk refuses.
    """
    index = _kept(folder)
    index.refresh()
    return index


def search(
    folder: Path, query: str, k: int, weights: Weights = HYBRID, language: str = ""
) -> tuple[Hit, ...]:
    """The best ``k`` passages, of a language if one is given.

    They are kept for a while, because a plan and its sections ask alike.

    Raises:
        NotFound: there is no index, or it holds nothing.
        StorageError: the disk refuses.
    """
    return _found(folder, opened(folder).generation, query, k, weights, language)


@lru_cache(maxsize=KEPT_SEARCHES)
def _found(
    folder: Path, generation: int, query: str, k: int, weights: Weights, language: str
) -> tuple[Hit, ...]:
    del generation  # a part of the key: another generation is searched anew
    return _kept(folder).search(query, k=k, filters=Filters(language=language), weights=weights)


def rarity(folder: Path) -> Callable[[str], float]:
    """How much a term, as passages have it, tells in the index.

    Raises:
        NotFound: there is no index, or it holds nothing.
        StorageError: the disk refuses.
    """
    return partial(_rarity, folder, opened(folder).generation)


@lru_cache(maxsize=KEPT_RARITIES)
def _rarity(folder: Path, generation: int, term: str) -> float:
    del generation  # a part of the key, as above
    # Without a language the term is looked up as it is, not stemmed again.
    return _kept(folder).inverse_document_frequency(term, language="")


@lru_cache(maxsize=OPEN_INDEXES)
def _kept(folder: Path) -> PassageIndex:
    return open_index(folder)
