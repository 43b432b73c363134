"""What a simulated model finds in its prompt: passages with ids, a topic, a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from wiseflow.simulator.calls import digest_of, units
from wiseflow.simulator.vocabulary import ATTRIBUTES, OBJECTS, SUBJECTS, VERBS
from wiseflow.simulator.world import Topic, World

# A passage begins a line with its id in brackets, and ends before the next one or an empty line.
PASSAGE = re.compile(
    r"^[ \t>*-]*\[([^\]\s]{1,64})\][ \t:]*(\S.*(?:\n(?![ \t>*-]*\[)[^\n]*\S.*)*)", re.MULTILINE
)
# Or it stands between tags of which the first has its id.
TAGGED = re.compile(r'<(\w+) id="([^"\s]{1,64})"[^>\n]*>\n?(.*?)</\1>', re.DOTALL)
SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")
MIN_SENTENCE = 20  # characters; shorter ones are headings and crumbs
MOST_OBJECTS_TRIED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of evidence in a prompt.

    Args:
        passage_id: what stood in the brackets.
        sentences: of its text, never empty.
    """

    passage_id: str
    sentences: tuple[str, ...]


class Material:
    """What a prompt gives to write from.

    Args:
        text: the prompt.
        world: what the model has learnt; its topics are known by name.
    """

    def __init__(self, text: str, world: World) -> None:
        self.text = text
        self._world = world

    @cached_property
    def _digest(self) -> str:
        return digest_of(self.text.encode())

    @cached_property
    def passages(self) -> Sequence[Passage]:
        """Those of the prompt, each id once."""
        found: dict[str, Passage] = {}
        for passage_id, text in _marked(self.text):
            # As a model that follows its prompt would, it takes what tells most first.
            sentences = sorted(sentences_of(text), key=_tells_little)
            if sentences:
                found.setdefault(
                    passage_id, Passage(passage_id=passage_id, sentences=tuple(sentences))
                )
        return list(found.values())

    @cached_property
    def topic(self) -> Topic | None:
        """What the prompt is about: the topic it names first outside its passages, or in them."""
        return self._world.topic_in(self.around) or self._world.topic_in(self.text)

    @cached_property
    def around(self) -> str:
        """The prompt without its passages."""
        return TAGGED.sub("", PASSAGE.sub("", self.text))

    @cached_property
    def subject(self) -> str:
        """The topic's name, or the first words of the prompt's last line that has some."""
        if self.topic is not None:
            return self.topic.name
        lines = [line.strip(" \t#*:.?") for line in self.around.splitlines()]
        words = next((line for line in reversed(lines) if line), "the subject").split()
        return " ".join(words[:8])

    def pick(self, *place: object) -> float:
        """A number from 0 to below 1, by the prompt and a place in the answer."""
        return units(self._world.seed, self._digest, *place)[0]

    def title(self, number: int) -> str:
        """The heading of the section of a number."""
        side = ATTRIBUTES[number % len(ATTRIBUTES)]
        return f"{side.title} of the {self.subject}" if number >= len(ATTRIBUTES) else side.title

    def query(self, number: int, again: int = 0) -> str:
        """A search query for the section of a number."""
        side = ATTRIBUTES[number % len(ATTRIBUTES)]
        nouns = [relation.noun for relation in side.relations]
        return f"{self.subject} {nouns[(again - 1) % len(nouns)] if again else side.name}"

    def sentence(self, number: int, passage: int | None = None) -> str:
        """A sentence of the passages, of what is known on the topic, or about nothing much."""
        if self.passages:
            sentences = self.passages[(passage or 0) % len(self.passages)].sentences
            return sentences[number % len(sentences)]
        if self.topic is not None:
            fact = self.topic.facts[((passage or 0) * 4 + number) % len(self.topic.facts)]
            return fact.sentence(number)
        words = [
            one[int(self.pick(part, number, passage) * len(one))]
            for part, one in enumerate((SUBJECTS, VERBS, OBJECTS))
        ]
        return f"On {self.subject}: {words[0].lower()} {words[1]} {words[2]}."

    def cited(self, first: int = 0) -> Iterator[str]:
        """Sentences of all passages in turn, each with its id; without passages, a few without."""
        if not self.passages:
            yield from (self.sentence(number, first) for number in range(6))
            return
        longest = max(len(one.sentences) for one in self.passages)
        count = len(self.passages)
        for number in range(longest):
            for at in range(first, first + count):
                passage = self.passages[at % count]
                if number < len(passage.sentences):
                    yield f"{_without_end(passage.sentences[number])} [{passage.passage_id}]."


def _marked(text: str) -> Iterator[tuple[str, str]]:
    """Each id of a prompt's passages, with its text."""
    for match in TAGGED.finditer(text) if "<" in text else ():
        yield match[2], match[3]
    for match in PASSAGE.finditer(text) if "[" in text else ():
        yield match[1], match[2]


def _tells_little(sentence: str) -> bool:
    return not any(character.isdigit() for character in sentence)


def sentences_of(text: str) -> Iterator[str]:
    """The sentences of a text, long enough to say something."""
    for match in SENTENCE.finditer(text):
        sentence = match[0].strip()
        if len(sentence) >= MIN_SENTENCE:
            yield sentence


def schema_in(text: str) -> Mapping[str, Any] | None:
    """The last JSON schema of an object that is written out in a text."""
    if '"properties"' not in text:
        return None
    found: Mapping[str, Any] | None = None
    at, decoder = text.find("{"), json.JSONDecoder()
    for _ in range(MOST_OBJECTS_TRIED):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found = _as_schema(value) or found
        at = text.find("{", end)
    return found


def _as_schema(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, dict):
        return None
    schema = cast("dict[str, Any]", value)
    if isinstance(schema.get("properties"), dict):
        return schema
    inner = schema.get("schema")  # as in {"name": …, "schema": {…}}
    return _as_schema(inner) if inner is not None else None


def _without_end(sentence: str) -> str:
    return sentence.rstrip(".!? ")
