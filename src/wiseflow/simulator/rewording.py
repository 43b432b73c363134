"""Claims that somebody could make of a world's pages: true ones in other words, and planted ones.

Each comes with the passages that it cites and what was done to it, so that a check of citations
can be measured class by class.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wiseflow.simulator.vocabulary import OTHER_NOUNS, Relation, ValueKind
from wiseflow.simulator.world import VALUES, Fact, Page, World


class Done(StrEnum):
    """What was done to what a page says."""

    MERGED = "merged"
    SHORTENED = "shortened"
    PASSIVE = "passive"
    SYNONYMS = "synonyms"
    INVENTED = "invented"
    NUMBER = "number"
    NAME = "name"
    NEGATION = "negation"
    RELATION = "relation"


TRUE = (Done.MERGED, Done.SHORTENED, Done.PASSIVE, Done.SYNONYMS)
PLANTED = (Done.INVENTED, Done.NUMBER, Done.NAME, Done.NEGATION, Done.RELATION)
SHARE_DENIED = 0.25
NUMERIC = frozenset(ValueKind) - {ValueKind.PERSON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A claim and what it cites.

    Args:
        done: what was done to it.
        text: what it says.
        pages: that it cites, each with the place of the sentence that it is about.
    """

    done: Done
    text: str
    pages: tuple[tuple[Page, int], ...]

    @property
    def true(self) -> bool:
        """Whether the pages say so."""
        return self.done in TRUE


def statements(world: World) -> Iterator[Statement]:
    """Statements of every class over all pages of a world; equal worlds give equal ones."""
    for topic in world.topics:
        chance = random.Random(f"{world.seed}/{topic.name}/statements")  # noqa: S311 - no secret
        for page in topic.pages:
            for place, fact in enumerate(page.facts):
                yield from _true(chance, page, place)
                yield from _planted(chance, page, place, fact, topic.facts)


def other_words(chance: random.Random, fact: Fact) -> str:
    """A fact in words that no page uses."""
    noun = OTHER_NOUNS[fact.relation.noun]
    return chance.choice(
        (
            f"{fact.entity} has a {noun} of {fact.value}.",
            f"The {noun} at {fact.entity} amounts to {fact.value}.",
            f"According to its papers, {fact.entity} puts the {noun} at {fact.value}.",
        )
    )


def falsified(chance: random.Random, fact: Fact) -> str:
    """A fact with another value, or denied."""
    if chance.random() < SHARE_DENIED:
        return _denied(chance, fact)
    return _worded(chance, fact, value=_other_value(chance, fact))


def _true(chance: random.Random, page: Page, place: int) -> Iterator[Statement]:
    fact, cited = page.facts[place], ((page, place),)
    yield Statement(done=Done.SHORTENED, text=_short(fact), pages=cited)
    yield Statement(done=Done.PASSIVE, text=_passive(chance, fact), pages=cited)
    yield Statement(done=Done.SYNONYMS, text=other_words(chance, fact), pages=cited)
    if place:
        before = page.facts[place - 1]
        yield Statement(
            done=Done.MERGED, text=_merged(before, fact), pages=((page, place - 1), (page, place))
        )


def _planted(
    chance: random.Random, page: Page, place: int, fact: Fact, known: Sequence[Fact]
) -> Iterator[Statement]:
    cited, kind = ((page, place),), fact.relation.value
    elsewhere = [one for one in known if one not in page.facts]
    yield Statement(done=Done.INVENTED, text=_worded(chance, chance.choice(elsewhere)), pages=cited)
    value = _other_value(chance, fact)
    if kind in NUMERIC:
        yield Statement(done=Done.NUMBER, text=_worded(chance, fact, value=value), pages=cited)
    else:
        yield Statement(done=Done.NAME, text=_worded(chance, fact, value=value), pages=cited)
    others = sorted({one.entity for one in known} - {fact.entity})
    yield Statement(
        done=Done.NAME, text=_worded(chance, fact, entity=chance.choice(others)), pages=cited
    )
    yield Statement(done=Done.NEGATION, text=_denied(chance, fact), pages=cited)
    relations = {
        one.relation.noun: one.relation
        for one in known
        if one.relation.noun != fact.relation.noun
        and (one.relation.value in NUMERIC) == (kind in NUMERIC)
    }
    if relations:
        other = relations[chance.choice(sorted(relations))]
        text = _worded(chance, fact, relation=other)
        yield Statement(done=Done.RELATION, text=text, pages=cited)


def _short(fact: Fact) -> str:
    return f"{fact.entity}: {fact.relation.noun} {fact.value}."


def _passive(chance: random.Random, fact: Fact) -> str:
    noun, value, entity = fact.relation.noun, fact.value, fact.entity
    return chance.choice(
        (
            f"{value} is given as the {noun} of {entity}.",
            f"The {noun} of {entity} is listed as {value}.",
            f"{value} is what is recorded by {entity} as its {noun}.",
        )
    )


def _merged(one: Fact, other: Fact) -> str:
    if one.entity == other.entity:
        return (
            f"{one.entity} has a {one.relation.noun} of {one.value}"
            f" and a {other.relation.noun} of {other.value}."
        )
    return (
        f"The {one.relation.noun} of {one.entity} is {one.value}, while the"
        f" {other.relation.noun} of {other.entity} is {other.value}."
    )


def _worded(
    chance: random.Random,
    fact: Fact,
    *,
    entity: str = "",
    value: str = "",
    relation: Relation | None = None,
) -> str:
    """A fact, or what it was changed to, in the words of a page or in others."""
    changed = Fact(
        fact_id=fact.fact_id,
        topic=fact.topic,
        attribute=fact.attribute,
        entity=entity or fact.entity,
        relation=relation or fact.relation,
        value=value or fact.value,
    )
    way = chance.randrange(4)
    if way == 0:
        return _passive(chance, changed)
    if way == 1:
        return other_words(chance, changed)
    return _short(changed) if way == 2 else changed.sentence(0)  # noqa: PLR2004 - one of four


def _denied(chance: random.Random, fact: Fact) -> str:
    noun = fact.relation.noun
    return chance.choice(
        (
            f"The {noun} of {fact.entity} is not {fact.value}.",
            f"{fact.entity} never had a {noun} of {fact.value}.",
            f"{fact.value} is no longer the {noun} of {fact.entity}.",
        )
    )


def _other_value(chance: random.Random, fact: Fact) -> str:
    value = fact.value
    while value == fact.value:
        value = VALUES[fact.relation.value](chance)
    return value
