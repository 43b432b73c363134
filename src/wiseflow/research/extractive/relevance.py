"""Which passages are about a topic, and whether the documents hold anything on it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wiseflow.research.extractive.choosing import Scored
from wiseflow.research.extractive.reading import Reading, lines
from wiseflow.research.extractive.seeding import Rarity
from wiseflow.research.extractive.vectors import Vectors, term_vectors
from wiseflow.research.extractive.wanting import Wanted

# The share of a topic's weight that the best passage has to hold; with less, only common words of
# the topic occur, and the documents hold nothing on it.
# A long question always has words that the answer does not repeat, so it needs a smaller share: all
# of 154 answerable questions have .31 and more, and nine tenths of 104 put to other documents less.
LEAST_OF_SHORT, LEAST_OF_LONG = 0.44, 0.28
SHORT, LESS_A_TERM = 4, 0.04
# What has more terms than any question is a text, of which a passage holds ever less.
QUESTION_TERMS = 24
# Documents that hold so much of a topic's words answer it, whatever number or code they lack.
WELL_WORDED = 0.7
# A passage on a subject holds at least this share of what the best one holds.
LEAST_OF_BEST = 0.5
# The log-odds that a passage is on the subject, fitted by logistic regression on 42 subjects with
# 2,090 passages (an article's paragraphs against those of other articles). On subjects left out,
# with the bound below, 98 % of the passages kept are on theirs.
BIAS, COVERAGE, SEARCH, LIKENESS, LIKENESS_SHARE = -4.75, 2.8, 1.4, 3.2, 5.4
LEAST_CERTAINTY = 0.85
# A passage that says the subject itself is on it, whatever the others are like.
WHOLE = 0.95
# In fewer passages than this nothing stands out by what the others are like.
SMALL_POOL, MOST_OF_SUBJECT = 8, 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What other passages are compared with.

    Args:
        seeds: the rows of the passages that are surely on the subject.
        rarity: how much a term tells in the whole collection.
    """

    seeds: Sequence[int]
    rarity: Rarity


def relevant(
    readings: Sequence[Reading],
    wanted: Wanted,
    search_scores: Sequence[float],
    core: Core | None = None,
) -> list[Scored]:
    """The passages on a topic, the best first; none when the documents hold nothing on it.

    Args:
        readings: what a search for the topic returned.
        wanted: the topic.
        search_scores: of the readings in that search.
        core: what a subject's passages are compared with; a question needs none.
    """
    coverage = [wanted.share_in(reading) for reading in readings]
    found = [reading for reading, score in zip(readings, search_scores, strict=True) if score > 0]
    if not _holds_topic(found, wanted):
        return []
    best = max(coverage)
    if core is None:
        scored = _scored(readings, coverage)
        return [item for item in scored if item.score > 0]
    certainty = _certainties(readings, coverage, search_scores, core)
    certainty = [
        max(sure, WHOLE) if _holds_whole(reading, wanted, covers, len(readings)) else sure
        for reading, sure, covers in zip(readings, certainty, coverage, strict=True)
    ]
    kept = [
        item
        for item, covers in zip(_scored(readings, certainty), coverage, strict=True)
        if item.score >= LEAST_CERTAINTY
        and covers >= LEAST_OF_BEST * best
        and lines(item.reading.hit)
    ]
    ranked = sorted(kept, key=lambda item: -item.score)
    return ranked or _nearest(_scored(readings, certainty))


def _holds_topic(found: Sequence[Reading], wanted: Wanted) -> bool:
    """Whether what the topic itself found holds enough of it; follow-ups drift to what is there."""
    best = max((wanted.share_in(reading) for reading in found), default=0.0)
    worded = max((wanted.worded_share_in(reading) for reading in found), default=0.0)
    return best >= least_coverage(wanted) or worded >= WELL_WORDED


def least_coverage(wanted: Wanted) -> float:
    """The share of a topic's weight below which the documents hold nothing on it."""
    if not wanted.question:
        return LEAST_OF_SHORT
    size = len(wanted.weights)
    least = max(LEAST_OF_LONG, LEAST_OF_SHORT - LESS_A_TERM * (size - SHORT))
    return least * math.sqrt(min(1.0, QUESTION_TERMS / size))


def _scored(readings: Sequence[Reading], scores: Sequence[float]) -> list[Scored]:
    return [
        Scored(reading=reading, score=score)
        for reading, score in zip(readings, scores, strict=True)
    ]


def _nearest(scored: Sequence[Scored]) -> list[Scored]:
    """The best passage of those that hold a sentence to quote."""
    ranked = sorted(scored, key=lambda item: -item.score)
    return next(([item] for item in ranked if lines(item.reading.hit)), ranked[:1])


def _certainties(
    readings: Sequence[Reading],
    coverage: Sequence[float],
    search_scores: Sequence[float],
    core: Core,
) -> list[float]:
    """How sure it is that each passage is on the subject, 0–1."""
    vectors = term_vectors([reading.counts for reading in readings], core.rarity)
    likeness = _likeness(vectors, np.array(coverage), core.seeds)
    most_alike = max(float(likeness.max()), 1e-9)
    best_score = max(*search_scores, 1e-9)
    certainties: list[float] = []
    for covers, score, alike in zip(coverage, search_scores, likeness.tolist(), strict=True):
        odds = BIAS + COVERAGE * covers + SEARCH * score / best_score
        odds += LIKENESS * alike + LIKENESS_SHARE * alike / most_alike
        certainties.append(1 / (1 + math.exp(-odds)))
    return certainties


def _holds_whole(reading: Reading, wanted: Wanted, covers: float, pool: int) -> bool:
    """Whether a passage says the subject itself, or most of it in a pool too small to compare."""
    if pool < SMALL_POOL:
        return covers >= MOST_OF_SUBJECT
    return covers >= WHOLE and wanted.running in reading.running


def _likeness(vectors: Vectors, coverage: Vectors, seeds: Sequence[int]) -> Vectors:
    """How alike each row is to what the seeds, itself left out, have in common."""
    weighted = vectors[seeds] * coverage[seeds, None]
    common = weighted.sum(axis=0)
    result: Vectors = vectors @ common / max(float(np.linalg.norm(common)), 1e-9)
    for place, seed in enumerate(seeds):
        others = common - weighted[place]
        result[seed] = float(vectors[seed] @ others) / max(float(np.linalg.norm(others)), 1e-9)
    return result
