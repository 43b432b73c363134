"""Which pages of a world a query finds."""

from __future__ import annotations

import heapq
import math
import re
from collections import OrderedDict
from collections.abc import Sequence
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
        scores: dict[int, float] = {}
        for word in words:
            holders = self._weights.get(word, {})
            rarity = math.log(1 + len(self._pages) / (1 + len(holders)))
            for number, weight in holders.items():
                scores[number] = scores.get(number, 0.0) + weight * rarity
        topic = self._world.topic_in(query)
        if topic is not None:
            for number in scores:
                scores[number] *= NAMED if self._pages[number].topic == topic.name else 1.0
        best = heapq.nsmallest(max(0, count), scores.items(), key=lambda one: (-one[1], one[0]))
        return [
            Hit(
                page=self._pages[number],
                score=round(score / best[0][1], 4),
                snippet=self._snippet(number, words),
            )
            for number, score in best
        ]

    def _snippet(self, number: int, words: frozenset[str]) -> str:
        ranked = sorted(self._sentences[number], key=lambda one: -len(words & one[1]))
        return " ".join(sentence for sentence, _ in ranked[:SNIPPET_SENTENCES])


def words_of(text: str) -> frozenset[str]:
    """The words of a text that mean something, in lower case."""
    return frozenset(WORD.findall(text.lower())) - COMMON
