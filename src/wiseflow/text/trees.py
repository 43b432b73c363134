"""Walks trees of elements, as XML and HTML libraries make them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self, TypeVar


class Tree(Protocol):
    """An element that yields its children, each a tree again."""

    def __iter__(self) -> Iterator[Self]: ...


TreeT = TypeVar("TreeT", bound=Tree)


def walk(root: TreeT) -> Iterator[tuple[TreeT, bool]]:
    """Every element twice, in the document's order: ``(element, False)`` before its children.

    After them it comes again as ``(element, True)``.
    """
    # A stack instead of recursion: documents nest deeper than Python's stack.
    stack = [(root, False)]
    while stack:
        element, left = stack.pop()
        yield element, left
        if not left:
            stack.append((element, True))
            stack.extend((child, False) for child in reversed(list(element)))
