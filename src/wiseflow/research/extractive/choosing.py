"""Which passages to take from what the searches returned. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wiseflow.research.extractive.reading import Reading
from wiseflow.research.extractive.vectors import term_vectors
from wiseflow.research.extractive.wanting import Wanted

# BM25's saturation and length normalisation. Source: S. Robertson and H. Zaragoza, "The
# Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.
SATURATION, LENGTH_SHARE = 1.2, 0.75
# What a term counts once a chosen passage holds it.
COVERED_SHARE = 0.3
# What a link to a chosen passage is worth, as a share of the topic's whole weight.
LINK_WORTH = 0.5
# What a shared name is worth beside one passage naming the other's title.
SHARED_NAME_LINK = 0.5
TITLE_WORTH = 0.6
NAMED_TITLE_WORTH = 0.25
SEARCH_WORTH = 0.3
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
    average = sum(reading.size for reading in readings) / max(len(readings), 1)
    rests = {
        id(reading): _Rest(reading, wanted, average, place)
        for place, reading in enumerate(readings)
    }
    shared = Counter(name for reading in readings for name in reading.names)
    remaining = list(readings)
    chosen: list[Scored] = []
    covered: set[str] = set()
    while remaining and len(chosen) < limit:
        gains = [rests[id(reading)].gain(covered, wanted) for reading in remaining]
        place = max(range(len(remaining)), key=gains.__getitem__)
        best = remaining.pop(place)
        chosen.append(Scored(reading=best, score=gains[place] / wanted.total))
        covered.update(best.counts.keys() & wanted.weights.keys())
        for reading in remaining:
            strength = _link(reading, best, shared)
            rests[id(reading)].link = max(strength, rests[id(reading)].link)
    return chosen


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
    likeness = vectors @ vectors.T
    worth = [item.score + _share(like, item.reading.counts) for item in found]
    repeated = [0.0] * len(found)
    chosen: list[int] = []
    rest = list(range(len(found)))
    while rest and len(chosen) < limit:
        best = max(rest, key=lambda row: worth[row] - REPEAT_COST * repeated[row])
        rest.remove(best)
        chosen.append(best)
        repeated = [max(old, float(new)) for old, new in zip(repeated, likeness[best], strict=True)]
        rest = [row for row in rest if repeated[row] < NEAR_DUPLICATE]
    return [found[row] for row in chosen]


def _share(wanted: Collection[str], held: Collection[str]) -> float:
    return sum(term in held for term in wanted) / max(len(wanted), 1)


class _Rest:
    """What a passage that is not chosen yet would add."""

    def __init__(self, reading: Reading, wanted: Wanted, average: float, place: int) -> None:
        length = 1 - LENGTH_SHARE + LENGTH_SHARE * reading.size / max(average, 1.0)
        self.parts: dict[str, float] = {}
        for term, weight in wanted.weights.items():
            count = reading.counts.get(term, 0)
            if count:
                part = weight * count * (SATURATION + 1) / (count + SATURATION * length)
                self.parts[term] = part + (TITLE_WORTH * weight if term in reading.title else 0)
        named = bool(reading.name) and f" {reading.name} " in wanted.running
        self.bonus = NAMED_TITLE_WORTH * wanted.total if named else 0.0
        self.bonus += SEARCH_WORTH * wanted.total / (place + 2)
        self.named = named
        self.link = 0.0

    def gain(self, covered: Collection[str], wanted: Wanted) -> float:
        fresh = sum(part for term, part in self.parts.items() if term not in covered)
        stale = sum(part for term, part in self.parts.items() if term in covered)
        uncovered = sum(
            weight
            for term, weight in wanted.weights.items()
            if term not in covered and term in self.parts
        )
        link = self.link * (LINK_WORTH * wanted.total * 0.5 + uncovered)
        return fresh + COVERED_SHARE * stale + self.bonus + link


def _link(one: Reading, other: Reading, shared: Mapping[str, int]) -> float:
    """How strongly two passages are linked, 0–1."""
    if other.tells_of(one.name) or one.tells_of(other.name):
        return 1.0
    rarest = min((shared[name] for name in one.names & other.names), default=0)
    return SHARED_NAME_LINK / math.sqrt(max(rarest - 1, 1)) if rarest else 0.0
