"""Which pages of a world a query finds."""

from __future__ import annotations

import heapq
import math
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wiseflow.simulator.world import Page, World

WORD = re.compile(r"[a-z0-9]+")
COMMON = frozenset(
    re.findall(
        r"\w+",
        "a about an and are as at by for from how in is it its known of on or that the this to "
        "was what when where which who why with",
    )
)
TITLE_WEIGHT = 3.0
NAMED = 4.0  # times the score of pages on a topic that the query names in full
SNIPPET_SENTENCES = 3
KEPT_QUERIES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A page that was found.

    Args:
        page: which.
        score: from 0 to 1, the best first.
        snippet: the sentences of the page that fit the query best.
    """

    page: Page
    score: float
    snippet: str


class Finder:
    """Ranks the pages of a world by the words of a query, rare ones above common ones.

    Args:
        world: whose pages.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages = tuple(world.pages.values())
        self._sentences = [
            [(sentence, words_of(sentence)) for sentence in page.sentences] for page in self._pages
        ]
        self._weights: dict[str, dict[int, float]] = {}
        for number, page in enumerate(self._pages):
            for text, weight in ((page.title, TITLE_WEIGHT), (" ".join(page.sentences), 1.0)):
                for word in words_of(f"{text} {page.attribute}"):
                    self._weights.setdefault(word, {}).setdefault(number, weight)
        self._of_topic: dict[str, list[int]] = {}
        for number, page in enumerate(self._pages):
            self._of_topic.setdefault(page.topic, []).append(number)
        self._found: OrderedDict[tuple[str, int], Sequence[Hit]] = OrderedDict()

    def find(self, query: str, count: int) -> Sequence[Hit]:
        """The best pages, none of which has no word of the query."""
        kept = self._found.get((query, count))
        if kept is None:
            kept = self._found[query, count] = self._look(query, count)
            if len(self._found) > KEPT_QUERIES:
                self._found.popitem(last=False)
        return kept

    def _look(self, query: str, count: int) -> Sequence[Hit]:
        words = words_of(query)
        rarities = {
            word: math.log(1 + len(self._pages) / (1 + len(self._weights[word])))
            for word in words
            if word in self._weights
        }
        topic = self._world.topic_in(query)
        best = self._best(rarities, count, self._of_topic.get(topic.name) if topic else None)
        return [
            Hit(
                page=self._pages[number],
                score=round(score / best[0][1], 4),
                snippet=self._snippet(number, words),
            )
            for number, score in best
        ]

    def _best(
        self, rarities: Mapping[str, float], count: int, named: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        """The best pages with their scores; those of the topic that is named count more."""
        if named is not None:
            scores = self._scores(rarities, named)
            best = _most({number: NAMED * score for number, score in scores.items()}, count)
            # No page on another topic can come between: then thousands need not be looked at.
            elsewhere = TITLE_WEIGHT * sum(rarities.values())
            if len(best) == count and best and best[-1][1] > elsewhere:
                return best
        scores = self._scores(rarities, None)
        for number in named or ():
            if number in scores:
                scores[number] *= NAMED
        return _most(scores, count)

    def _scores(
        self, rarities: Mapping[str, float], among: Sequence[int] | None
    ) -> dict[int, float]:
        scores: dict[int, float] = {}
        for word, rarity in rarities.items():
            holders = self._weights[word]
            for number in holders if among is None else among:
                weight = holders.get(number)
                if weight is not None:
                    scores[number] = scores.get(number, 0.0) + weight * rarity
        return scores

    def _snippet(self, number: int, words: frozenset[str]) -> str:
        ranked = sorted(self._sentences[number], key=lambda one: -len(words & one[1]))
        return " ".join(sentence for sentence, _ in ranked[:SNIPPET_SENTENCES])


def _most(scores: Mapping[int, float], count: int) -> list[tuple[int, float]]:
    return heapq.nsmallest(max(0, count), scores.items(), key=lambda one: (-one[1], one[0]))


def words_of(text: str) -> frozenset[str]:
    """The words of a text that mean something, in lower case."""
    return frozenset(WORD.findall(text.lower())) - COMMON
