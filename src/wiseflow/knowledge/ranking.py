"""How the lists of a search become one: pure numbers, no index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wiseflow.knowledge.embedding import Matrix
from wiseflow.knowledge.vectors import Rows

# Hashed vectors of unrelated texts differ from 0 by .044 at 512 numbers (one standard deviation).
LEAST_SIMILARITY = 0.15
_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What counts how much in a search, beside BM25 over the terms, which counts 1.

    Args:
        phrase: the BM25 score of two neighbouring words of the query found side by side.
        name: a title that the query names, times the idf of its rarest word.
        vector: the similarity of vectors, beside the lexical score, each divided by its best.
    """

    phrase: float = 0.2
    name: float = 1.0
    vector: float = 0.1


HYBRID = Weights()
# The yardstick: BM25 with k1 1.2 and b .75 over title, headings and text as one, nothing else.
PLAIN_BM25 = Weights(phrase=0.0, name=0.0, vector=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Candidates with their scores, in no order; arrays of one length.

    Args:
        rows: which passages.
        scores: the fused ones.
        lexical_ranks, vector_ranks: from 1, or 0 where a list does not have the candidate.
    """

    rows: Rows
    scores: Matrix
    lexical_ranks: Rows
    vector_ranks: Rows

    def best(self, k: int) -> Rows:
        """The positions of the best ``k``, and of those that tie with the last of them."""
        if k >= len(self.scores):
            return np.arange(len(self.scores))
        least = -np.partition(-self.scores, k - 1)[k - 1]
        return np.flatnonzero(self.scores >= least)


def fuse(
    lexical: tuple[Rows, Matrix], near: tuple[Rows, Matrix], *, weight: float, listed: int
) -> Ranking:
    """One ranking from two lists of rows with scores.

    Args:
        lexical: by terms.
        near: by vectors; has every row of ``lexical`` too, unless it is empty.
        weight: how much the second counts.
        listed: down to which rank ``near`` is complete; below it, ranks are not told.

    Source: E. Fox and J. Shaw, "Combination of Multiple Searches" (1994): CombSUM, each list
        divided by its best score.
    """
    rows = np.union1d(lexical[0], near[0])
    scores, ranks = _spread(rows, *lexical)
    similarities, near_ranks = _spread(rows, *near)
    total = _normalised(scores) + weight * _normalised(similarities)
    return Ranking(
        rows=rows,
        # Rounded, so that twins tie although sums in another order differ in their last bits.
        scores=np.round(total, _DECIMALS).astype(np.float32),
        lexical_ranks=ranks,
        vector_ranks=np.where(near_ranks <= listed, near_ranks, 0),
    )


def nearest(similarities: Matrix, limit: int) -> Rows:
    """The positions of the ``limit`` greatest similarities that are more than chance."""
    near = np.flatnonzero(similarities >= LEAST_SIMILARITY)
    if len(near) <= limit:
        return near
    return near[np.argpartition(-similarities[near], limit - 1)[:limit]]


def _spread(rows: Rows, known: Rows, scores: Matrix) -> tuple[Matrix, Rows]:
    places = np.searchsorted(rows, known)
    spread: Matrix = np.zeros(len(rows), np.float32)
    spread[places] = scores
    ranks: Rows = np.zeros(len(rows), np.int64)
    ranks[places[np.argsort(-scores, kind="stable")]] = np.arange(1, len(known) + 1)
    return spread, ranks


def _normalised(scores: Matrix) -> Matrix:
    best = scores.max(initial=0.0)
    return np.divide(scores, best, dtype=np.float32) if best > 0 else scores
