"""Passages as the extractive author reads them: terms, names, and sentences that may be quoted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wiseflow.core.documents import Hit
from wiseflow.knowledge.analysis import terms
from wiseflow.text import words
from wiseflow.text.function_words import FUNCTION_WORDS
from wiseflow.text.sentences import is_prose, sentences

# A sentence outside these bounds is a fragment or a wall of text.
FEWEST_WORDS, MOST_WORDS = 4, 70
MOST_CHARACTERS = 500
# Running text has about two function words in five; a list of names has none.
LEAST_FUNCTION_WORDS = 0.15
CACHED_PASSAGES = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A passage's terms.

    Args:
        hit: the passage.
        counts: how often it has each content term, title and heading included.
        title: the terms of its title.
        name: its title as running text would name it, or "".
        running: its text as words, folded and unstemmed, a space around each.
        names: the names in it, folded like ``running``.
        initials: the runs of capital letters in it, without points.
    """

    hit: Hit
    counts: Counter[str]
    title: frozenset[str]
    name: str
    running: str
    names: frozenset[str]
    initials: frozenset[str]

    @property
    def size(self) -> int:
        """How many content terms it has."""
        return self.counts.total()

    def tells_of(self, name: str) -> bool:
        """Whether the text names ``name`` (folded)."""
        return bool(name) and f" {name} " in self.running


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence of a passage that may be quoted.

    Args:
        start, end: its characters in the source's stored text.
        text: the characters.
        terms: its content terms.
        running: its words, folded and unstemmed, a space around each.
        place: which sentence of its passage it is, from 0.
        dangling: whether it opens with a pronoun that the sentence before it explains.
    """

    start: int
    end: int
    text: str
    terms: frozenset[str]
    running: str
    place: int
    dangling: bool


@lru_cache(maxsize=CACHED_PASSAGES)
def read(hit: Hit) -> Reading:
    """The terms of a passage."""
    passage, language = hit.passage, hit.language
    said = f"{passage.title} {passage.heading} {passage.text}"
    return Reading(
        hit=hit,
        counts=Counter(content_terms(said, language)),
        title=frozenset(content_terms(passage.title, language)),
        name=name_of(passage.title),
        running=folded(passage.text),
        names=names_in(passage.text),
        initials=frozenset(run.replace(".", "") for run in _INITIALS.findall(passage.text)),
    )


def names_in(text: str) -> frozenset[str]:
    """The names in ``text``, folded: runs of capitalised words, particles between them included.

    Rougher than ``text.words.names`` and many times as fast: it only serves to link passages.
    """
    found = (_folded_name(match[0]) for match in _NAME.finditer(text))
    return frozenset(name for name in found if name not in _ALL_FUNCTION_WORDS)


def name_of(title: str) -> str:
    """A title as running text would name it, folded: without a bracketed end."""
    return _folded_name(_BRACKETED_END.sub("", title) or title)


@lru_cache(maxsize=CACHED_PASSAGES)
def lines(hit: Hit) -> tuple[Line, ...]:
    """The sentences of a passage that are complete prose, in order."""
    passage, language = hit.passage, hit.language
    found: list[Line] = []
    for place, span in enumerate(sentences(passage.text, language=language)):
        text = passage.text[span.start : span.end]
        if quotable(text):
            found.append(
                Line(
                    start=passage.start + span.start,
                    end=passage.start + span.end,
                    text=text,
                    terms=frozenset(content_terms(text, language)),
                    running=folded(text),
                    place=place,
                    dangling=points_back(text, language),
                )
            )
    return tuple(found)


def quotable(text: str) -> bool:
    """Whether a sentence is a complete statement of running text, and not too long to read."""
    tokens = text.split()
    return (
        len(text) <= MOST_CHARACTERS
        and FEWEST_WORDS <= len(tokens) <= MOST_WORDS
        and not text.rstrip("\"'”’»)").endswith("?")
        and _starts_as_sentence(text)
        and not _UNLIKE_PROSE.search(text)
        and _has_function_words(tokens)
        and is_prose(text)
    )


def _starts_as_sentence(text: str) -> bool:
    """Whether it opens with a capital, or in a script that has none, after quotation marks."""
    first = text.lstrip("\"'“”‘’«»„(¿¡[")[:1]
    return first.isalpha() and not first.islower()


def _has_function_words(tokens: Sequence[str]) -> bool:
    """Whether there is enough between the words of content: lists and menus have nothing there.

    Of any language: a document may hold several, and is noted as one.
    """
    known = sum(token.casefold().strip(".,;:()\"'") in _ALL_FUNCTION_WORDS for token in tokens)
    return known >= LEAST_FUNCTION_WORDS * len(tokens) or len(tokens) == 1


def content_terms(text: str, language: str) -> list[str]:
    """The terms of ``text``, as the index has them, without stop words."""
    stop = _stop_terms(language)
    return [term for term in terms(text, language) if term not in stop]


def folded(text: str) -> str:
    """The words of ``text``, case-folded, a space around each."""
    return f" {_folded_name(text)} "


def points_back(text: str, language: str) -> bool:
    """Whether a sentence opens with a word that only the one before it explains."""
    first = text.lstrip("\"'“”‘’«»„(—–- ").split(maxsplit=1)
    return bool(first) and first[0].rstrip(",;:").casefold() in _POINTING.get(language, _ENGLISH)


def _folded_name(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


@lru_cache(maxsize=64)
def _stop_terms(language: str) -> frozenset[str]:
    return frozenset(term for word in words.stopwords(language) for term in terms(word, language))


_WORD = re.compile(r"\w+")
# Numbers of sections, leaders of dots, code and tables, which are not said but looked up.
_UNLIKE_PROSE = re.compile(
    r"\s\d+\.\d+(?:\.\d+)*\.?(?:\s+[A-ZÄÖÜ]|\Z)|\.{3,}\s*\d|\||\s:\s|[{}\\=<>]{2,}|\A\w{1,2}[.)]\s|[:;,]\s*\.\Z"
)
_CAPITAL = "[A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩА-Я]"
_NAME = re.compile(
    rf"\b{_CAPITAL}[\w'’-]+(?:(?: (?:of|the|de|del|der|di|du|la|van|von|and))? {_CAPITAL}[\w'’-]*)*"
)
_INITIALS = re.compile(r"\b[A-Z](?:\.?[A-Z]){1,4}\b")
_BRACKETED_END = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")


def _several(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that only the sentence before explains, by ISO 639-1 code.
_POINTING: dict[str, frozenset[str]] = {
    "en": _several(
        "he she it they we him her them his its their this that these those such "
        "both another others neither either i you here also"
    ),
    "de": _several(
        "er sie es dies diese dieser dieses jene jener das sein seine ihr ihre "
        "dabei damit dadurch danach beide wir ich hier auch"
    ),
    "fr": _several(
        "il elle ils elles ce cet cette ces cela ceci ça son sa ses "
        "leur leurs nous je ici voici aussi"
    ),
    "es": _several(
        "él ella ello ellos ellas este esta esto estos estas ese esa "
        "eso esos esas su sus aquí también"
    ),
    "it": _several(
        "egli ella esso essa essi esse lui lei loro questo questa questi queste "
        "quello quella ciò suo sua suoi qui ecco anche"
    ),
    "pt": _several(
        "ele ela eles elas este esta isto estes estas esse essa isso seu sua seus suas aqui também"
    ),
    "nl": _several("hij zij ze het dit dat deze die zijn haar hun hier ook"),
}
_ENGLISH = _POINTING["en"]
_ALL_FUNCTION_WORDS = frozenset[str]().union(*FUNCTION_WORDS.values())
