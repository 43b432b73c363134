"""The words that a simulated world is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ValueKind(StrEnum):
    """What a fact's value is."""

    YEAR = "year"
    DATE = "date"
    MONEY = "money"
    PERCENT = "percent"
    COUNT = "count"
    LENGTH = "length"
    PERSON = "person"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What can be said of an entity.

    Args:
        noun: the words that every sentence about it holds.
        value: what kind of value it has.
        sentences: ways to say it, each with ``{entity}``, the noun and ``{value}``.
    """

    noun: str
    value: ValueKind
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A side of a topic.

    Args:
        name: one or two words that a query would hold.
        title: as a heading.
        relations: what is said about it.
    """

    name: str
    title: str
    relations: tuple[Relation, ...]


def _relation(noun: str, value: ValueKind) -> Relation:
    link = "from" if value is ValueKind.PERSON else "of"
    return Relation(
        noun=noun,
        value=value,
        sentences=(
            f"The {noun} of {{entity}} is {{value}}.",
            f"For {{entity}}, the register gives {{value}} as the {noun}.",
            f"{{entity}} lists a {noun} {link} {{value}} in its yearly statement.",
        ),
    )


ATTRIBUTES = (
    Attribute(
        name="history",
        title="Origins and history",
        relations=(
            _relation("founding year", ValueKind.YEAR),
            _relation("date of opening", ValueKind.DATE),
        ),
    ),
    Attribute(
        name="costs",
        title="Costs and funding",
        relations=(
            _relation("construction cost", ValueKind.MONEY),
            _relation("annual budget", ValueKind.MONEY),
        ),
    ),
    Attribute(
        name="technology",
        title="Technology and equipment",
        relations=(
            _relation("number of installed units", ValueKind.COUNT),
            _relation("length of cable", ValueKind.LENGTH),
        ),
    ),
    Attribute(
        name="environment",
        title="Effects on the environment",
        relations=(
            _relation("reduction in emissions", ValueKind.PERCENT),
            _relation("length of protected shore", ValueKind.LENGTH),
        ),
    ),
    Attribute(
        name="governance",
        title="Governance and people",
        relations=(
            _relation("director", ValueKind.PERSON),
            _relation("date of the last audit", ValueKind.DATE),
        ),
    ),
    Attribute(
        name="workforce",
        title="Workforce and training",
        relations=(
            _relation("number of employees", ValueKind.COUNT),
            _relation("share of apprentices", ValueKind.PERCENT),
        ),
    ),
    Attribute(
        name="safety",
        title="Safety and incidents",
        relations=(
            _relation("number of reported incidents", ValueKind.COUNT),
            _relation("date of the safety review", ValueKind.DATE),
        ),
    ),
    Attribute(
        name="outlook",
        title="Plans and outlook",
        relations=(
            _relation("planned year of expansion", ValueKind.YEAR),
            _relation("target for growth", ValueKind.PERCENT),
        ),
    ),
)

# What leads from an entity to another, for questions of several hops.
LINKS = tuple(
    _relation(noun, ValueKind.ENTITY)
    for noun in ("main supplier", "chief contractor", "legal successor", "research partner")
)
# Other words for what a relation is called.
OTHER_NOUNS = {
    "founding year": "year of foundation",
    "date of opening": "day of inauguration",
    "construction cost": "price of building it",
    "annual budget": "yearly allowance",
    "number of installed units": "count of machines in place",
    "length of cable": "extent of wiring",
    "reduction in emissions": "cut in exhaust gases",
    "length of protected shore": "extent of sheltered coast",
    "director": "head",
    "date of the last audit": "day of the latest examination",
    "number of employees": "headcount",
    "share of apprentices": "proportion of trainees",
    "number of reported incidents": "count of known mishaps",
    "date of the safety review": "day of the security check",
    "planned year of expansion": "year foreseen for growth in size",
    "target for growth": "aim for expansion",
}
# What facts call it, by every way to call it, in small letters.
NOUNS = {**{noun: noun for noun in OTHER_NOUNS}, **{two: one for one, two in OTHER_NOUNS.items()}}

FIELDS = (
    "tidal power programme",
    "seed bank network",
    "night railway project",
    "harbour renewal scheme",
    "glacier observatory",
    "peatland restoration plan",
    "school meal reform",
    "desalination network",
    "pollinator corridor",
    "archive digitisation effort",
    "geothermal district",
    "river barge service",
)
ENTITIES = ("Institute", "Station", "Works", "Trust", "Array", "Authority")
FIRST_SYLLABLES = (
    "Vel",
    "Kor",
    "Tan",
    "Bry",
    "Osm",
    "Lun",
    "Fer",
    "Gal",
    "Hes",
    "Mir",
    "Dro",
    "Sel",
)
MIDDLE_SYLLABLES = ("mo", "ri", "da", "lu", "ve", "na", "sto", "che", "ga", "pi")
LAST_SYLLABLES = ("ra", "nia", "dal", "wick", "mere", "ton", "vik", "lund", "sk", "holm")
GIVEN_NAMES = ("Ada", "Bruno", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas")
FAMILY_NAMES = ("Abara", "Brandt", "Castell", "Duarte", "Eklund", "Fontaine", "Grieg", "Horvat")
# Of those who write the pages; nobody of whom a page tells has such a name.
AUTHORS_GIVEN_NAMES = ("Amara", "Bjarne", "Chiara", "Dov", "Eun-ji", "Frieda", "Goran", "Hedda")
AUTHORS_FAMILY_NAMES = ("Achterberg", "Böhm", "Çelik", "Dubois", "Ekberg", "Faraday", "Ó Briain")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

# Filler says nothing that could be checked: no names, no numbers.
SUBJECTS = (
    "Visitors from the region",
    "Several observers",
    "Local newspapers",
    "Members of the council",
    "Older residents",
    "Independent engineers",
    "Teachers and students",
    "Most of the neighbours",
    "People close to the matter",
    "The organisers of the fair",
)
VERBS = (
    "have often discussed",
    "rarely agree about",
    "wrote at length on",
    "were curious about",
    "remain hopeful about",
    "asked many questions about",
    "keep a close eye on",
    "had expected more of",
    "speak warmly of",
    "would like to learn about",
)
OBJECTS = (
    "the mood of the early meetings",
    "the colours of the new signs",
    "what the weather did to the plans",
    "the long evenings spent on drafts",
    "the way such undertakings begin",
    "the patience that this kind of work needs",
    "the stories told on opening days",
    "how the place has changed since then",
    "the tone of the public letters",
    "the small details that others overlook",
)
SITES = ("gazette.example", "review.example", "bulletin.example", "almanac.example")
