"""What is known of words: by an index, opened inside a worker process, or by passages at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path

from wiseflow.core.authoring import Evidence
from wiseflow.core.documents import Hit
from wiseflow.knowledge.analysis import terms
from wiseflow.knowledge.index import PassageIndex, open_index
from wiseflow.knowledge.lookup import Filters
from wiseflow.knowledge.querying import inverse_frequency
from wiseflow.knowledge.ranking import HYBRID, Weights
from wiseflow.research.extractive.reading import read
from wiseflow.research.extractive.wanting import Vocabulary

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


class PassageVocabulary:
    """How rare words are in a few passages; see ``Vocabulary``.

    Args:
        evidence: the passages.
    """

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        hits = {item.hit.passage.passage_id: item.hit for item in evidence}
        self._spread = Counter(term for hit in hits.values() for term in read(hit).counts)
        self._size = len(hits)

    def document_frequency(self, term: str, *, language: str) -> int:
        """How many passages have the (first) word of ``term``."""
        return max((self._spread[form] for form in terms(term, language)[:1]), default=0)

    def inverse_document_frequency(self, term: str, *, language: str) -> float:
        """How much the word tells among these passages; never negative."""
        return inverse_frequency(self.document_frequency(term, language=language), self._size)


def vocabulary(folder: Path | None, evidence: Iterable[Evidence]) -> Vocabulary:
    """What the index in ``folder`` knows of words; without one, what the evidence shows.

    Raises:
        NotFound: there is no index, or it holds nothing.
        StorageError: the disk refuses.
    """
    return PassageVocabulary(evidence) if folder is None else opened(folder)


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
