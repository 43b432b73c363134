"""From a question to weighted terms, phrases and names: decided without touching an index."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wiseflow.knowledge.analysis import terms, words

MOST_TERMS = 64
# A word in more than this share of passages tells nothing, unless all words of a query do so.
COMMON_SHARE = 0.25
_LONGEST_NAME = 8
# Beyond this a query is read no further: it is many times what a ranking can use.
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTerm:
    """A word of a query.

    Args:
        forms: its term in each language the index has documents in, without repeats.
        count: how often the query has it.
    """

    forms: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a query asks for.

    Args:
        terms: its words, each once, in the order they come.
        pairs: neighbouring words, as forms in the first of the languages.
        names: every run of a few words, as titles are written in the index, with its words' forms
            in the first of the languages.
    """

    terms: tuple[QueryTerm, ...]
    pairs: tuple[tuple[str, str], ...]
    names: dict[str, tuple[str, ...]]


def read_question(query: str, languages: Sequence[str]) -> Question:
    """Split a query of any content into what can be looked up.

    Args:
        query: any text.
        languages: ISO 639-1 codes to stem its words by; the commonest first.
    """
    written = words(query[:_MOST_CHARACTERS])
    forms = [form for word in written if (form := _forms(word, languages))]
    firsts = [form[0] for form in forms]
    plain = [form for word in written for form in terms(word, "")]
    return Question(
        terms=tuple(QueryTerm(forms=form, count=count) for form, count in Counter(forms).items()),
        pairs=tuple(dict.fromkeys(pairwise(firsts))),
        names=_names(list(zip(plain, firsts, strict=False))),
    )


def informative(
    question: Question, frequency: Callable[[str], int], passages: int
) -> list[QueryTerm]:
    """The terms worth looking up: known, not in every other passage, the most telling 64.

    Args:
        question: what is asked.
        frequency: how many passages have a term.
        passages: how many there are.
    """
    known = [(term, found) for term in question.terms if (found := max(map(frequency, term.forms)))]
    rare = [(term, found) for term, found in known if found <= COMMON_SHARE * passages]
    telling = sorted(
        rare or known, key=lambda pair: -inverse_frequency(pair[1], passages) * pair[0].count
    )
    return [term for term, _ in telling[:MOST_TERMS]]


def inverse_frequency(found: int, passages: int) -> float:
    """How much a term that ``found`` of ``passages`` passages have tells.

    Source: S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond"
        (2009), with 1 added so that it is never negative.
    """
    # Removed passages are counted until their files are merged, so there may be "more than all".
    found = min(found, passages)
    return math.log(1.0 + (passages - found + 0.5) / (found + 0.5))


def _forms(word: str, languages: Sequence[str]) -> tuple[str, ...]:
    found = (form for language in languages for form in terms(word, language)[:1])
    return tuple(dict.fromkeys(found))


def _names(both: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    both = both[:MOST_TERMS]
    runs = (
        both[start : start + size]
        for size in range(1, _LONGEST_NAME + 1)
        for start in range(len(both) - size + 1)
    )
    return {" ".join(word for word, _ in run): tuple(form for _, form in run) for run in runs}
