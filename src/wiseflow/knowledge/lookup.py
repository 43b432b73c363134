"""Questions and filters as tantivy takes them."""

from __future__ import annotations

from dataclasses import dataclass

from tantivy import FieldType, Occur, Query, Searcher

from wiseflow.knowledge.analysis import storable
from wiseflow.knowledge.querying import Question, informative, inverse_frequency
from wiseflow.knowledge.ranking import Weights
from wiseflow.knowledge.schema import date_number, schema

_LATEST = 99_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which passages a search may find; empty fields allow all.

    Args:
        source_ids: only these sources.
        path_prefix: only files whose absolute path begins so.
        language: ISO 639-1 code.
        published_since, published_until: ISO 8601 dates, both included; undated passages match
            neither.
    """

    source_ids: tuple[str, ...] = ()
    path_prefix: str = ""
    language: str = ""
    published_since: str = ""
    published_until: str = ""


def filter_query(filters: Filters, searcher: Searcher) -> Query | None:
    """The query that matches what ``filters`` allow, or ``None`` when that is everything."""
    parts: list[Query] = []
    if filters.source_ids:
        ids = [storable(source_id) for source_id in filters.source_ids]
        parts.append(Query.term_set_query(schema(), "source_id", ids))
    if filters.path_prefix:
        paths = searcher.terms_with_prefix("path", storable(filters.path_prefix))
        parts.append(Query.term_set_query(schema(), "path", [path for path, _ in paths]))
    if filters.language:
        parts.append(Query.term_query(schema(), "language", storable(filters.language)))
    if filters.published_since or filters.published_until:
        parts.append(_published(filters))
    if not parts:
        return None
    return Query.boolean_query([(Occur.Must, Query.const_score_query(part, 0.0)) for part in parts])


def lexical_query(
    question: Question, searcher: Searcher, passages: int, weights: Weights
) -> Query | None:
    """The query that scores passages for ``question``, or ``None`` when no word of it is known."""

    def frequency(term: str) -> int:
        return searcher.doc_freq("terms", term)

    found = informative(question, frequency, passages)
    if not found:
        return None
    clauses = [
        _boosted(Query.term_query(schema(), "terms", form, index_option="freq"), term.count)
        for term in found
        for form in term.forms
    ]
    if weights.phrase:
        known = {form for term in found for form in term.forms}
        clauses += [
            _boosted(Query.phrase_query(schema(), "terms", [first, second]), weights.phrase)
            for first, second in question.pairs
            if first in known and second in known and first != second
        ]
    if weights.name:
        clauses += [
            Query.const_score_query(
                Query.term_query(schema(), "name", name, index_option="basic"),
                weights.name * inverse_frequency(min(map(frequency, forms)), passages),
            )
            for name, forms in question.names.items()
            if searcher.doc_freq("name", name)
        ]
    return Query.boolean_query([(Occur.Should, clause) for clause in clauses])


def _boosted(query: Query, weight: float) -> Query:
    return query if weight == 1 else Query.boost_query(query, weight)


def _published(filters: Filters) -> Query:
    since = date_number(filters.published_since) or 1
    until = date_number(filters.published_until) or _LATEST
    if until % 10_000 == 0:
        until += 9_999
    elif until % 100 == 0:
        until += 99
    return Query.range_query(
        schema(), "published", FieldType.Unsigned, lower_bound=since, upper_bound=until
    )
