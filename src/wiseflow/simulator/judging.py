"""Which claims passages support: an oracle that knows how a world's facts may be said.

It reads claims and passages for who, what and which value, in any of the words that the vocabulary
has for it, and compares what it read. It errs in a share of its judgements that is told to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wiseflow.simulator.calls import units
from wiseflow.simulator.vocabulary import FAMILY_NAMES, GIVEN_NAMES, MONTHS, NOUNS
from wiseflow.simulator.world import World

PIECE = re.compile(r'<(passage|claim)\w* id="([^"\s]{1,64})"[^>\n]*>\n?(.*?)</\1', re.DOTALL)
CITES = re.compile(r"^(\w{1,64}) cites ([\w, ]{1,400})", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
DENIAL = re.compile(r"\b(?:not|never|no longer|denies|denied)\b|n't\b", re.IGNORECASE)
NOUN = re.compile("|".join(sorted(map(re.escape, NOUNS), key=len, reverse=True)), re.IGNORECASE)
VALUE = re.compile(
    rf"\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}"
    rf"|(?:{'|'.join(GIVEN_NAMES)}) (?:{'|'.join(FAMILY_NAMES)})"
    r"|\d+ (?:million crowns|percent|kilometres)|\d,\d{3}|\d{4}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """That an entity has a value for a relation.

    Args:
        entity: its name.
        noun: of the relation, as facts have it.
        value: as it is written.
    """

    entity: str
    noun: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A claim to be judged.

    Args:
        claim_id: of it.
        text: what it says.
        passages: what it cites, by id.
    """

    claim_id: str
    text: str
    passages: Mapping[str, str]


class Judge:
    """Judges claims by what their passages say.

    Args:
        world: whose entities it knows.
        errors: share of its judgements that are wrong.
    """

    def __init__(self, world: World, errors: float = 0.0) -> None:
        self._seed = world.seed
        self._errors = errors
        names = sorted({fact.entity for fact in world.facts}, key=len, reverse=True)
        self._entity = re.compile("|".join(map(re.escape, names)))

    def supports(self, text: str, passages: Sequence[str]) -> bool:
        """Whether passages say all that a claim says; never wrong."""
        known = {one for passage in passages for one in self._told(passage)}
        read = self.read(text)
        if read is None:  # it states no fact: then it has to stand there
            plain = text.strip(" .")
            return any(plain in passage for passage in passages)
        return bool(read) and set(read) <= known

    def read(self, sentence: str) -> list[Reading] | None:
        """What a sentence states; nothing when it is no fact, ``None`` when it is about none."""
        entities = self._entity.findall(sentence)
        rest = self._entity.sub(" ", sentence)
        nouns = [NOUNS[noun.lower()] for noun in NOUN.findall(rest)]
        values = VALUE.findall(rest)
        if not (nouns or values):
            return None
        whole = len(nouns) == len(values) and len(entities) in {1, len(nouns)}
        if not whole or DENIAL.search(sentence):
            return []
        subjects = entities if len(entities) == len(nouns) else entities * len(nouns)
        triples = zip(subjects, nouns, values, strict=True)
        return [Reading(entity=who, noun=noun, value=value) for who, noun, value in triples]

    def judge(self, case: Case) -> dict[str, Any]:
        """A judgement in the words of an answer; wrong in the share of cases that was asked for."""
        passages = list(case.passages.values())
        right = self.supports(case.text, passages)
        errs = units(self._seed, "judge", case.text, *passages)[0] < self._errors
        place, sentence = self._nearest(case)
        supported = right is not errs
        return {
            "claim": case.claim_id,
            "verdict": "supported" if supported else "unsupported",
            "quote": sentence,
            "text": "" if supported else sentence,
            "passages": [place] if place else [],
        }

    def _told(self, passage: str) -> set[Reading]:
        found: set[Reading] = set()
        for sentence in SENTENCE_END.split(passage):
            found.update(self.read(sentence) or ())
        return found

    def _nearest(self, case: Case) -> tuple[str, str]:
        """The passage and its sentence that a claim comes nearest to; the first best of them."""
        wanted = set(case.text.lower().split()) | {one.lower() for one in self._nouns(case.text)}
        best, most = ("", ""), 0
        for place, passage in case.passages.items():
            for sentence in filter(None, map(str.strip, SENTENCE_END.split(passage))):
                said = {*sentence.lower().split(), *map(str.lower, self._nouns(sentence))}
                if len(wanted & said) > most:
                    best, most = (place, sentence), len(wanted & said)
        return best

    def _nouns(self, text: str) -> list[str]:
        return [NOUNS[noun.lower()] for noun in NOUN.findall(text)]


def asks_for_judgements(schema: Mapping[str, Any]) -> str:
    """The list of a schema that is of judgements on claims; "" when there is none."""
    for name, one in _properties(schema).items():
        if {"claim", "verdict"} <= set(_properties(one.get("items", {}))):
            return name
    return ""


def _properties(schema: Any) -> Mapping[str, Mapping[str, Any]]:
    """The properties of a schema; one that is ``true`` or ``false`` has none."""
    if not isinstance(schema, dict):
        return {}
    found: Mapping[str, Any] = cast("Mapping[str, Any]", schema).get("properties", {})
    return {name: cast("Any", one) for name, one in found.items() if isinstance(one, dict)}


def cases_in(text: str) -> list[Case]:
    """The claims of a prompt with the passages that it says they cite; all, where it does not."""
    pieces = [(match[1], match[2], match[3].strip()) for match in PIECE.finditer(text)]
    passages = {one: said for kind, one, said in pieces if kind == "passage"}
    cites = {match[1]: re.findall(r"\w+", match[2]) for match in CITES.finditer(text)}
    return [
        Case(
            claim_id=one,
            text=said,
            passages={key: passages[key] for key in cites.get(one, passages) if key in passages},
        )
        for kind, one, said in pieces
        if kind == "claim"
    ]
