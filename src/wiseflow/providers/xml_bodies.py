"""XML of others, read without trust: no entities, nothing loaded, bounded depth and size.

A document type may be named, as PubMed does; what it refers to is never fetched. A declaration of
an entity ends the reading, as a few of them inside each other fill any memory.

Source: the standard library's documentation, "XML security"; libexpat's handlers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.statuses import malformed

DEEPEST = 64
MOST_ELEMENTS = 200_000


def read_xml(endpoint: Endpoint, body: bytes) -> Element:
    """The root of a body in XML; names are as ``namespace}name`` without the first brace.

    Raises:
        MalformedOutput: it is empty, cut off, no XML, or holds what is not read.
    """
    if not body.strip():
        raise malformed(endpoint, "with an empty body")
    try:
        return _parsed(body)
    except _Refused as refused:
        raise malformed(endpoint, f"with XML that {refused}") from None
    except (expat.ExpatError, ValueError, LookupError):
        # Without the cause: it may quote the body.
        raise malformed(endpoint, "with a body that is no whole XML") from None


def named(element: Element, name: str) -> Iterator[Element]:
    """The children of a name, in whatever namespace."""
    return (child for child in element if local_name(child) == name)


def child(element: Element | None, *names: str) -> Element | None:
    """What lies at the end of a path of names; the first of each."""
    for name in names:
        element = None if element is None else next(named(element, name), None)
    return element


def text(element: Element | None) -> str:
    """All text in an element, that of inner ones included; "" without one."""
    return "" if element is None else "".join(element.itertext()).strip()


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


class _Refused(Exception):
    """The document holds what is not read; says what, to follow "XML that"."""


def _parsed(body: bytes) -> Element:
    builder = _Bounded()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.EntityDeclHandler = _refuse_entities
    parser.Parse(body, True)
    return builder.tree.close()


def _refuse_entities(*_declared: Any) -> None:
    raise _Refused("declares entities")


class _Bounded:
    """A tree in the making that grows neither too deep nor too large."""

    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self._depth = self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST:
            raise _Refused(f"nests deeper than {DEEPEST} elements")
        if self._count > MOST_ELEMENTS:
            raise _Refused(f"has more than {MOST_ELEMENTS:,} elements")
        self.tree.start(name, attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        self.tree.end(name)
