"""Passages as vectors of weighted terms, to tell how alike they are within one small pool. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float64]


def term_vectors(counts: Sequence[Mapping[str, int]]) -> Vectors:
    """One row of unit length for each text; terms that all of them have count nothing.

    Args:
        counts: how often each text has each of its terms.

    Source: G. Salton and C. Buckley, "Term-weighting approaches in automatic text retrieval"
        (1988): logarithmic counts, inverse document frequency, cosine normalisation.
    """
    frequency = Counter(term for terms in counts for term in terms)
    columns = {term: place for place, term in enumerate(frequency)}
    result: Vectors = np.zeros((len(counts), max(len(columns), 1)))
    for row, terms in enumerate(counts):
        for term, count in terms.items():
            rarity = math.log((len(counts) + 1) / frequency[term])
            result[row, columns[term]] = (1 + math.log(count)) * rarity
    norms = np.linalg.norm(result, axis=1, keepdims=True)
    return np.divide(result, norms, out=result, where=norms > 0)
