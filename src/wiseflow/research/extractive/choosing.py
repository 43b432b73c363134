"""Which passages to take from what the searches returned. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wiseflow.research.extractive.reading import Reading
from wiseflow.research.extractive.vectors import Vectors, term_vectors
from wiseflow.research.extractive.wanting import Wanted

# BM25's saturation and length normalisation. Source: S. Robertson and H. Zaragoza, "The
# Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.
SATURATION, LENGTH_SHARE = 1.2, 0.75
# What a term counts once a chosen passage holds it.
COVERED_SHARE = 0.3
# What a link to a chosen passage is worth, as a share of the topic's whole weight.
LINK_WORTH = 0.25
# What a shared name is worth beside one passage naming the other's title.
SHARED_NAME_LINK = 0.5
TITLE_WORTH = 0.6
NAMED_TITLE_WORTH = 0.25
SEARCH_WORTH = 0.3
# How many of the first passages are looked at for what they lead to; what a name's place in one
# costs, from its beginning to its end; and what each word of a name is worth, as more are surer.
BRIDGES = 2
LATE_COST, WORD_WORTH = 0.3, 0.02
# Passages more alike than this say the same.
NEAR_DUPLICATE = 0.85
REPEAT_COST = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A passage and how well it serves, 0–1 where it is a relevance."""

    reading: Reading
    score: float


def greedy_set(readings: Sequence[Reading], wanted: Wanted, limit: int) -> list[Scored]:
    """Passages that together answer a question.

    The best one first; then those that hold what is still uncovered, above all when they are linked
    to a chosen one: by its title, or by a name that few passages share.

    Args:
        readings: what the searches returned, the best first.
        wanted: the question.
        limit: how many to choose.
    """
    pool = _Pool(readings, wanted)
    shared = Counter(name for reading in readings for name in reading.names)
    links = np.zeros(len(readings))
    chosen: dict[int, float] = {}
    while len(chosen) < min(limit, len(readings)):
        gains = pool.gains(links)
        gains[list(chosen)] = -np.inf
        best = int(gains.argmax())
        chosen[best] = float(gains[best]) / wanted.total
        pool.cover(best)
        if len(chosen) < limit:
            strengths = [_link(reading, readings[best], shared) for reading in readings]
            links = np.maximum(links, strengths)
    return [Scored(reading=readings[row], score=score) for row, score in chosen.items()]


def chained(readings: Sequence[Reading], wanted: Wanted, limit: int) -> list[Scored]:
    """As ``greedy_set``, but each of the first passages is followed by the one it leads to.

    That is the passage about somebody or something which the first one names and the question does
    not, and which holds most of what the first one leaves open. A passage about what the answer is
    about seldom shares the question's words, so its words alone would place it far behind.

    Args:
        readings: what several searches returned.
        wanted: the question.
        limit: how many to choose.
    """
    chosen = greedy_set(readings, wanted, limit)
    order = list(chosen)
    for first in chosen[:BRIDGES]:
        led_to = _led_to(first.reading, readings, wanted)
        if led_to is None:
            continue
        place = next(at for at, item in enumerate(order) if item.reading is first.reading) + 1
        if any(item.reading is led_to for item in order[:place]):
            continue
        order = [item for item in order if item.reading is not led_to]
        order.insert(place, Scored(reading=led_to, score=first.score))
    return order[:limit]


def diverse(found: Sequence[Scored], limit: int, like: Collection[str]) -> list[Scored]:
    """Passages on a subject without repetition: relevance against likeness to what is chosen.

    Args:
        found: passages on the subject, the best first.
        limit: how many to choose.
        like: terms they should have.

    Source: J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering
        Documents and Producing Summaries" (1998).
    """
    vectors = term_vectors([item.reading.counts for item in found])
    likeness: Vectors = vectors @ vectors.T
    worth = np.array([item.score + _share(like, item.reading.counts) for item in found])
    repeated = np.zeros(len(found))
    chosen: list[int] = []
    while len(chosen) < min(limit, len(found)) and worth.max() > -np.inf:
        best = int((worth - REPEAT_COST * repeated).argmax())
        chosen.append(best)
        repeated = np.maximum(repeated, likeness[best])
        worth[(repeated >= NEAR_DUPLICATE) | (np.arange(len(found)) == best)] = -np.inf
    return [found[row] for row in chosen]


def _led_to(first: Reading, readings: Sequence[Reading], wanted: Wanted) -> Reading | None:
    """The passage that ``first`` leads to, or ``None``."""
    open_terms = {
        term: weight for term, weight in wanted.weights.items() if term not in first.counts
    }
    total = sum(open_terms.values()) or 1.0

    def worth(reading: Reading) -> float:
        held = sum(weight for term, weight in open_terms.items() if term in reading.counts)
        named_at = first.running.find(f" {reading.name} ") / max(len(first.running), 1)
        return held / total - LATE_COST * named_at + WORD_WORTH * len(reading.name.split())

    about = [
        reading
        for reading in readings
        if reading.name != first.name
        and first.tells_of(reading.name)
        and not wanted.tells_of(reading.name)
    ]
    best = max(about, key=worth, default=None)
    return best if best is not None and worth(best) > 0 else None


def _share(wanted: Collection[str], held: Collection[str]) -> float:
    return sum(term in held for term in wanted) / max(len(wanted), 1)


class _Pool:
    """What each passage adds to an answer while its terms are being covered."""

    def __init__(self, readings: Sequence[Reading], wanted: Wanted) -> None:
        terms = list(wanted.weights)
        average = sum(reading.size for reading in readings) / max(len(readings), 1)
        lengths = np.array([[reading.size / max(average, 1.0)] for reading in readings])
        counts = np.array([[reading.counts[term] for term in terms] for reading in readings])
        titled = np.array([[term in reading.title for term in terms] for reading in readings])
        damped = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths)
        self._weights = np.array([wanted.weights[term] for term in terms])
        self._held = counts > 0
        parts = counts * (SATURATION + 1) / (counts + damped) + TITLE_WORTH * titled
        self._parts = parts * self._weights
        self._factors = np.ones(len(terms))
        named = np.array([wanted.tells_of(reading.name) for reading in readings])
        found = 1.0 / np.arange(2, len(readings) + 2)
        self._total = wanted.total
        self._bonus = self._total * (NAMED_TITLE_WORTH * named + SEARCH_WORTH * found)

    def gains(self, links: Vectors) -> Vectors:
        """What each passage would add now, given how it is linked to what is chosen."""
        uncovered = self._held @ (self._weights * (self._factors == 1))
        linked = links * (LINK_WORTH * self._total + uncovered)
        result: Vectors = self._parts @ self._factors + self._bonus + linked
        return result

    def cover(self, row: int) -> None:
        """Take the terms of a passage as covered."""
        self._factors[self._held[row]] = COVERED_SHARE


def _link(one: Reading, other: Reading, shared: Mapping[str, int]) -> float:
    """How strongly two passages are linked, 0–1."""
    if other.tells_of(one.name) or one.tells_of(other.name):
        return 1.0
    rarest = min((shared[name] for name in one.names & other.names), default=0)
    return SHARED_NAME_LINK / math.sqrt(max(rarest - 1, 1)) if rarest else 0.0
