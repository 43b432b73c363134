"""A model that writes in its own words, and sometimes what is not so."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from wiseflow.simulator.calls import units
from wiseflow.simulator.judging import Judge
from wiseflow.simulator.rewording import falsified, other_words
from wiseflow.simulator.world import World


class Reteller:
    """Retells the claims of an answer. Equal sentences are retold equally.

    Args:
        world: whose facts it has read of.
        own_words: share of the sentences that it puts in other words.
        careless: share of those that it gets wrong.
        judge: reads what a sentence states.
    """

    def __init__(
        self, world: World, judge: Judge, *, own_words: float = 0.0, careless: float = 0.0
    ) -> None:
        self._seed = world.seed
        self._judge = judge
        self._own_words = own_words
        self._careless = careless
        self._facts = {(fact.entity, fact.relation.noun): fact for fact in world.facts}

    def retell(self, answer: Any) -> Any:
        """The answer, with the texts retold of what says that it rests on something."""
        if isinstance(answer, list):
            return [self.retell(one) for one in cast("list[Any]", answer)]
        if not isinstance(answer, Mapping):
            return answer
        fields = cast("Mapping[str, Any]", answer)
        if {"text", "passages"} <= set(fields):
            return {**fields, "text": self._sentence(str(fields["text"]))}
        return {name: self.retell(one) for name, one in fields.items()}

    def _sentence(self, sentence: str) -> str:
        luck = units(self._seed, "retell", sentence)
        read = self._judge.read(sentence) or []
        if luck[0] >= self._own_words or len(read) != 1:
            return sentence
        fact = self._facts[read[0].entity, read[0].noun]
        # A page may give another value than the world does.
        told = replace(fact, value=read[0].value)
        chance = random.Random(f"{self._seed}/{sentence}")  # noqa: S311 - no secret
        wrong = luck[1] < self._careless
        return falsified(chance, told) if wrong else other_words(chance, told)
