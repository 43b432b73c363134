"""The items of a job, taken as they are needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, cast

# What is cut out of a list is copied, so a piece has to stay in the core's own cache; what is taken
# from an iterator nobody else may hold, so a piece has to be small however large an item is.
SLICED_BLOCK = 4_096
TAKEN_BLOCK = 128
_SLICED = frozenset({list, tuple, range})


class Items:
    """Takes items from any iterable, each once, in order.

    Those of lists, tuples and ranges are cut out, which costs a tiny item nothing.

    Args:
        items: where they come from.
    """

    __slots__ = ("_at", "_iterator", "_sequence", "block", "exhausted", "total")

    def __init__(self, items: Iterable[Any]) -> None:
        self.total = length_of(items)
        self.exhausted = self.total == 0
        sliced = type(items) in _SLICED
        self.block = SLICED_BLOCK if sliced else TAKEN_BLOCK
        self._sequence = cast("Sequence[Any]", items) if sliced else None
        self._iterator = iter(items)
        self._at = 0

    @property
    def left(self) -> int | None:
        """How many there are still; ``None`` when nobody knows."""
        return None if self.total is None else max(self.total - self._at, 0)

    def take(self, count: int) -> Sequence[Any]:
        """The next items, fewer than asked for at the end."""
        if self._sequence is None:
            taken: Sequence[Any] = list(itertools.islice(self._iterator, count))
            self.exhausted = len(taken) < count
        else:
            taken = self._sequence[self._at : self._at + count]
            self.exhausted = self._at + len(taken) >= len(self._sequence)
        self._at += len(taken)
        return taken

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        for item in self.take(1):
            return item
        raise StopIteration


def length_of(items: Iterable[Any]) -> int | None:
    """How many there are, or ``None`` when that is not known."""
    return len(items) if isinstance(items, Sized) else None
