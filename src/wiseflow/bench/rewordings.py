"""Claims made from real paragraphs: true ones in other words, and planted ones. Pure.

Each is made by a rule, so that what was done to it is known; a sentence that no rule fits makes
none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiseflow.simulator.rewording import Done
from wiseflow.text import words

SHORTEST, LONGEST = 40, 300  # characters of a sentence that claims are made from
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_TAIL = re.compile(r",\s+(?:which|who|where|while|although|as well as)\b[^,.]*(?=\.$)")
_PASSIVE = re.compile(
    r"^(?P<what>[^,;]{2,80}?) (?:was|were|is|are) (?P<done>\w+ed) by"
    r" (?P<who>[^,;.]{2,60})(?P<rest>[.,].*)$"
)
_IS = re.compile(r"\b(?:is|was|are|were)\b(?! not\b)")
_POINTS_BACK = re.compile(r"^(?:It|He|She|They|This|These|His|Her|Its|Their)\b")
_NUMBER = re.compile(r"(?<![\w.,])\d{2,4}(?![\w,]|\.\d)")
# A word, and another of the same meaning.
SAME = {
    "film": "movie", "located": "situated", "began": "started", "large": "big", "city": "town",
    "company": "firm", "several": "various", "founded": "established", "created": "made",
    "won": "gained", "wrote": "penned", "used": "employed", "area": "region", "children": "kids",
    "book": "volume", "song": "tune", "town": "municipality", "started": "commenced",
    "known": "recognised", "famous": "renowned", "member": "part", "movie": "picture",
}  # fmt: skip
# A word, and another that says something else in its place.
OTHER = {
    "directed": "produced", "written": "translated", "born": "buried", "founded": "closed",
    "won": "lost", "north": "south", "east": "west", "father": "brother", "mother": "sister",
    "film": "novel", "album": "painting", "singer": "painter", "actor": "politician",
    "first": "last", "largest": "smallest", "wrote": "sang", "before": "after",
    "married": "succeeded", "created": "destroyed", "played": "refereed", "published": "banned",
    "located": "registered", "capital": "suburb", "professor": "student", "American": "Swiss",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded:
    """A claim made from a paragraph.

    Args:
        done: what was done to it.
        text: of the claim.
        spans: of the sentences that it is made from, in the paragraph.
    """

    done: Done
    text: str
    spans: tuple[tuple[int, int], ...]


def reworded(
    row: Mapping[str, Any], others: Sequence[str], chance: random.Random
) -> Iterator[Reworded]:
    """The claims that a paragraph makes.

    Args:
        row: of a corpus: ``text``, and its sentences as ``sents``.
        others: sentences of other paragraphs.
        chance: what is chosen by.
    """
    spans = list(_spans(row))
    text = str(row["text"])
    for place, (start, end) in enumerate(spans):
        sentence = text[start:end]
        for done, made in _made(sentence, others, chance):
            if made and made != sentence:
                yield Reworded(done=done, text=made, spans=((start, end),))
        if place and spans[place - 1][1] + 2 >= start:
            before = text[slice(*spans[place - 1])]
            merged = f"{before.rstrip('.')}, and {_lowered(sentence)}"
            yield Reworded(done=Done.MERGED, text=merged, spans=(spans[place - 1], (start, end)))


def sentences_of(row: Mapping[str, Any]) -> list[str]:
    """The sentences of a paragraph that claims are made from."""
    return [str(row["text"])[start:end] for start, end in _spans(row)]


def _spans(row: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    text, start = str(row["text"]), 0
    for said in row["sents"]:
        at = text.find(said.strip(), start)
        if at >= 0:
            start = at + len(said.strip())
            if SHORTEST <= start - at <= LONGEST and text[start - 1] == ".":
                yield at, start


def _made(
    sentence: str, others: Sequence[str], chance: random.Random
) -> Iterator[tuple[Done, str]]:
    yield Done.SHORTENED, _TAIL.sub("", _BRACKETS.sub("", sentence))
    yield Done.PASSIVE, _turned(sentence)
    yield Done.SYNONYMS, _exchanged(sentence, SAME)
    yield Done.INVENTED, chance.choice(others)
    yield Done.NUMBER, _other_number(sentence, chance)
    yield Done.NAME, _other_name(sentence, others, chance)
    yield Done.NEGATION, _IS.sub(lambda found: f"{found[0]} not", sentence, count=1)
    yield Done.RELATION, _exchanged(sentence, OTHER)


def _turned(sentence: str) -> str:
    """``A was directed by B.`` as ``B directed A.``; "" where it is no such sentence."""
    match = _PASSIVE.match(sentence)
    if not match:
        return ""
    what = _lowered(match["what"]) if not words.names(match["what"]) else match["what"]
    who = match["who"][:1].upper() + match["who"][1:]
    return f"{who} {match['done']} {what}{match['rest']}"


def _exchanged(sentence: str, by: Mapping[str, str]) -> str:
    """With one word for another; "" where there is none of them."""
    for word, other in by.items():
        exchanged, count = re.subn(rf"\b{word}\b", other, sentence, count=1)
        if count:
            return exchanged
    return ""


def _other_number(sentence: str, chance: random.Random) -> str:
    match = _NUMBER.search(sentence)
    if not match:
        return ""
    number = int(match[0]) + chance.choice((-11, -3, 2, 7, 13))
    return f"{sentence[: match.start()]}{number}{sentence[match.end() :]}"


def _other_name(sentence: str, others: Sequence[str], chance: random.Random) -> str:
    mine = words.names(sentence)
    theirs = words.names(chance.choice(others))
    strange = [name for name in theirs if name not in sentence and " " in name]
    return sentence.replace(mine[-1], strange[0], 1) if mine and strange else ""


def _lowered(sentence: str) -> str:
    """To go on after a comma; a name keeps its capital."""
    first = sentence.split(maxsplit=1)[0]
    plain = _POINTS_BACK.match(sentence) or first in {"The", "A", "An", "In", "On"}
    return sentence[:1].lower() + sentence[1:] if plain else sentence
