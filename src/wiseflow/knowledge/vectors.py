"""Vectors in files that are written once, mapped into memory, and merged in time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from wiseflow.knowledge.embedding import Matrix
from wiseflow.knowledge.layout import Generation, Segment

Rows: TypeAlias = npt.NDArray[np.int64]

# A segment with a greater share of dead rows is written anew.
MOST_DEAD = 0.3
# What a dead row scores: less than any dot product of unit vectors.
DEAD = -2.0
_CHUNK_ROWS = 8192
_ROW_BYTES = 8
_VECTOR_BYTES = 4


def plan_merge(segments: Sequence[Segment]) -> int:
    """How many segments at the end to merge into one; 0 to leave all as they are.

    A segment joins when it is at most twice as long as all that follows it, so each row is copied
    a logarithmic number of times and the number of segments stays logarithmic. One with many dead
    rows takes all after it along.

    Source: P. O'Neil et al., "The Log-Structured Merge-Tree" (1996).
    """
    merged, following = 0, 0
    for count, segment in enumerate(reversed(segments), start=1):
        alive = segment.size - segment.dead
        if (count > 1 and alive <= 2 * following) or segment.dead > MOST_DEAD * segment.size:
            merged = count
        following += alive
    return merged


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorChange:
    """What a commit does to the vectors.

    Args:
        number: of the generation it makes.
        dimension: numbers in a vector.
        rows: the numbers of the new rows, greater than any before, ascending.
        vectors: their vectors, in chunks; read once.
        dead: the numbers of the rows that go.
    """

    number: int
    dimension: int
    rows: Rows
    vectors: Iterable[Matrix]
    dead: Rows


def write_change(folder: Path, previous: Generation, change: VectorChange) -> tuple[Segment, ...]:
    """Write the files of the next generation's vectors; its segments."""
    old = MappedVectors(folder, previous, change.dimension)
    old.bury(change.dead)
    fresh = Segment(number=change.number, size=len(change.rows))
    segments = [*old.segments(), fresh]
    kept = len(segments) - max(plan_merge(segments), 1)
    rows = np.concatenate([old.alive_rows(kept), change.rows])
    _write(folder / f"dead-{change.number}.i8", [old.dead_rows(kept)])
    if not len(rows):
        return tuple(segments[:kept])
    _write(folder / f"vectors-{change.number}.f4", chain(old.alive_chunks(kept), change.vectors))
    _write(folder / f"rows-{change.number}.i8", [rows])
    return (*segments[:kept], replace(fresh, size=len(rows)))


def files_of(generation: Generation) -> set[str]:
    """The names of the files that a generation needs."""
    names = {f"generation-{generation.number}.json", f"dead-{generation.number}.i8"}
    for segment in generation.segments:
        names |= {f"vectors-{segment.number}.f4", f"rows-{segment.number}.i8"}
    return names


class MappedVectors:
    """The vectors of one generation, mapped into memory, shared by all processes that read them.

    Args:
        folder: of the build.
        generation: whose segments to read; number 0 is the empty one before the first commit.
        dimension: numbers in a vector.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: one is broken.
    """

    def __init__(self, folder: Path, generation: Generation, dimension: int) -> None:
        self._segments = generation.segments
        self._vectors = [
            _mapped(folder / f"vectors-{part.number}.f4", _VECTOR_BYTES * part.size * dimension)
            .view("<f4")
            .reshape(part.size, dimension)
            for part in self._segments
        ]
        parts = [
            _mapped(folder / f"rows-{part.number}.i8", _ROW_BYTES * part.size).view("<i8")
            for part in self._segments
        ]
        self.rows: Rows = np.concatenate([np.zeros(0, np.int64), *parts])
        if np.any(self.rows[1:] <= self.rows[:-1]):
            raise ValueError("the rows of its vectors are out of order")
        self._starts = np.cumsum([0, *(part.size for part in self._segments)])
        self._alive: npt.NDArray[np.bool_] = np.ones(len(self.rows), np.bool_)
        if generation.number:
            size = _ROW_BYTES * sum(part.dead for part in self._segments)
            self.bury(_mapped(folder / f"dead-{generation.number}.i8", size).view("<i8"))

    def bury(self, rows: Rows) -> None:
        """Take rows as dead from now on."""
        self._alive[self.places(rows)] = False

    def places(self, rows: Rows) -> Rows:
        """Where rows are among all rows; ones that are in no segment are left out."""
        places = np.searchsorted(self.rows, rows)
        inside = places < len(self.rows)
        places = places[inside]
        return places[self.rows[places] == rows[inside]]

    def similarities(self, query: Matrix) -> Matrix:
        """The dot product of ``query`` with every row; below any real one for dead rows."""
        parts = [vectors @ query for vectors in self._vectors]
        scores = np.concatenate([np.zeros(0, np.float32), *parts])
        scores[~self._alive] = DEAD
        return scores

    def similarities_at(self, query: Matrix, places: Rows) -> Matrix:
        """The dot product of ``query`` with the rows at ``places``."""
        scores: Matrix = np.zeros(len(places), np.float32)
        owners = np.searchsorted(self._starts, places, side="right") - 1
        for number, vectors in enumerate(self._vectors):
            chosen = owners == number
            scores[chosen] = vectors[places[chosen] - self._starts[number]] @ query
        return scores

    def segments(self) -> list[Segment]:
        """The segments with their dead rows counted."""
        alive = (int(np.count_nonzero(self._alive_of(n))) for n in range(len(self._segments)))
        return [
            replace(segment, dead=segment.size - living)
            for segment, living in zip(self._segments, alive, strict=True)
        ]

    def dead_rows(self, end: int) -> Rows:
        """The numbers of the dead rows of the segments before position ``end``."""
        part = slice(0, self._starts[end])
        return self.rows[part][~self._alive[part]]

    def alive_rows(self, first: int) -> Rows:
        """The numbers of the living rows of the segments from position ``first`` on."""
        part = slice(self._starts[first], None)
        return self.rows[part][self._alive[part]]

    def alive_chunks(self, first: int) -> Iterator[Matrix]:
        """Their vectors, in chunks."""
        for number in range(first, len(self._vectors)):
            alive = self._alive_of(number)
            for start in range(0, len(alive), _CHUNK_ROWS):
                part = slice(start, start + _CHUNK_ROWS)
                yield self._vectors[number][part][alive[part]]

    def _alive_of(self, number: int) -> npt.NDArray[np.bool_]:
        return self._alive[self._starts[number] : self._starts[number + 1]]


def _mapped(path: Path, size: int) -> npt.NDArray[np.uint8]:
    found = path.stat().st_size
    if found != size:
        raise ValueError(f"{path.name} has {found:,} bytes instead of {size:,}")
    # An empty file cannot be mapped.
    if not size:
        return np.zeros(0, np.uint8)
    return np.asarray(np.memmap(path, np.uint8, mode="r"))


def _write(path: Path, chunks: Iterable[Matrix | Rows]) -> None:
    # Plain writes, not a writable map: on a full disk those raise, a map kills the process.
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).data)
        file.flush()
        os.fsync(file.fileno())
