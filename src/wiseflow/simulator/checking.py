"""Which facts of a world a text states, and which it gets wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wiseflow.simulator.world import Fact, World

SENTENCE_END = re.compile(r"(?<=[.!?])(?:\s|\[|$)|\n+")
DIGIT_OR_NAME = re.compile(r"\d|[A-Z][a-z]+ [A-Z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a text says of a world.

    Args:
        stated: the facts it states, each once, in the order of the text.
        wrong: its sentences that give another value for something that is known.
    """

    stated: tuple[Fact, ...]
    wrong: tuple[str, ...]


class Checker:
    """Reads texts against a world.

    A sentence states a fact when it holds the entity, the relation's noun and the value. It is
    wrong when it holds the first two, and a value that is not the fact's.

    Args:
        world: what is so.
    """

    def __init__(self, world: World) -> None:
        self._by_entity: dict[str, list[Fact]] = {}
        for fact in world.facts:
            self._by_entity.setdefault(fact.entity, []).append(fact)

    def check(self, text: str) -> Checked:
        """What the text states."""
        stated: dict[str, Fact] = {}
        wrong: dict[str, None] = {}
        for sentence in filter(None, map(str.strip, SENTENCE_END.split(text))):
            for fact in self._about(sentence):
                if fact.value in sentence:
                    stated[fact.fact_id] = fact
                elif _has_value(sentence, fact):
                    wrong[sentence] = None
        return Checked(stated=tuple(stated.values()), wrong=tuple(wrong))

    def _about(self, sentence: str) -> Iterator[Fact]:
        for entity, facts in self._by_entity.items():
            if entity in sentence:
                yield from (fact for fact in facts if fact.relation.noun in sentence)


def _has_value(sentence: str, fact: Fact) -> bool:
    rest = sentence.replace(fact.entity, "").replace(fact.relation.noun, "")
    return DIGIT_OR_NAME.search(rest) is not None
