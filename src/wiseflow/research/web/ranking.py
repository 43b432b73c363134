"""The passages of a few pages that serve a section best. Pure, and short enough for the loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from wiseflow.core.authoring import Evidence
from wiseflow.core.documents import Hit, Passage, Source
from wiseflow.knowledge.querying import inverse_frequency
from wiseflow.research.extractive.reading import content_terms
from wiseflow.research.web.reading import PageReading

# BM25's saturation and length normalisation. Source: S. Robertson and H. Zaragoza, "The
# Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.
SATURATION, LENGTH_SHARE = 1.2, 0.75
# What a word counts at least: in pages on one subject, all passages have the subject's words.
LEAST_WEIGHT = 0.1
# What a term counts once a chosen passage has it, and a further passage of the same page.
COVERED_SHARE, SAME_PAGE_SHARE = 0.4, 0.85
# What it is worth to be of the page that the searches placed first, as a share of all that is
# asked for; of the second half, of the third a third.
SEARCH_WORTH = 0.15

Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPage:
    """A page as its passages are ranked.

    Args:
        reading: the page.
        provider: who found it.
    """

    reading: PageReading
    provider: str


def best_passages(
    pages: Sequence[RankedPage], asked: Sequence[str], limit: int
) -> tuple[Evidence, ...]:
    """Passages that together hold what is asked for, the best first; none without a word of it.

    The best passage first; then those that add what is not yet covered, of other pages rather than
    of the same.

    Args:
        pages: in the order of their worth by the searches.
        asked: the queries, and whatever else the passages should be about.
        limit: at most so many.
    """
    rows = [
        Row(page=number, passage=passage, counts=Counter(terms.split()))
        for number, page in enumerate(pages)
        for passage, terms in zip(page.reading.stored.passages, page.reading.terms, strict=True)
    ]
    if not rows:
        return ()
    words = list(dict.fromkeys(word for text in asked for word in text.split()))
    terms_in = cache(partial(terms_asked, words))
    parts = term_parts(rows, [terms_in(_source(pages[row.page]).language) for row in rows])
    chosen = _greedy(parts, np.array([row.page for row in rows]), limit)
    return tuple(_evidence(rows[row], pages[rows[row].page], score) for row, score in chosen)


def passage_count(pages: Sequence[RankedPage]) -> int:
    """How many passages there are to rank."""
    return sum(len(page.reading.terms) for page in pages)


@dataclass(frozen=True, slots=True)
class Row:
    """A text to be ranked, with the number of the page that it is from, and its terms."""

    page: int
    passage: Passage
    counts: Mapping[str, int]


def terms_asked(words: Sequence[str], language: str) -> tuple[str, ...]:
    """The content terms of words, each once."""
    terms = (term for word in words for term in content_terms(word, language))
    return tuple(dict.fromkeys(terms))


def term_parts(rows: Sequence[Row], wanted: Sequence[Sequence[str]]) -> Numbers:
    """What each term that is asked for adds to each passage: BM25, term by term."""
    columns = {
        term: place
        for place, term in enumerate(dict.fromkeys(term for terms in wanted for term in terms))
    }
    counts: Numbers = np.zeros((len(rows), max(len(columns), 1)))
    for number, (row, terms) in enumerate(zip(rows, wanted, strict=True)):
        for term in terms:
            counts[number, columns[term]] = row.counts.get(term, 0)
    found = (counts > 0).sum(axis=0)
    weights = np.array([LEAST_WEIGHT + inverse_frequency(int(one), len(rows)) for one in found])
    sizes = np.array([[sum(row.counts.values())] for row in rows], dtype=float)
    damped = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * sizes / max(sizes.mean(), 1.0))
    result: Numbers = weights * counts * (SATURATION + 1) / (counts + damped)
    return result


def _greedy(parts: Numbers, pages: npt.NDArray[np.int_], limit: int) -> list[tuple[int, float]]:
    """Rows in the order they are chosen, each with its gain as a share of what is asked for."""
    whole = float(parts.max(axis=0).sum()) or 1.0
    bonus = SEARCH_WORTH * whole / (pages + 1)
    factors, shares = np.ones(parts.shape[1]), np.ones(len(parts))
    open_rows = parts.sum(axis=1) > 0
    chosen: list[tuple[int, float]] = []
    while len(chosen) < limit and open_rows.any():
        gains = np.where(open_rows, (parts @ factors + bonus) * shares, -1.0)
        best = int(gains.argmax())
        chosen.append((best, float(gains[best]) / whole))
        open_rows[best] = False
        factors[parts[best] > 0] = COVERED_SHARE
        shares[pages == pages[best]] *= SAME_PAGE_SHARE
    return chosen


def _evidence(row: Row, page: RankedPage, score: float) -> Evidence:
    source = _source(page)
    hit = Hit(
        passage=row.passage,
        score=round(score, 4),
        document_id=source.document_id,
        path=source.path,
        url=source.url,
        published=source.published,
        language=source.language,
    )
    return Evidence(hit=hit, score=hit.score, provider=page.provider)


def _source(page: RankedPage) -> Source:
    return page.reading.stored.source
