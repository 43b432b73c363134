"""A seeded world of facts, and the pages that state them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator import vocabulary
from wiseflow.simulator.vocabulary import ATTRIBUTES, Attribute, Relation, ValueKind

TOPICS = 24
MOST_TOPICS = 1000
FACTS_AN_ATTRIBUTE = 4
MOST_AUTHORS = 5  # of a page
LENT_FACTS = 2  # of the next attribute, so that each fact is on more pages than its own two
WORD = re.compile(r"[^\W\d_]+")
NO_TITLE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is so.

    Args:
        fact_id: within its world.
        topic: the name of its topic.
        attribute: the name of the side of the topic it belongs to.
        entity: of whom it is said.
        relation: what is said.
        value: as every sentence about it holds it.
    """

    fact_id: str
    topic: str
    attribute: str
    entity: str
    relation: Relation
    value: str

    def sentence(self, way: int = 0, value: str = "") -> str:
        """The fact in words, in one of its ways; with another value, something untrue."""
        sentences = self.relation.sentences
        template = sentences[way % len(sentences)]
        return template.format(entity=self.entity, value=value or self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the world's web.

    Args:
        slug: the last part of its address.
        site: the name of who publishes it.
        title: its heading.
        published: its date, as YYYY-MM-DD.
        authors: who wrote it, given names first.
        topic: the name of its topic.
        attribute: the name of the side it is about; "" for an overview.
        facts: those that it states.
        sentences: one for each fact, in that order; some may be untrue where it was asked for.
    """

    slug: str
    site: str
    title: str
    published: str
    authors: tuple[str, ...]
    topic: str
    attribute: str
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Something to be researched.

    Args:
        name: unique in its world.
        facts: all that is known of it.
        pages: all that was written on it.
    """

    name: str
    facts: tuple[Fact, ...]
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A topic as somebody would ask for it, and what a full answer would state.

    Args:
        text: the question.
        topic: the name of the topic.
        facts: what is asked for.
    """

    text: str
    topic: str
    facts: tuple[Fact, ...]


class World:
    """All topics of a seed. Equal arguments make equal worlds.

    Args:
        seed: of everything.
        topics: how many.
        conflicts: share of the facts that one page states with another value.
        links: whether there are pages that tell how entities of different topics are linked.

    Raises:
        InvalidInput: too few or too many topics, or no share.
    """

    def __init__(
        self, seed: int = 1, *, topics: int = TOPICS, conflicts: float = 0.0, links: bool = False
    ) -> None:
        if not 1 <= topics <= MOST_TOPICS:
            raise InvalidInput(
                f"a world of {topics} topics cannot be", cure=f"Give 1 to {MOST_TOPICS}"
            )
        if not 0 <= conflicts <= 1:
            raise InvalidInput(
                f"{conflicts:g} of the facts cannot conflict", cure="Give a share from 0 to 1"
            )
        self.seed = seed
        names = _topic_names(random.Random(f"{seed}/names"), topics)  # noqa: S311 - no secret
        made = [_make_topic(seed, name, conflicts) for name in names]
        self.links: Mapping[str, Fact] = _links(seed, made) if links else {}
        self.topics = tuple(_linked(topic, self.links) for topic in made) if links else tuple(made)
        self.facts = tuple(fact for topic in self.topics for fact in topic.facts)
        self._known_first = {fact.entity: fact for fact in reversed(self.facts)}
        self.pages = {page.slug: page for topic in self.topics for page in topic.pages}
        self._by_place: dict[str, list[tuple[str, Topic]]] = {}
        for topic in self.topics:
            name = topic.name.lower()
            self._by_place.setdefault(name.partition(" ")[0], []).append((name, topic))

    def topic_in(self, text: str) -> Topic | None:
        """The topic that a text names first."""
        lowered = text.lower()
        # By words: to look for each of a thousand names took longer than all else of an answer.
        for word in WORD.finditer(lowered):
            named = [
                (name, topic)
                for name, topic in self._by_place.get(word[0], ())
                if lowered.startswith(name, word.start())
            ]
            if named:
                return min(named)[1]
        return None

    def chain(self, number: int, hops: int) -> Question:
        """The question of a number from 0 up that takes so many hops; its facts are the hops.

        Raises:
            InvalidInput: there are no links, or fewer chains than that.
        """
        found = 0
        for first in self.links:
            chain = self._chain_from(first, hops)
            if chain is not None:
                if found == number:
                    return _chain_question(chain)
                found += 1
        raise InvalidInput(
            f"there are {found} questions of {hops} hops",
            cure="Make the world with links=True, and with more topics",
        )

    def _chain_from(self, entity: str, hops: int) -> tuple[Fact, ...] | None:
        """The links from an entity on, and a fact of the last; ``None`` where they come round."""
        chain: list[Fact] = []
        seen = {entity}
        while len(chain) < hops - 1:
            link = self.links.get(entity)
            if link is None or link.value in seen:
                return None
            chain.append(link)
            entity = link.value
            seen.add(entity)
        return (*chain, self._known_first[entity])

    def question(self, number: int) -> Question:
        """The question of a number from 0 up; after each topic's own come those about its sides."""
        round_number, at = divmod(number, len(self.topics))
        topic = self.topics[at]
        if round_number == 0:
            return Question(
                text=f"What is known about the {topic.name}?", topic=topic.name, facts=topic.facts
            )
        first = ATTRIBUTES[(round_number - 1) % len(ATTRIBUTES)]
        again = (round_number - 1) // len(ATTRIBUTES)
        ending = f" (edition {again + 1})" if again else ""
        return Question(
            text=f"What is known about {first.title.lower()} of the {topic.name}?{ending}",
            topic=topic.name,
            facts=tuple(fact for fact in topic.facts if fact.attribute == first.name),
        )


def _chain_question(chain: tuple[Fact, ...]) -> Question:
    nouns = [fact.relation.noun for fact in reversed(chain)]
    text = f"What is the {' of the '.join(nouns)} of {chain[0].entity}?"
    return Question(text=text, topic=chain[0].topic, facts=chain)


def _links(seed: int, topics: Sequence[Topic]) -> Mapping[str, Fact]:
    """A link from each entity that something is known of to one of another topic."""
    chance = random.Random(f"{seed}/links")  # noqa: S311 - no secret
    entities = {topic.name: _entities_of(topic) for topic in topics}
    links: dict[str, Fact] = {}
    for topic in topics:
        others = [name for name in entities if name != topic.name]
        for entity in entities[topic.name] if others else ():
            relation = chance.choice(vocabulary.LINKS)
            links[entity] = Fact(
                fact_id=slug_of(f"{entity} {relation.noun}"),
                topic=topic.name,
                attribute="partners",
                entity=entity,
                relation=relation,
                value=chance.choice(entities[chance.choice(others)]),
            )
    return links


def _entities_of(topic: Topic) -> list[str]:
    return list(dict.fromkeys(fact.entity for fact in topic.facts))


def _linked(topic: Topic, links: Mapping[str, Fact]) -> Topic:
    """The topic with a page on the partners of its entities."""
    facts = tuple(links[entity] for entity in _entities_of(topic) if entity in links)
    chance = random.Random(f"partners/{topic.name}")  # noqa: S311 - no secret
    page = _page(chance, topic.name, f"Partners of the {topic.name}", "partners", facts, 0)
    return replace(topic, pages=(*topic.pages, page))


def _topic_names(chance: random.Random, count: int) -> Sequence[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        field = vocabulary.FIELDS[len(names) % len(vocabulary.FIELDS)]
        names[f"{_place(chance)} {field}"] = None
    return list(names)


def _place(chance: random.Random) -> str:
    return (
        chance.choice(vocabulary.FIRST_SYLLABLES)
        + chance.choice(vocabulary.MIDDLE_SYLLABLES)
        + chance.choice(vocabulary.LAST_SYLLABLES)
    )


def _make_topic(seed: int, name: str, conflicts: float) -> Topic:
    chance = random.Random(f"{seed}/{name}")  # noqa: S311 - no secret
    place = name.split(maxsplit=1)[0]
    field = name.split()[1].capitalize()
    entities = [f"{place} {field} {kind}" for kind in vocabulary.ENTITIES]
    facts = tuple(fact for side in ATTRIBUTES for fact in _facts(chance, name, side, entities))
    return Topic(name=name, facts=facts, pages=tuple(_pages(chance, name, facts, conflicts)))


def _facts(
    chance: random.Random, topic: str, attribute: Attribute, entities: Sequence[str]
) -> Iterator[Fact]:
    said = [(entity, relation) for entity in entities for relation in attribute.relations]
    for entity, relation in chance.sample(said, FACTS_AN_ATTRIBUTE):
        yield Fact(
            fact_id=slug_of(f"{entity} {relation.noun}"),
            topic=topic,
            attribute=attribute.name,
            entity=entity,
            relation=relation,
            value=_value(chance, relation.value),
        )


def _value(chance: random.Random, kind: ValueKind) -> str:
    return VALUES[kind](chance)


def _date(chance: random.Random) -> str:
    day, month = chance.randint(1, 28), chance.choice(vocabulary.MONTHS)
    return f"{day} {month} {chance.randint(1990, 2025)}"


def _person(chance: random.Random) -> str:
    return f"{chance.choice(vocabulary.GIVEN_NAMES)} {chance.choice(vocabulary.FAMILY_NAMES)}"


VALUES: Mapping[ValueKind, Callable[[random.Random], str]] = {
    ValueKind.YEAR: lambda chance: str(chance.randint(1950, 2049)),
    ValueKind.DATE: _date,
    ValueKind.MONEY: lambda chance: f"{chance.randint(11, 999)} million crowns",
    ValueKind.PERCENT: lambda chance: f"{chance.randint(2, 97)} percent",
    ValueKind.COUNT: lambda chance: f"{chance.randint(1, 9)},{chance.randint(100, 999)}",
    ValueKind.LENGTH: lambda chance: f"{chance.randint(12, 899)} kilometres",
    ValueKind.PERSON: _person,
}


def _pages(
    chance: random.Random, topic: str, facts: Sequence[Fact], conflicts: float
) -> Iterator[Page]:
    sides = [
        tuple(facts[at : at + FACTS_AN_ATTRIBUTE])
        for at in range(0, len(facts), FACTS_AN_ATTRIBUTE)
    ]
    overview = tuple(side[0] for side in sides)
    yield _page(chance, topic, f"The {topic}: an overview", "", overview, 0)
    for number, (attribute, own) in enumerate(zip(ATTRIBUTES, sides, strict=True)):
        lent = sides[(number + 1) % len(sides)][:LENT_FACTS]
        yield _page(
            chance, topic, f"{attribute.title} of the {topic}", attribute.name, own + lent, 1
        )
        page = _page(
            chance, topic, f"The {topic}: {attribute.title.lower()}", attribute.name, own, 2
        )
        yield _contradict(chance, page, conflicts) if conflicts else page


def _page(
    chance: random.Random, topic: str, title: str, attribute: str, facts: tuple[Fact, ...], way: int
) -> Page:
    slug = slug_of(title)
    return Page(
        slug=slug,
        site=chance.choice(vocabulary.SITES),
        title=title,
        published=str(date(2015, 1, 1) + timedelta(days=chance.randrange(4000))),
        authors=_authors(topic, slug),
        topic=topic,
        attribute=attribute,
        facts=facts,
        sentences=tuple(fact.sentence(way) for fact in facts),
    )


def _authors(topic: str, slug: str) -> tuple[str, ...]:
    """One to five names, by a chance of their own: what the pages state stays as it is."""
    chance = random.Random(f"authors/{topic}/{slug}")  # noqa: S311 - no secret
    families = chance.sample(vocabulary.AUTHORS_FAMILY_NAMES, chance.randint(1, MOST_AUTHORS))
    return tuple(f"{chance.choice(vocabulary.AUTHORS_GIVEN_NAMES)} {name}" for name in families)


def _contradict(chance: random.Random, page: Page, share: float) -> Page:
    facts, sentences = list(page.facts), list(page.sentences)
    for at, fact in enumerate(page.facts):
        if chance.random() >= share:
            continue
        other = fact.value
        while other == fact.value:
            other = _value(chance, fact.relation.value)
        sentences[at] = fact.sentence(2, other)
        facts.remove(fact)
    return replace(page, facts=tuple(facts), sentences=tuple(sentences))


def slug_of(text: str) -> str:
    """The text as a part of an address."""
    return NO_TITLE.sub("-", text.lower()).strip("-")
