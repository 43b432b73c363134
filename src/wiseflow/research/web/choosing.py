"""Which of the passages that several questions found are taken. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from wiseflow.core.authoring import Evidence
from wiseflow.research.extractive.reading import content_terms
from wiseflow.research.web.ranking import Row, term_parts, terms_asked
from wiseflow.text.sentences import sentences


def best_of(found: Sequence[Evidence], asked: Sequence[str], limit: int) -> tuple[Evidence, ...]:
    """The best passages for each query in turn, by the sentence of theirs that fits it best.

    In turns, so that none of several questions is left without its own passages. By the sentence,
    as pages on one subject hold all words of a question, and the answer holds them together.

    Args:
        found: passages that were found before.
        asked: the queries.
        limit: at most so many.
    """
    if not found:
        return ()
    rows = [row for number, item in enumerate(found) for row in _sentences(number, item)]
    ranked = [_by_query(rows, found, query) for query in dict.fromkeys(asked)]
    order = [row for place in zip_longest(*ranked) for row in place if row is not None]
    chosen = list(dict.fromkeys([*order, *range(len(found))]))[:limit]
    return tuple(found[row] for row in chosen)


def _sentences(number: int, item: Evidence) -> list[Row]:
    passage, language = item.hit.passage, item.hit.language
    spans = sentences(passage.text, language=language)
    texts = [passage.text[span.start : span.end] for span in spans] or [passage.text]
    return [
        Row(page=number, passage=passage, counts=Counter(content_terms(text, language)))
        for text in texts
    ]


def _by_query(rows: Sequence[Row], found: Sequence[Evidence], query: str) -> list[int]:
    """The passages that have words of a query, the best first."""
    words = query.split()
    wanted = [terms_asked(words, found[row.page].hit.language) for row in rows]
    best: dict[int, float] = {}
    for row, score in zip(rows, term_parts(rows, wanted).sum(axis=1), strict=True):
        best[row.page] = max(best.get(row.page, 0.0), float(score))
    return sorted((page for page, score in best.items() if score > 0), key=lambda page: -best[page])
