"""Titles in the documents' own words. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import takewhile

from wiseflow.research.extractive.reading import Reading, content_terms
from wiseflow.research.extractive.wanting import Vocabulary
from wiseflow.text import words

LONGEST_TITLE = 80
LONGEST_PHRASE = 3
SHORTEST_WORD = 3
# A heading that this share of a group stands under is what the group is about.
HEADING_SHARE = 0.4
# A name, or a phrase of several words, tells more than a common noun.
NAME_FACTOR, WORD_FACTOR = 1.5, 1.25
# A phrase of fewer passages of the group than this is a detail.
LEAST_PASSAGES = 2
LEAST_SHARE = 0.3
# What is not in half of all passages would be a narrow title for them all.
WHOLE_SHARE = 0.5
_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_NUMBERED = re.compile(r"\A(?:\d+(?:\.\d+)*\.?|[IVXLC]+\.|[A-Z]\.)\s+")


def topic_title(topic: str) -> str:
    """The topic as a report's title: its first letter a capital."""
    return topic[:1].upper() + topic[1:]


class Titles:
    """Gives each group of passages a title that no other has.

    Args:
        readings: all passages of the report, against which a group's phrases stand out.
        taken: terms that tell nothing here, because all is about them.
        vocabulary: tells how rare a word is in the documents.
    """

    def __init__(
        self, readings: Sequence[Reading], taken: Collection[str], vocabulary: Vocabulary
    ) -> None:
        self._readings = readings
        self._taken = frozenset(taken)
        self._vocabulary = vocabulary
        self._used: set[str] = set()
        self._told: set[str] = set()

    def of_sources(self, readings: Sequence[Reading]) -> str:
        """A title from those of the first documents, or from their text where they have none."""
        titles = dict.fromkeys(_plain(reading.hit.passage.title) for reading in readings)
        chosen = [title for title in titles if title][:2]
        if not chosen:
            return self.of_group(readings)
        joined = _joined(chosen, readings[0].hit.language)
        plain = not any(_JOINED_ALREADY.search(title) for title in chosen)
        return self._keep(joined if plain and len(joined) <= LONGEST_TITLE else _cut(chosen[0]))

    def of_group(self, readings: Sequence[Reading]) -> str:
        """A title for passages that belong together: their heading, or what they talk about.

        "" when nothing tells them from the others.
        """
        return self._keep(self._common_heading(readings) or self._telling_phrases(readings))

    def of_whole(self, readings: Sequence[Reading], language: str) -> str:
        """A title for what is on the subject as a whole: a name or a phrase that much of it has."""
        phrase = self._telling_phrases(readings, WHOLE_SHARE)
        return self._keep(phrase) if " " in phrase else self.of_rest(language)

    def of_rest(self, language: str) -> str:
        """A title for what has none of its own."""
        return self._keep(_OVERVIEW.get(language, _OVERVIEW["en"]))

    @cached_property
    def _spread(self) -> Counter[str]:
        """In how many passages each phrase is."""
        return Counter(key for reading in self._readings for key in dict(_phrases(reading)))

    def _common_heading(self, readings: Sequence[Reading]) -> str:
        lasts = Counter(
            _plain(reading.hit.passage.heading.rsplit(" › ", 1)[-1]) for reading in readings
        )
        for heading, count in lasts.most_common(3):
            fresh = self._is_fresh(heading) and 0 < len(heading) <= LONGEST_TITLE
            common = count >= max(HEADING_SHARE * len(readings), min(2, len(readings)))
            if fresh and common and not self._taken.issuperset(content_terms(heading, "")):
                return heading
        return ""

    def _is_fresh(self, heading: str) -> bool:
        return heading.casefold() not in self._used

    def _telling_phrases(self, readings: Sequence[Reading], share: float = LEAST_SHARE) -> str:
        inside: Counter[str] = Counter()
        forms: dict[str, Counter[str]] = {}
        for reading in readings:
            found = list(_phrases(reading))
            inside.update(dict(found).keys())
            for key, form in found:
                forms.setdefault(key, Counter())[form] += 1
        best = {key: _commonest(counts) for key, counts in forms.items()}
        worths = {
            key: self._worth(key, best[key], inside[key], readings)
            for key in inside
            if inside[key] >= min(max(LEAST_PASSAGES, share * len(readings)), len(readings))
        }
        ranked = sorted(
            (key for key in worths if worths[key] > 0), key=lambda key: (-worths[key], key)
        )
        chosen = _apart(ranked, 2 if ranked and " " not in best[ranked[0]] else 1)
        self._told.update(chosen)
        heading = _plain(readings[0].hit.passage.heading.rsplit(" › ", 1)[-1])
        if len(chosen) > 1 and 0 < len(heading) <= LONGEST_TITLE and self._is_fresh(heading):
            return heading
        return _joined([best[key] for key in chosen], readings[0].hit.language)

    def _worth(self, key: str, form: str, inside: int, readings: Sequence[Reading]) -> float:
        """How well a phrase tells a group from the rest of the report."""
        parts = key.split()
        if self._taken.intersection(parts) or key in self._told:
            return 0.0
        size, language = len(readings), readings[0].hit.language
        outside = (self._spread[key] - inside) / max(len(self._readings) - size, 1)
        rarity = sum(
            self._vocabulary.inverse_document_frequency(word, language=language)
            for word in form.split()
        ) / len(parts)
        factor = (NAME_FACTOR if form[0].isupper() else 1.0) * WORD_FACTOR ** (len(parts) - 1)
        return max(inside / size - outside, 0.0) * rarity * factor

    def _keep(self, title: str) -> str:
        if not title:
            return ""
        number, unique = 2, title[:1].upper() + title[1:]
        while unique.casefold() in self._used:
            unique, number = f"{title} ({number})", number + 1
        self._used.add(unique.casefold())
        return unique


def _phrases(reading: Reading) -> Iterator[tuple[str, str]]:
    """Noun-like phrases with their terms: names, and what follows an article or the like."""
    passage, language = reading.hit.passage, reading.hit.language
    stop = words.stopwords(language or "en")
    before = "."
    run: list[str] = []
    for token in [*_TOKEN.findall(passage.text), "."]:
        if token[0].isalpha() and len(token) >= SHORTEST_WORD and token.casefold() not in stop:
            run.append(token)
            continue
        run = _named_part(run)
        if _is_noun_like(run, before, language):
            key = " ".join(content_terms(" ".join(run), language))
            if key:
                yield key, " ".join(run)
        before, run = token, []


def _named_part(run: list[str]) -> list[str]:
    """The name that a run of words begins with, if one of several words does; else all of it."""
    capitals = list(takewhile(lambda word: word[0].isupper(), run))
    return capitals if len(capitals) > 1 else run


def _is_noun_like(run: Sequence[str], before: str, language: str) -> bool:
    if not 0 < len(run) <= LONGEST_PHRASE:
        return False
    if all(word[0].isupper() for word in run):
        return before not in ".!?:" or len(run) > 1
    return before.casefold() in _DETERMINERS.get(language, _DETERMINERS["en"])


def _apart(ranked: Sequence[str], most: int) -> list[str]:
    """The first phrases that share no word."""
    chosen: list[str] = []
    for key in ranked:
        if len(chosen) < most and not any(set(key.split()) & set(old.split()) for old in chosen):
            chosen.append(key)
    return chosen


def _commonest(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], form))


def _plain(heading: str) -> str:
    """A heading on one line without its number."""
    return _NUMBERED.sub("", " ".join(heading.split())).strip(" :.")


def _joined(parts: Sequence[str], language: str) -> str:
    return f" {_AND.get(language, _AND['en'])} ".join(parts)


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"


_DETERMINERS = {
    "en": frozenset(("the", "a", "an", "his", "her", "its", "their", "this", "these", "of")),
    "de": frozenset(
        ("der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer")
    ),
    "fr": frozenset(("le", "la", "les", "un", "une", "des", "du", "l", "ce", "cette", "ces")),
    "es": frozenset(("el", "la", "los", "las", "un", "una", "del", "este", "esta", "su", "sus")),
    "it": frozenset(("il", "la", "lo", "i", "gli", "le", "un", "una", "del", "della", "dei")),
    "pt": frozenset(("o", "a", "os", "as", "um", "uma", "do", "da", "dos", "das")),
    "nl": frozenset(("de", "het", "een", "zijn", "haar", "hun", "dit", "deze")),
}
_AND = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e", "nl": "en"}
_JOINED_ALREADY = re.compile(r"[,;:·]|\b(?:and|und|et|y|e|en)\b")
_OVERVIEW = {
    "en": "Overview",
    "de": "Überblick",
    "fr": "Aperçu",
    "es": "Visión general",
    "it": "Panoramica",
    "pt": "Visão geral",
    "nl": "Overzicht",
}
