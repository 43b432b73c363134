"""Passages as vectors of weighted terms, to tell how alike they are within one small pool. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float64]


def term_vectors(
    counts: Sequence[Mapping[str, int]], rarity: Callable[[str], float] | None = None
) -> Vectors:
    """A row for each text, so that the product of two rows says how alike the texts are, 0–1.

    Only terms of several texts have a column: the others make a text unlike all, by its length.

    Args:
        counts: how often each text has each of its terms.
        rarity: how much a term tells; when absent, it tells the texts from each other, and one
            that all of them have counts nothing.

    Source: G. Salton and C. Buckley, "Term-weighting approaches in automatic text retrieval"
        (1988): logarithmic counts, inverse document frequency, cosine normalisation.
    """
    frequency = Counter(term for terms in counts for term in terms)
    factors = {
        term: rarity(term) if rarity else math.log((len(counts) + 1) / found)
        for term, found in frequency.items()
    }
    shared = [term for term, found in frequency.items() if found > 1]
    columns = {term: place for place, term in enumerate(shared)}
    result: Vectors = np.zeros((len(counts), max(len(columns), 1)))
    for row, terms in enumerate(counts):
        weights = {term: (1 + math.log(count)) * factors[term] for term, count in terms.items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        for term, weight in weights.items():
            if (column := columns.get(term)) is not None:
                result[row, column] = weight / norm
    return result
