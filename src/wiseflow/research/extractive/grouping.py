"""Putting passages that belong together into groups. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from wiseflow.research.extractive.vectors import Vectors

# Groups less alike than this stay apart, unless there are too many of them.
LEAST_LIKENESS = 0.25


def agglomerate(vectors: Vectors, most: int, *, least: float = LEAST_LIKENESS) -> list[list[int]]:
    """Row numbers in groups: the two groups most alike are joined until none are, or few are left.

    Args:
        vectors: rows of unit length.
        most: how many groups there may be at last.
        least: the mean likeness from which two groups are joined in any case.

    Source: average linkage, R. Sokal and C. Michener, "A statistical method for evaluating
        systematic relationships" (1958).
    """
    groups = [[row] for row in range(len(vectors))]
    likeness: npt.NDArray[np.float64] = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    while len(groups) > 1:
        first, second = sorted(divmod(int(likeness.argmax()), len(groups)))
        if likeness[first, second] < least and len(groups) <= most:
            break
        sizes = len(groups[first]), len(groups[second])
        joined = (likeness[first] * sizes[0] + likeness[second] * sizes[1]) / sum(sizes)
        likeness[first, :] = likeness[:, first] = joined
        likeness[first, first] = -1.0
        likeness = np.delete(np.delete(likeness, second, axis=0), second, axis=1)
        groups[first] = sorted(groups[first] + groups[second])
        del groups[second]
    return groups


def members(groups: Sequence[Sequence[int]], least: int) -> list[Sequence[int]]:
    """The groups of at least ``least`` members, the one that holds the best passage first."""
    return sorted((group for group in groups if len(group) >= least), key=lambda group: group[0])
