"""Objects that fit a JSON schema, filled as a model that follows its prompt would.

Written from JSON Schema 2020-12, as far as models are asked for it: types, properties, items,
references, enumerations, alternatives, bounds. A pattern is met where an id of the prompt, a date
or a plain word meets it; ``not``, ``if`` and ``dependent…`` are not looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from wiseflow.simulator.material import Material

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
ITEMS = 4
QUERIES = 2
MOST_DEPTH = 12
SHORT = 160  # characters of a text whose name does not say that it is long

IDS = re.compile(
    r"(^|_)(ids?|refs?|references?|citations?|cites?|cited|sources?|passages?|evidence)$"
)
TITLES = re.compile(r"(title|heading|name|label|topic)s?$")
QUERY = re.compile(r"(quer(y|ies)|search(es)?|keywords?|questions?|terms?)$")
LONG = re.compile(r"(body|content|draft|answer|report|markdown|text|paragraphs?|section|article)$")
NEGATIVE = re.compile(r"need|not_|missing|gap|more|error|wrong|contradict|duplicate|fail")
YES = re.compile(
    r"(yes|true|support|relevant|ok|good|pass|accept|done|complete|sufficient)", re.IGNORECASE
)
FORMATS = {
    "date": "2024-05-17",
    "date-time": "2024-05-17T08:00:00Z",
    "time": "08:00:00Z",
    "uri": "https://gazette.example/",
    "url": "https://gazette.example/",
    "email": "desk@gazette.example",
    "uuid": "6f1c7a52-0d3b-4a5e-9c55-2f6d0a1b7c11",
}
# What is tried where a pattern asks for something that the prompt does not hold.
PLAIN = (
    "p1",
    "s1",
    "1",
    "01",
    "A1",
    "a",
    "A",
    "word",
    "two words",
    "a-b",
    "2024-05-17",
    "08:00",
    "08:00:00",
    "#",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the object something is written.

    Args:
        name: of the property that holds it, in lower case with underscores.
        outer: the number of the outermost list's element, which is the section or the claim.
        inner: the number in the innermost list.
        lists: how many lists are around it.
        depth: how many objects and lists are around it.
    """

    name: str = ""
    outer: int = 0
    inner: int = 0
    lists: int = 0
    depth: int = 0

    def element(self, number: int) -> Place:
        """The place of an element of a list that is here."""
        outer = number if self.lists == 0 else self.outer
        return replace(self, outer=outer, inner=number, lists=self.lists + 1, depth=self.depth + 1)

    def field(self, name: str) -> Place:
        """The place of a property of an object that is here."""
        plain = re.sub(r"(?<=[a-z])(?=[A-Z])|[- ]", "_", name).lower()
        return replace(self, name=plain, depth=self.depth + 1)


class Composer:
    """Makes one object.

    Args:
        schema: what it must fit.
        material: what there is to write from.
    """

    def __init__(self, schema: Mapping[str, Any], material: Material) -> None:
        self._root = schema
        self._material = material
        self._makers: dict[str, Callable[[Mapping[str, Any], Place], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": self._boolean,
            "null": lambda _schema, _place: None,
        }

    def compose(self) -> Any:
        """The object."""
        return self._make(self._root, Place())

    def _make(self, schema: Any, place: Place) -> Any:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choose(schema["enum"], place)
        return self._makers[_type_of(schema)](schema, place)

    def _resolve(self, schema: Any) -> Mapping[str, Any]:
        """The schema itself behind references and alternatives."""
        for _ in range(MOST_DEPTH):
            if not isinstance(schema, Mapping):  # true and false are schemas, too
                return {}
            found = cast("Mapping[str, Any]", schema)
            if "$ref" in found:
                schema = self._refer(str(found["$ref"]))
            elif alternatives := found.get("anyOf") or found.get("oneOf"):
                schema = _first_that_holds(alternatives)
            elif parts := found.get("allOf"):
                schema = self._merge(found, parts)
            else:
                return found
        return {}

    def _refer(self, reference: str) -> Any:
        found: Any = self._root
        for part in reference.lstrip("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = (
                cast("Mapping[str, Any]", found).get(name, {}) if isinstance(found, Mapping) else {}
            )
        return found

    def _merge(self, schema: Mapping[str, Any], parts: Sequence[Any]) -> Mapping[str, Any]:
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in map(self._resolve, parts):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", []), *part.get("required", [])]
            merged = {**merged, **part}
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _object(self, schema: Mapping[str, Any], place: Place) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        required = set(schema.get("required", []))
        if place.depth >= MOST_DEPTH:  # a schema that holds itself
            properties = {name: one for name, one in properties.items() if name in required}
        made = {name: self._make(one, place.field(name)) for name, one in properties.items()}
        free = schema.get("additionalProperties")
        if not properties and isinstance(free, Mapping):
            made[self._material.title(place.outer)] = self._make(free, place.element(0))
        return made

    def _array(self, schema: Mapping[str, Any], place: Place) -> list[Any]:
        if prefix := schema.get("prefixItems"):
            return [self._make(one, place.element(at)) for at, one in enumerate(prefix)]
        low, high = int(schema.get("minItems", 0)), schema.get("maxItems", math.inf)
        items = self._resolve(schema.get("items", {}))
        if place.depth >= MOST_DEPTH or NEGATIVE.search(place.name):  # nothing is amiss
            wanted = 0
        elif _is_of_ids(items, place) and self._ids(items):
            return self._ids_for(items, place, low, high)
        else:
            wanted = QUERIES if QUERY.search(place.name) and place.lists else ITEMS
        count = int(min(max(wanted, low), high))
        made = [self._make(items, place.element(at)) for at in range(count)]
        return _distinct(made) if schema.get("uniqueItems") else made

    def _ids(self, schema: Mapping[str, Any]) -> list[str]:
        """The ids of the prompt's passages that the schema of one allows."""
        known = [one.passage_id for one in self._material.passages]
        if allowed := schema.get("enum"):
            return [one for one in allowed if one in known] or [str(one) for one in allowed]
        pattern = schema.get("pattern")
        return [one for one in known if pattern is None or re.search(pattern, one)]

    def _ids_for(self, schema: Mapping[str, Any], place: Place, low: int, high: float) -> list[str]:
        ids = self._ids(schema)
        count = int(min(max(1, low), high, len(ids)))
        return [ids[(place.outer + at) % len(ids)] for at in range(count)]

    def _choose(self, allowed: Sequence[Any], place: Place) -> Any:
        known = {one.passage_id for one in self._material.passages}
        if of_prompt := [one for one in allowed if one in known]:
            return of_prompt[place.outer % len(of_prompt)]
        good = [one for one in allowed if isinstance(one, str) and YES.match(one)]
        if good:
            return good[0]
        return allowed[int(self._material.pick("enum", place) * len(allowed))]

    def _string(self, schema: Mapping[str, Any], place: Place) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        if pattern := schema.get("pattern"):
            return self._matching(str(pattern), place)
        if IDS.search(place.name) and (ids := self._ids(schema)):
            return ids[place.outer % len(ids)]
        most = int(schema.get("maxLength", 100_000))
        text = _shorten(self._text(place), most)
        return text.ljust(int(schema.get("minLength", 0)), ".")

    def _text(self, place: Place) -> str:
        material = self._material
        if QUERY.search(place.name):
            nested = place.lists > 1
            return material.query(place.outer, place.inner + 1 if nested else 0)
        if TITLES.search(place.name):
            if place.lists:
                return material.title(place.outer)
            return material.subject[:1].upper() + material.subject[1:]
        if LONG.search(place.name) and not place.lists:
            return " ".join(material.cited())
        return material.sentence(place.inner if place.lists > 1 else 0, place.outer)

    def _matching(self, pattern: str, place: Place) -> str:
        ids = [one.passage_id for one in self._material.passages]
        number = str(place.outer + 1)
        tried = [
            *(ids[place.outer % len(ids) :] + ids if ids else ()),
            *(f"{letter}{number}" for letter in ("p", "s", "", "S", "P", "c", "q")),
            *PLAIN,
            self._text(place),
        ]
        return next((one for one in tried if re.search(pattern, one)), tried[-1])

    def _integer(self, schema: Mapping[str, Any], place: Place) -> int:
        low, high = _bounds(schema, 1)
        return (
            math.ceil(low)
            if math.isinf(high)
            else _between(math.ceil(low), math.floor(high), place)
        )

    def _number(self, schema: Mapping[str, Any], place: Place) -> float:
        low, high = _bounds(schema, 0.0)
        share = 0.5 + 0.4 * self._material.pick("number", place)
        return round(low + share * (1.0 if math.isinf(high) else high - low), 3)

    def _boolean(self, schema: Mapping[str, Any], place: Place) -> bool:  # noqa: ARG002 - as the others
        return NEGATIVE.search(place.name) is None


def _type_of(schema: Mapping[str, Any]) -> str:
    named: Any = schema.get("type")
    if isinstance(named, Sequence) and not isinstance(named, str):
        named = next((one for one in cast("Sequence[str]", named) if one != "null"), "null")
    if named in TYPES:
        return str(named)
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _first_that_holds(alternatives: Sequence[Any]) -> Any:
    """The first alternative that is not null."""
    return next((one for one in alternatives if one != {"type": "null"}), alternatives[0])


def _is_of_ids(items: Mapping[str, Any], place: Place) -> bool:
    return _type_of(items) == "string" and bool(IDS.search(place.name) or items.get("enum"))


def _bounds(schema: Mapping[str, Any], default: float) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    step = 1 if schema.get("type") == "integer" else 0
    if low is not None and "minimum" not in schema:
        low += step
    if high is not None and "maximum" not in schema:
        high -= step
    if low is None:
        low = default if high is None or default < high else high - 1
    return float(low), math.inf if high is None else float(high)


def _between(low: int, high: int, place: Place) -> int:
    """The upper part of a scale for the first ones, then less."""
    return max(low, high - 1 - place.outer) if high > low else low


def _distinct(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0][:most]
