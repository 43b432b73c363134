"""What a topic asks for, weighed by how much each of its words tells in the documents."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from wiseflow.knowledge.analysis import terms
from wiseflow.research.extractive.reading import Reading, content_terms, folded, names_in

# A word with a capital or a digit names something: it asks for more than a common one.
NAMING_FACTOR = 1.5
# What every word asks for, also one that all documents have: a small collection on one subject.
LEAST_WEIGHT = 0.5
# A common word that no document has is the asker's own ("overview"): it asks for less, where the
# documents know a name of the topic, or so many of its other words.
UNKNOWN_FACTOR = 0.5
ENOUGH_KNOWN = 2
# A name of so many words may be told by its initials.
FEWEST_INITIALS, MOST_INITIALS = 2, 5
# A subject is a few words; a question asks, or says more than a subject does.
MOST_SUBJECT_TERMS = 7
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_NAME = re.compile(r"[A-Z][a-z][\w-]*(?: (?:of |the |and |for )*[A-Z][a-z][\w-]*)+")
_YEAR = re.compile(r"[12]\d{3}")
_ASKING = re.compile("[?？؟;]\\s*[\"'”’»]*\\s*\\Z")


class Vocabulary(Protocol):
    """What an index knows of words; ``PassageIndex`` is one."""

    def document_frequency(self, term: str, *, language: str) -> int:
        """How many passages have the word."""
        ...

    def inverse_document_frequency(self, term: str, *, language: str) -> float:
        """How much the word tells; never negative."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A topic, read.

    Args:
        text: the topic.
        weights: its content terms and how much each tells.
        words: each term as the topic writes it.
        names: the names in it, folded.
        running: its words, folded and unstemmed, a space around each.
        initials: what stands for each term that is part of a name of several words ("UK").
        question: whether it asks something, instead of naming a subject.
    """

    text: str
    weights: Mapping[str, float]
    words: Mapping[str, str]
    initials: Mapping[str, frozenset[str]]
    names: frozenset[str]
    running: str
    question: bool

    @cached_property
    def total(self) -> float:
        """The sum of all weights."""
        return sum(self.weights.values()) or 1.0

    def tells_of(self, name: str) -> bool:
        """Whether the topic names ``name`` (folded)."""
        return bool(name) and f" {name} " in self.running

    def coverage(self, found: Collection[str]) -> float:
        """The share of the topic's weight that these terms hold, 0–1."""
        return sum(weight for term, weight in self.weights.items() if term in found) / self.total

    def held(self, reading: Reading) -> list[bool]:
        """Which of the topic's terms, in order, a passage holds, by themselves or by initials."""
        return [
            term in reading.counts or not reading.initials.isdisjoint(self.initials.get(term, ()))
            for term in self.weights
        ]

    def share_in(self, reading: Reading) -> float:
        """The share of the topic's weight that a passage holds, 0–1."""
        found = zip(self.weights.values(), self.held(reading), strict=True)
        return sum(weight for weight, held in found if held) / self.total

    def worded_share_in(self, reading: Reading) -> float:
        """The same without numbers and codes, which say which one, not of what; years count."""
        found = dict(zip(self.weights, self.held(reading), strict=True))
        worded = [term for term in self.weights if not _is_code(self.words[term])]
        total = sum(self.weights[term] for term in worded)
        if not total:
            return self.share_in(reading)
        return sum(self.weights[term] for term in worded if found[term]) / total


def read_topic(
    topic: str, language: str, vocabulary: Vocabulary, *, question: bool | None = None
) -> Wanted:
    """What ``topic`` asks for.

    Args:
        topic: any text.
        language: ISO 639-1 code to stem its words by.
        vocabulary: tells how rare a word is in the documents.
        question: whether it asks something; ``None`` to tell by itself.
    """
    weights: dict[str, float] = {}
    written: dict[str, str] = {}
    unknown: set[str] = set()
    for place, word in enumerate(_WORD.findall(topic)):
        for term in content_terms(word, language)[:1]:
            naming = (place > 0 and word[0].isupper()) or _has_digit(word)
            weight = LEAST_WEIGHT + vocabulary.inverse_document_frequency(word, language=language)
            weight *= NAMING_FACTOR if naming else 1.0
            weights[term] = max(weight, weights.get(term, 0.0))
            written.setdefault(term, word)
            if not vocabulary.document_frequency(word, language=language):
                unknown.add(term)
    for term in _askers_own(written, unknown):
        weights[term] *= UNKNOWN_FACTOR
    if not weights:
        written = {term: term for term in terms(topic, language)}
        weights = dict.fromkeys(written, 1.0)
    return Wanted(
        text=topic,
        weights=weights,
        words=written,
        names=names_in(topic),
        initials=_initials(topic, language),
        running=folded(topic),
        question=is_question(topic, language) if question is None else question,
    )


def _askers_own(written: Mapping[str, str], unknown: AbstractSet[str]) -> list[str]:
    """The terms of a topic that no document has, and that are not what it is about."""
    names = {term for place, term in enumerate(written) if place and written[term][0].isupper()}
    known = written.keys() - unknown
    if len(known) < ENOUGH_KNOWN and not known & names:
        return []
    return [term for term in unknown - names if not _YEAR.fullmatch(written[term])]


def _is_code(word: str) -> bool:
    return _has_digit(word) and not _YEAR.fullmatch(word)


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _initials(topic: str, language: str) -> dict[str, frozenset[str]]:
    """The initials of each name of several words, by the terms of its words."""
    found: dict[str, frozenset[str]] = {}
    for name in _NAME.findall(topic):
        words = [word for word in name.split() if word[0].isupper()]
        if FEWEST_INITIALS <= len(words) <= MOST_INITIALS:
            initials = "".join(word[0] for word in words)
            for term in content_terms(" ".join(words), language):
                found[term] = found.get(term, frozenset()) | {initials}
    return found


def is_question(topic: str, language: str) -> bool:
    """Whether a topic asks something: by its mark, or by saying more than a subject does."""
    terms_told = set(content_terms(topic, language))
    return _ASKING.search(topic) is not None or len(terms_told) > MOST_SUBJECT_TERMS
