"""How pieces of a workload are done, whatever executor does them, and what is known afterwards."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from wiseflow.bench.workloads import Piece


class Refused(Exception):
    """An attempt at a piece failed, as it was to."""


@dataclass(slots=True, kw_only=True)
class Execution:
    """One execution of a workload, by the clock of the event loop, in seconds.

    Args:
        begun: when the first piece could be handed over.
        ends: when the executor told that each piece was done, by its id.
        busy_s: how long the pieces were at work, all together.
        failed: how many attempts of each piece failed so far.
    """

    begun: float = 0.0
    ends: dict[str, float] = field(default_factory=dict[str, float])
    busy_s: float = 0.0
    failed: Counter[str] = field(default_factory=Counter[str])

    @property
    def completion_s(self) -> float:
        """From the start to the end of the last piece."""
        return max(self.ends.values()) - self.begun

    def responses_s(self, pieces: Sequence[Piece]) -> list[float]:
        """From the arrival to the end of each piece."""
        return [self.ends[piece.piece_id] - self.begun - piece.arrives_s for piece in pieces]

    async def wait(self, piece: Piece) -> None:
        """Do a piece that only waits. Raises ``Refused`` when this attempt is to fail."""
        begun = time.monotonic()
        await asyncio.sleep(piece.cost_s)
        self.busy_s += time.monotonic() - begun
        if self.failed[piece.piece_id] < piece.failures:
            self.failed[piece.piece_id] += 1
            raise Refused(piece.piece_id)


def arriving(pieces: Sequence[Piece]) -> Iterator[tuple[float, list[Piece]]]:
    """The pieces that are handed over from outside, by the time when they are."""
    outer = [piece for piece in pieces if not piece.parent]
    by_time = sorted(outer, key=lambda piece: piece.arrives_s)
    for arrives_s, group in groupby(by_time, key=lambda piece: piece.arrives_s):
        yield arrives_s, list(group)


def by_parent(pieces: Sequence[Piece]) -> Mapping[str, list[Piece]]:
    """The pieces that others hand over, by who does."""
    children: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.parent:
            children.setdefault(piece.parent, []).append(piece)
    return children


async def until(moment: float) -> None:
    """Return at a time of the event loop's clock."""
    left_s = moment - asyncio.get_running_loop().time()
    if left_s > 0:
        await asyncio.sleep(left_s)
