"""Chunks of a map: how long the next one is, and how one is done, here or in a worker process.

A worker imports this module at its first chunk, so it imports next to nothing.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple

from wiseflow.core.errors import InvalidInput, WorkerError

try:
    import resource
except ImportError:  # pragma: no cover - a system that does not count switches
    resource = None

DISPATCH_SHARE = 0.03  # of a chunk's time that sending it may cost
MOST_S = 1.0  # longer ones gain nothing, and cost more when their worker dies
MOST_BYTES = 1 << 20  # they are pickled on the event loop, at about 1 ms a MiB
UNKNOWN_END = 4  # chunks of a source without a length are so many times the least one


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFailure:
    """An item that gave no result.

    Args:
        index: its place among the items.
        error: why.
        stage: in which stage of a pipeline, or "".
    """

    index: int
    error: Exception
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Items that are done together; ``start`` is the place of the first among all."""

    start: int
    items: Sequence[Any]

    def halves(self) -> list[Chunk]:
        """The same items in two chunks."""
        middle = len(self.items) // 2
        return [
            Chunk(start=self.start, items=self.items[:middle]),
            Chunk(start=self.start + middle, items=self.items[middle:]),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSizes:
    """How many items the next chunk has.

    A chunk is half of an even share of what is left, so chunks shrink towards the end and uneven
    items balance; but no shorter than pays for sending it, and no longer than the limits above.

    Args:
        workers: how many work at once.
        dispatch_s: what sending a chunk and getting its answer costs, in seconds.
        total: how many items there are when it begins; ``None`` when nobody knows.

    Source: C. Polychronopoulos, D. Kuck, "Guided Self-Scheduling" (1987); the half is that of
    S. Hummel, E. Schonberg, L. Flynn, "Factoring" (1992).
    """

    workers: int
    dispatch_s: float
    total: int | None

    def next(self, *, left: int | None, item_s: float, item_bytes: float) -> int:
        """The number of items, at least 1.

        Args:
            left: how many there are still; ``None`` when nobody knows.
            item_s: what an item takes, in seconds.
            item_bytes: what an item and its result take when they are sent.
        """
        least = math.ceil(self.dispatch_s / (DISPATCH_SHARE * max(item_s, 1e-9)))
        most = min(MOST_S / max(item_s, 1e-9), MOST_BYTES / max(item_bytes, 1.0))
        if left is None or self.total is None:
            return max(1, int(min(UNKNOWN_END * least, most)))
        even = math.ceil(self.total / self.workers)
        size = max(left / (2 * self.workers), min(least, even))
        return max(1, min(math.ceil(min(size, most)), left))


def applied(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    results: list[Any] | None = None,
    stop_at_failure: bool = False,
) -> tuple[list[Any], list[tuple[int, Exception]]]:
    """The results, ``None`` for an item that failed, and the failures by place.

    Args:
        function: plain.
        items: what it is called with, one by one.
        results: to which those of the items are added; the places go on from there.
        stop_at_failure: then the results end with the first item that failed.
    """
    results = [] if results is None else results
    failures: list[tuple[int, Exception]] = []
    go_on = _by_loop if type(function) is FunctionType else _by_map
    end = len(results) + len(items)
    rest = iter(items)
    while len(results) < end:
        try:
            go_on(function, rest, results, end)
        except Exception as error:  # noqa: BLE001 - a boundary: an item's failure is its own
            failures.append((len(results), error))
            results.append(None)
            if stop_at_failure:
                break
    return results, failures


def _by_loop(
    function: Callable[[Any], Any],
    rest: Iterator[Any],
    results: list[Any],
    end: int,  # noqa: ARG001 - as ``_by_map``
) -> None:
    # A loop calls Python's own functions without leaving the interpreter. What was done before an
    # error stays, as it would not with a comprehension.
    for item in rest:
        results.append(function(item))  # noqa: PERF401 - see above


def _by_map(
    function: Callable[[Any], Any], rest: Iterator[Any], results: list[Any], end: int
) -> None:
    # Built-in functions are called by ``map`` in 0.8 of the time of a loop.
    results.extend(map(function, rest))
    if len(results) < end:
        raise StopIteration  # of the function, which ``map`` took for the end of the items


class Timed(NamedTuple):
    """What came of one item, and what it took; ``error`` is ``None`` when it went well."""

    value: Any
    error: Exception | None
    wall_s: float
    cpu_s: float
    waits: int


def timed(function: Callable[[Any], Any], item: object) -> Timed:
    """Do one item, on a thread or in a worker process; its error crosses processes."""
    waits, cpu, wall = switches(), time.thread_time(), time.perf_counter()
    (value,), failures = applied(function, [item])
    return Timed(
        value=value,
        error=_portable(failures[0][1]) if failures else None,
        wall_s=time.perf_counter() - wall,
        cpu_s=time.thread_time() - cpu,
        waits=switches() - waits,
    )


def switches() -> int:
    """How often this thread gave the CPU up by itself; 0 where the system does not count it."""
    if resource is None:  # pragma: no cover - see above
        return 0
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def run_chunk(function: bytes, items: bytes) -> tuple[bytes, bytes, float]:
    """Do a chunk in a worker process.

    Args:
        function: pickled, once for all chunks.
        items: pickled; so the front does that once, however often they are handed on.

    Returns:
        The pickled results, the pickled failures by place, and the seconds all items took.

    Raises:
        InvalidInput: they cannot be rebuilt here.
    """
    try:
        called, things = pickle.loads(function), pickle.loads(items)  # noqa: S301 - from our front
    except Exception as error:  # unpickling runs anything
        raise InvalidInput(
            f"a worker process cannot rebuild the function or its items: "
            f"{type(error).__name__}: {error}",
            cure="Give a module's own function and plain data",
        ) from error
    begun = time.perf_counter()
    results, failures = applied(called, things)
    took_s = time.perf_counter() - begun
    packed = _packed(results, failures)
    return packed, pickle.dumps([(place, _portable(error)) for place, error in failures]), took_s


def _packed(results: list[Any], failures: list[tuple[int, Exception]]) -> bytes:
    """All results pickled; one that does not pickle becomes a failure of its item."""
    try:
        return pickle.dumps(results, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - pickling runs anything; the guilty ones are looked for
        for place, result in enumerate(results):
            if reason := obstacle(result):
                results[place] = None
                failures.append((place, InvalidInput(f"the result cannot be sent back: {reason}")))
        return pickle.dumps(results, protocol=pickle.HIGHEST_PROTOCOL)


def obstacle(value: object) -> str:
    """Why a value does not pickle, or "" when it does."""
    try:
        pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs anything
        return f"{type(error).__name__}: {error}"
    return ""


def _portable(error: Exception) -> Exception:
    """An error that crosses processes: itself, or its text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - some pickle, and fail only here
    except Exception:  # noqa: BLE001 - pickling runs anything
        return WorkerError(f"{type(error).__name__}: {error}")
    return error
