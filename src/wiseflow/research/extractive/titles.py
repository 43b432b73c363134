"""Titles in the documents' own words. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from wiseflow.research.extractive.reading import Reading, content_terms
from wiseflow.text import words

LONGEST_PHRASE = 3
LONGEST_TITLE = 80
# A heading that this share of a group stands under is what the group is about.
HEADING_SHARE = 0.5
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_BREAK = re.compile(r"[.,;:!?()\[\]\"“”«»…\n]+|\s[–—-]\s")


def topic_title(topic: str) -> str:
    """The topic as a report's title: its first letter a capital."""
    return topic[:1].upper() + topic[1:]


class Titles:
    """Gives each group of passages a title that no other has.

    Args:
        readings: all passages of the report, against which a group's phrases stand out.
        taken: terms that tell nothing here, because all is about them.
    """

    def __init__(self, readings: Sequence[Reading], taken: Iterable[str]) -> None:
        self._topic = frozenset(taken)
        self._used: set[str] = set()
        self._readings = readings

    @cached_property
    def _spread(self) -> Counter[str]:
        """In how many passages each phrase is."""
        return Counter(
            phrase for reading in self._readings for phrase in dict(_phrases(reading))
        )

    def of_sources(self, readings: Sequence[Reading], topic: str) -> str:
        """A title from those of the documents, or the topic where they have none."""
        names = dict.fromkeys(
            reading.hit.passage.title.strip() for reading in readings if reading.hit.passage.title
        )
        title = " · ".join(list(names)[:2])
        return self._keep(
            title
            if 0 < len(title) <= LONGEST_TITLE
            else "Findings"
            if not title
            else list(names)[0][:LONGEST_TITLE]
        )

    def of_group(self, readings: Sequence[Reading]) -> str:
        """A title for passages that belong together: their heading, or what they talk about."""
        heading = self._common_heading(readings)
        return self._keep(heading or self._telling_phrases(readings))

    def _common_heading(self, readings: Sequence[Reading]) -> str:
        lasts = Counter(
            reading.hit.passage.heading.rsplit(" › ", 1)[-1].strip()
            for reading in readings
            if reading.hit.passage.heading
        )
        for heading, count in lasts.most_common(3):
            fresh = heading.casefold() not in self._used and len(heading) <= LONGEST_TITLE
            if fresh and count >= HEADING_SHARE * len(readings):
                return heading
        return ""

    def _telling_phrases(self, readings: Sequence[Reading]) -> str:
        inside: Counter[str] = Counter()
        forms: dict[str, Counter[str]] = {}
        for reading in readings:
            for key, form in dict(_phrases(reading)).items():
                inside[key] += 1
                forms.setdefault(key, Counter())[form] += 1
        ranked = sorted(
            inside, key=lambda key: (-self._worth(key, inside[key], len(readings)), key)
        )
        chosen: list[str] = []
        for key in ranked:
            if not any(set(key.split()) & set(other.split()) for other in chosen):
                chosen.append(key)
            if len(chosen) == 2:
                break
        written = [forms[key].most_common(1)[0][0] for key in chosen]
        return " and ".join(written) or "Findings"

    def _worth(self, key: str, inside: int, size: int) -> float:
        parts = key.split()
        if self._topic.issuperset(parts) or key in self._used:
            return -1.0
        outside = (self._spread[key] - inside + 0.5) / (len(self._readings) - size + 1)
        share = inside / size
        return (
            share * math.log((share + 0.01) / (outside + 0.01) + 1) * (1 + 0.4 * (len(parts) - 1))
        )

    def _keep(self, title: str) -> str:
        title = " ".join(title.split())
        title = title[:1].upper() + title[1:]
        number, unique = 2, title
        while unique.casefold() in self._used:
            unique, number = f"{title} ({number})", number + 1
        self._used.add(unique.casefold())
        return unique


def _phrases(reading: Reading) -> Iterator[tuple[str, str]]:
    """Runs of content words with their terms: what a title can be made of."""
    passage, language = reading.hit.passage, reading.hit.language
    stop = words.stopwords(language or "en")
    for part in _BREAK.split(passage.text):
        run: list[str] = []
        for word in [*_WORD.findall(part), ""]:
            if word and word.casefold() not in stop and len(word) > 2 and not word[0].isdigit():
                run.append(word)
                continue
            yield from _runs(run, language)
            run = []


def _runs(run: Sequence[str], language: str) -> Iterator[tuple[str, str]]:
    for size in range(1, LONGEST_PHRASE + 1):
        for start in range(len(run) - size + 1):
            form = " ".join(run[start : start + size])
            key = " ".join(content_terms(form, language))
            if key:
                yield key, form
