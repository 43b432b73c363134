"""Who wrote a web page and which site it is of, as its markup states it.

Only what a page marks as such is taken, nothing is guessed from its looks: an author that is not
known does a report less harm than a wrong one. trafilatura's own reading of names is not used: it
tears ``Brandt, Ada`` and ``Bank of England`` apart, and takes quadratic time over many names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, cast

from wiseflow.text.bylines import author_names, given_first, names_in, site_name

# Source: Google Scholar, "Inclusion Guidelines for Webmasters", "Indexing"; DCMI Metadata Terms.
_SCHOLARLY = ("citation_author", "citation_authors", "dc.creator", "dcterms.creator", "dc:creator")
# Source: WHATWG HTML, 4.2.5.1 "Standard metadata names"; ogp.me, "article"; the rest is as seen.
_AUTHORS = ("author", "article:author", "og:article:author", "og:author", "authors",
            "parsely-author", "sailthru.author", "byl", "creator", "rbauthors", "dcsext.author",
            "dc.creator.aut", "dcterms.creator.aut", "atc-metaauthor",
            "shareaholic:article_author_name")  # fmt: skip
_SITES = ("citation_journal_title", "og:site_name")
_LIKELY_SITES = ("application-name", "dc.publisher", "dcterms.publisher", "dc:publisher")
_READ = frozenset((*_SCHOLARLY, *_AUTHORS))
# Source: schema.org, types under CreativeWork, told by how their names end.
_WORKS = ("article", "posting", "webpage", "report", "book", "chapter", "thesis", "dataset")
_HOME = "website"
_MOST_SCRIPTS, _MOST_NODES, _MOST_METAS = 20, 200, 1_000
_LONGEST_BYLINE = 120  # characters; what is longer is a text about the author


@dataclass(frozen=True, slots=True, kw_only=True)
class Byline:
    """What a page states of itself, each empty where it does not; the title by its linked data."""

    authors: tuple[str, ...] = ()
    site: str = ""
    title: str = ""


class Element(Protocol):
    """What is used of an element of lxml's HTML."""

    text: str | None

    @property
    def attrib(self) -> MutableMapping[str, str]:
        """Its attributes."""
        ...

    def iterfind(self, path: str) -> Iterator[Element]:
        """The elements that a path leads to."""
        ...

    def text_content(self) -> str:
        """All text in it."""
        ...


def take_byline(tree: Element) -> Byline:
    """The authors, the site and the title that a page states.

    What states authors in its head is emptied, so that nobody who reads on stumbles over it.

    Args:
        tree: of the whole page; text and structure stay as they are.
    """
    metas, linked = _metas(tree), _Linked(_nodes(tree))
    stated: tuple[list[str], ...] = (
        [given_first(name) for name in _of(metas, _SCHOLARLY)],
        linked.authors(),
        _of(metas, _AUTHORS),
        _marked(tree),
    )
    sites: tuple[str, ...] = (
        *_firsts(metas, _SITES),
        *linked.sites(),
        *_firsts(metas, _LIKELY_SITES),
    )
    return Byline(
        authors=next((found for names in stated if (found := author_names(names))), ()),
        site=next((found for told in sites if (found := site_name(told))), ""),
        title=linked.title(),
    )


def _metas(tree: Element) -> dict[str, list[str]]:
    """What the elements ``meta`` of the head say, by their names in lower case."""
    found: dict[str, list[str]] = {}
    for meta in tree.iterfind(".//head/meta[@content]"):
        told = meta.attrib
        name = (told.get("property") or told.get("name") or told.get("itemprop") or "").lower()
        said = found.setdefault(name, [])
        if len(said) < _MOST_METAS:
            said.append(told["content"])
        if name in _READ:
            del told["content"]
    return found


def _of(metas: Mapping[str, list[str]], names: Iterable[str]) -> list[str]:
    """What the first of these names that says anything says; several names in a text apart."""
    for name in names:
        said = [text for text in metas.get(name, ()) if text.strip()]
        if said:
            return said if len(said) > 1 else names_in(said[0])
    return []


def _firsts(metas: Mapping[str, list[str]], names: Iterable[str]) -> list[str]:
    return [metas[name][0] for name in names if name in metas]


def _marked(tree: Element) -> list[str]:
    """The names in the first element that is marked as the author's."""
    for element in tree.iterfind(".//*"):
        told = element.attrib
        if told.get("rel") == "author" or told.get("itemprop") == "author":
            text = element.text_content().strip()
            if text and len(text) <= _LONGEST_BYLINE:
                return names_in(" ".join(text.split()))
    return []


class _Linked:
    """What a page's linked data (JSON-LD) states.

    Source: schema.org, "CreativeWork"; W3C, "JSON-LD 1.1", sections 3.3 and 4.9.

    Args:
        nodes: its objects, those of a graph apart.
    """

    def __init__(self, nodes: Iterable[Mapping[str, Any]]) -> None:
        self._nodes = list(islice(nodes, _MOST_NODES))
        self._works = [node for node in self._nodes if _is_of(node, _WORKS)]
        self._by_id = {node["@id"]: node for node in self._nodes if _text(node.get("@id"))}

    def title(self) -> str:
        """The headline of the first work that has one."""
        said = (_text(node.get(key)) for node in self._works for key in ("headline", "name"))
        return next(filter(None, said), "")

    def authors(self) -> list[str]:
        """The authors of the first work that has any."""
        for node in self._works:
            if names := [name for name in self._names(node.get("author")) if name]:
                return names
        return []

    def sites(self) -> list[str]:
        """Who publishes the works, and what the site calls itself."""
        publishers = [name for node in self._works for name in self._names(node.get("publisher"))]
        return [*publishers, *(_text(node.get("name")) for node in self._nodes if _is_home(node))]

    def _names(self, told: object) -> Iterator[str]:
        """The names in a text, in an object, or in a list of these."""
        items = cast("list[object]", told) if isinstance(told, list) else [told]
        for item in items[:_MOST_METAS]:
            if isinstance(item, str):
                yield from names_in(item)
            elif isinstance(item, dict):
                yield _name_of(self._whole(cast("Mapping[str, Any]", item)))

    def _whole(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object that a reference leads to."""
        return node if len(node) > 1 else self._by_id.get(_text(node.get("@id")), node)


def _nodes(tree: Element) -> Iterator[Mapping[str, Any]]:
    scripts = tree.iterfind(".//script[@type='application/ld+json']")
    for script in islice(scripts, _MOST_SCRIPTS):
        # Nested too deep, or no JSON: the page is read without it.
        with suppress(ValueError, RecursionError):
            for node in _objects(json.loads(script.text or "", strict=False)):
                yield node
                yield from _objects(node.get("@graph"))


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return (cast("Mapping[str, Any]", item) for item in items if isinstance(item, dict))


def _is_of(node: Mapping[str, Any], endings: tuple[str, ...]) -> bool:
    types = node.get("@type")
    told = cast("list[object]", types) if isinstance(types, list) else [types]
    return any(_text(one).lower().endswith(endings) for one in told)


def _is_home(node: Mapping[str, Any]) -> bool:
    return _is_of(node, (_HOME,))


def _name_of(node: Mapping[str, Any]) -> str:
    parts = (node.get(key) for key in ("givenName", "additionalName", "familyName"))
    return _text(node.get("name")) or " ".join(filter(None, map(_text, parts)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
