"""How much a sentence serves: for a question what it answers, for a subject what it tells. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Evidence
from wiseflow.core.documents import Hit
from wiseflow.research.extractive.reading import Line, Reading, lines, read
from wiseflow.research.extractive.wanting import Wanted

# The log-odds that a sentence supports the answer, by rank of its passage and by features named in
# ``_answering``: a logistic regression on the sentences of 260 passages, rounded; on left-out
# questions the sentences it chooses have an F1 of .64 against the labelled ones.
RANK = (0.9, 1.9, 0.3)
BIAS, FOUND, COVERS, STANDS_OUT, ADDS = -4.2, 1.8, 0.3, 1.5, 2.6
NAMES_OTHER, SHARES_NAME, OPENS, LENGTH = 0.7, 0.45, 0.6, -0.2
# A subject's sentences: what is common to the evidence, what the topic names, and the opening.
CENTRAL, ON_TOPIC, OPENING, BEST_PASSAGE, POINTS_BACK = 1.0, 0.6, 0.15, 0.3, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A sentence that may be said.

    Args:
        hit: its passage.
        rank: of its passage in the evidence, from 0.
        line: the sentence.
        score: how well it serves, 0–1 for a question: the probability that it supports the answer.
        before: the sentence just before it, where it points back to one.
    """

    hit: Hit
    rank: int
    line: Line
    score: float
    before: Line | None = None


def weigh(evidence: Sequence[Evidence], wanted: Wanted) -> list[Candidate]:
    """Every sentence of the evidence that may be quoted, with its score."""
    readings = [read(item.hit) for item in evidence]
    scores = (
        _answering(evidence, readings, wanted) if wanted.question else _telling(readings, wanted)
    )
    return [
        Candidate(
            hit=item.hit,
            rank=rank,
            line=line,
            score=scores[rank][place],
            before=found[place - 1]
            if line.dangling and place and found[place - 1].place == line.place - 1
            else None,
        )
        for rank, item in enumerate(evidence)
        for found in [lines(item.hit)]
        for place, line in enumerate(found)
    ]


def _answering(
    evidence: Sequence[Evidence], readings: Sequence[Reading], wanted: Wanted
) -> list[list[float]]:
    best = max((item.score for item in evidence), default=0.0) or 1.0
    before: set[str] = set()
    scores: list[list[float]] = []
    for rank, (item, reading) in enumerate(zip(evidence, readings, strict=True)):
        others = [other for place, other in enumerate(readings[:3]) if place != rank]
        base = BIAS + (RANK[rank] if rank < len(RANK) else 0.0) + FOUND * item.score / best
        found = lines(item.hit)
        covers = [wanted.coverage(line.terms) for line in found]
        scores.append(
            [
                _probability(
                    base
                    + COVERS * covers[place]
                    + STANDS_OUT * (covers[place] - _best_but(covers, place))
                    + ADDS * wanted.coverage(line.terms - before)
                    + _links(line, reading, others)
                    + OPENS * (line.place == 0)
                    + LENGTH * math.log(len(line.terms) + 1)
                )
                for place, line in enumerate(found)
            ]
        )
        before.update(reading.counts)
    return scores


def _links(line: Line, reading: Reading, others: Sequence[Reading]) -> float:
    """What it is worth that a sentence names another passage's title, or shares a name with it."""
    names_other = any(other.name and f" {other.name} " in line.running for other in others)
    shares = any(
        f" {name} " in line.running for other in others[:2] for name in other.names & reading.names
    )
    return NAMES_OTHER * names_other + SHARES_NAME * shares


def _telling(readings: Sequence[Reading], wanted: Wanted) -> list[list[float]]:
    spread = Counter(term for reading in readings for term in reading.counts)
    return [
        [
            CENTRAL * _centrality(line.terms, spread, len(readings))
            + ON_TOPIC * wanted.coverage(line.terms | reading.title)
            + OPENING * (line.place == 0)
            + BEST_PASSAGE / (rank + 2)
            - POINTS_BACK * line.dangling
            for line in lines(reading.hit)
        ]
        for rank, reading in enumerate(readings)
    ]


def _centrality(terms: Collection[str], spread: Mapping[str, int], size: int) -> float:
    """How much of what the evidence has in common a sentence holds, not rewarding sheer length."""
    shared = sum((spread[term] - 1) / max(size - 1, 1) for term in terms)
    return shared / math.sqrt(max(len(terms), 8))


def _best_but(values: Sequence[float], place: int) -> float:
    return max((value for other, value in enumerate(values) if other != place), default=0.0)


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
