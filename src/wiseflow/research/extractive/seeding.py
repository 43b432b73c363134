"""The passages a subject surely stands on: alike, and together holding what it names. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from wiseflow.knowledge.analysis import terms
from wiseflow.research.extractive.reading import Reading
from wiseflow.research.extractive.vectors import Vectors, term_vectors
from wiseflow.research.extractive.wanting import Wanted

Rarity = Callable[[str], float]

SEEDS = 5
# A passage whose likeness to the first, times what it holds of the subject, is a smaller share of
# the best one's is no seed: a subject may have fewer passages than seeds are looked for.
LEAST_SHARE = 0.35
# How surely one passage that has a word is about what the word means in the subject.
TRUST = 0.7
# What the seeds have in common goes into the second search, so many words of it.
COMMON_WORDS = 8
_WORD = re.compile(r"\w+")


def seeds_of(readings: Sequence[Reading], wanted: Wanted, rarity: Rarity) -> list[int]:
    """The rows of the passages that are surely on a subject, the middle one first.

    Of every passage with those most like it, the group is taken that is alike, holds much of the
    subject passage by passage, and together holds all of it. Passages that only happen to have a
    few of the subject's words are not alike, or lack the same words all of them.

    Args:
        readings: what a search for the subject returned.
        wanted: the subject.
        rarity: how much a term tells in the whole collection.
    """
    if not readings:
        return []
    held = np.array([wanted.held(reading) for reading in readings])
    shares = np.array(list(wanted.weights.values())) / wanted.total
    vectors = term_vectors([reading.counts for reading in readings], rarity)
    likeness: Vectors = vectors @ vectors.T
    np.fill_diagonal(likeness, 0.0)
    groups = [_group(row, likeness, held @ shares) for row in range(len(readings))]
    worths = [_worth(group, likeness, held, shares) for group in groups]
    return groups[int(np.argmax(worths))]


def common_words(readings: Sequence[Reading], wanted: Wanted, rarity: Rarity) -> list[str]:
    """What passages on a subject have in common beside its own words, as they write it."""
    spread = Counter(term for reading in readings for term in reading.counts)
    worths = {
        term: sum(math.log1p(reading.counts[term]) for reading in readings) * rarity(term)
        for term, passages in spread.items()
        if passages > 1 and term not in wanted.weights
    }
    best = sorted(worths, key=lambda term: (-worths[term], term))[:COMMON_WORDS]
    forms = _forms(readings)
    return [forms.get(term, term) for term in best]


def _group(first: int, likeness: Vectors, coverage: Vectors) -> list[int]:
    """A passage with those most like it that hold something of the subject."""
    ties = likeness[first] * coverage
    others = [int(row) for row in np.argsort(-ties, kind="stable")[: SEEDS - 1] if row != first]
    least = LEAST_SHARE * float(ties.max())
    return [first, *(row for row in others if ties[row] > 0 and ties[row] >= least)]


def _worth(
    group: Sequence[int], likeness: Vectors, held: npt.NDArray[np.float64], shares: Vectors
) -> float:
    """How well a group stands for a subject: alike, holding it each, and holding it together."""
    alike = float(likeness[group[0], group[1:]].sum()) / (SEEDS - 1)
    together = 1 - np.prod(1 - TRUST * held[group], axis=0)
    each = float((held[group] @ shares).mean())
    return math.sqrt(alike) * float(together @ shares) * each


def _forms(readings: Sequence[Reading]) -> dict[str, str]:
    """How each term is first written."""
    found: dict[str, str] = {}
    for reading in readings:
        for word in _WORD.findall(reading.hit.passage.text):
            for term in terms(word, reading.hit.language)[:1]:
                found.setdefault(term, word)
    return found
