"""How the simulated model answers a question of several hops: from the passages it is given.

Of "What is the annual budget of the main supplier of X?" it can tell the budget only when one
passage names the supplier, and another the budget of that one. Until then it can say what has to be
looked up next, as a reader would; it does not use what it knows of the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from wiseflow.simulator.material import Material, Passage
from wiseflow.simulator.vocabulary import ATTRIBUTES, LINKS, Relation

OPENING = "What is the "
RELATIONS = {
    relation.noun: relation
    for relation in (*LINKS, *(one for side in ATTRIBUTES for one in side.relations))
}
BY_LENGTH = sorted(RELATIONS, key=len, reverse=True)  # "date of the last audit" before "date"
QUESTION = re.compile(r"What is the [^?\n]+\?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A question of several hops.

    Args:
        entity: that it begins at.
        nouns: of the relations to follow, in the order in which they are.
    """

    entity: str
    nouns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How far passages lead.

    Args:
        found: the ids of the passages that were used, each with its sentence, hop by hop.
        entities: that they name.
        wanted: what has to be looked up next; "" when the question is answered.
        first: what has to be looked up first of all.
    """

    found: tuple[tuple[str, str], ...]
    entities: tuple[str, ...]
    wanted: str
    first: str


def asked_in(material: Material) -> Chain | None:
    """The question of several hops, or of one, that a prompt asks; ``None`` when there is none."""
    question = QUESTION.search(material.around)
    return read_chain(question[0]) if question else None


def read_chain(question: str) -> Chain | None:
    """A question as a chain; ``None`` when it is none that the world has relations for."""
    rest, nouns = question.removeprefix(OPENING).rstrip("?"), list[str]()
    while (noun := _noun_of(rest)) is not None:
        nouns.append(noun)
        rest = rest[len(noun) + len(" of ") :].removeprefix("the ")
    return Chain(entity=rest, nouns=tuple(reversed(nouns))) if nouns and rest else None


def follow(chain: Chain, passages: Sequence[Passage]) -> Followed:
    """How far these passages lead on a chain."""
    entity, found, entities = chain.entity, list[tuple[str, str]](), list[str]()
    first = f"{chain.nouns[0]} of {entity}"
    for noun in chain.nouns:
        told = _told(entity, RELATIONS[noun], passages)
        if told is None:
            wanted = f"{noun} of {entity}"
            return _followed(found, entities, wanted, first)
        passage_id, sentence, entity = told
        found.append((passage_id, sentence))
        entities.append(entity)
    return _followed(found, entities, "", first)


def reasoned(answer: dict[str, Any], followed: Followed) -> dict[str, Any]:
    """An object that fits a schema, with what the passages of a question lead to in its place."""
    told: dict[str, Any] = {
        "answered": not followed.wanted,
        "entities": list(followed.entities),
        "questions": [followed.wanted] if followed.wanted else [],
        "passages": list(dict.fromkeys(one for one, _ in followed.found)),
        "needs_more": _wanting(followed),
        "sections": _planned(answer.get("sections"), followed),
        "claims": _claimed(answer.get("claims"), followed),
    }
    return {name: told.get(name, value) for name, value in answer.items()}


def _followed(
    found: Sequence[tuple[str, str]], entities: Sequence[str], wanted: str, first: str
) -> Followed:
    return Followed(found=tuple(found), entities=tuple(entities), wanted=wanted, first=first)


def _noun_of(text: str) -> str | None:
    return next((noun for noun in BY_LENGTH if text.startswith(f"{noun} of ")), None)


def _told(
    entity: str, relation: Relation, passages: Sequence[Passage]
) -> tuple[str, str, str] | None:
    """The passage that tells a relation of an entity, its sentence, and the value."""
    for passage_id, sentence in _sentences(passages):
        if entity in sentence and relation.noun in sentence:
            for way in relation.sentences:
                value = _pattern(way, entity).search(sentence)
                if value:
                    return passage_id, sentence, value[1]
    return None


def _sentences(passages: Sequence[Passage]) -> Iterator[tuple[str, str]]:
    for passage in passages:
        for sentence in passage.sentences:
            yield passage.passage_id, sentence


@cache
def _pattern(way: str, entity: str) -> re.Pattern[str]:
    before, after = way.format(entity=entity, value="\0").split("\0")
    return re.compile(f"{re.escape(before)}(.+?){re.escape(after.rstrip('.'))}(?:\\.|$)")


def _wanting(followed: Followed) -> list[dict[str, Any]]:
    """What a critic of the only section says."""
    if not followed.wanted:
        return []
    problem = f"Nothing tells the {followed.wanted}."
    return [{"section": "s1", "problem": problem, "queries": [followed.wanted]}]


def _planned(sections: object, followed: Followed) -> object:
    """One section, as a question that a few sentences answer needs no more."""
    if not isinstance(sections, list) or not sections:
        return cast("object", sections)
    first = cast("list[dict[str, Any]]", sections)[0]
    return [{**first, "title": "The answer", "queries": [followed.first]}]


def _claimed(claims: object, followed: Followed) -> object:
    """A claim for each hop; what the passages hold, where they lead nowhere."""
    if not isinstance(claims, list) or not claims or not followed.found:
        return cast("object", claims)
    like = cast("list[dict[str, Any]]", claims)[0]
    ids = next((name for name in ("passages", "claims") if isinstance(like.get(name), list)), "")
    return [
        {**like, "text": sentence, **({ids: [one]} if ids else {}), **_quoted(like, sentence)}
        for one, sentence in followed.found
    ]


def _quoted(like: dict[str, Any], sentence: str) -> dict[str, str]:
    return {"quote": sentence} if "quote" in like else {}
