"""Keeps the values of a label few, whatever is asked for: each is a series that lives for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

OTHER: Final = "other"
# What has other characters or is longer is no name of a model, a provider or a route.
_NAME: Final = re.compile(r"[\w.:/@+{}-]{1,100}")


class Bounded:
    """The values that a label may have.

    Args:
        known: they are always told.
        room: how many more may come in.
    """

    def __init__(self, known: Iterable[str] = (), *, room: int = 0) -> None:
        self._known = set(known)
        self._room = room

    def of(self, value: str, *, earned: bool = True) -> str:
        """The value, or ``other``.

        Args:
            value: that is to be told.
            earned: whether a new one may come in; a name that anybody can make up has to do
                something for it, such as a model that answers.
        """
        if value in self._known:
            return value
        if not earned or self._room <= 0 or _NAME.fullmatch(value) is None:
            return OTHER
        self._room -= 1
        self._known.add(value)
        return value
