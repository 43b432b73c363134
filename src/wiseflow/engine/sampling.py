"""A sample of a map: its first items done one after the other, and measured while they are."""

from __future__ import annotations

import math
import pickle
import statistics
import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

from wiseflow.engine.chunks import ItemFailure, applied, obstacle, switches
from wiseflow.engine.items import Items
from wiseflow.engine.stopping import asked_to_stop

SLICE_S = 0.02  # between two looks at whether to go on
WEIGHED = 64  # items whose pickles are measured
REPEATS = 3  # the least counts: the first also pays for what is not in the caches
POINTS = 32  # items timed one by one when they have a length
LEAST_POINTS = 4
WAITS = 0.5  # voluntary switches an item from which on time without CPU is waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was measured on the items done so far; every figure is the mean of an item.

    Args:
        items: how many were done.
        wall_s: seconds.
        cpu_s: CPU seconds.
        waits: how often it gave the CPU up by itself. Time without CPU but also without this is
            that of other programs, not of input and output.
        growth: the power of its length with which an item's time grows; ``None`` when items have
            no length or all the same.
        weighed: whether the next three were measured.
        item_bytes, result_bytes: as pickles.
        pickle_s: seconds for pickling and unpickling both once.
        obstacle: why it cannot be sent to a process, or "".
    """

    items: int
    wall_s: float
    cpu_s: float
    waits: float = 0.0
    growth: float | None = None
    weighed: bool = False
    item_bytes: float = 0.0
    result_bytes: float = 0.0
    pickle_s: float = 0.0
    obstacle: str = ""

    @property
    def io_share(self) -> float:
        """The share of an item's time in which it waits, from 0 to 1."""
        if self.waits < WAITS or self.wall_s <= 0:
            return 0.0
        return min(max(1.0 - self.cpu_s / self.wall_s, 0.0), 1.0)


@dataclass(slots=True, kw_only=True)
class Sample:
    """Does items in order and measures them; what it did is kept.

    Args:
        function: what is done with each item.
        source: the items; they are taken as they are done.
        stop_at_failure: then it ends with the first item that fails.
        lengths: whether items are timed one by one at first, for ``growth``.
        results, failures: to which those of the items are added.
        wall_s: how long they took.
    """

    function: Callable[[Any], Any]
    source: Items
    stop_at_failure: bool = False
    lengths: bool = False
    results: list[Any] = field(default_factory=list[Any])
    failures: list[ItemFailure] = field(default_factory=list[ItemFailure])
    wall_s: float = 0.0
    _cpu_s: float = 0.0
    _waits: float = 0.0
    _points: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    _last: tuple[int, Sequence[Any]] = (0, ())
    _weights: tuple[float, float, float, str] | None = None

    @property
    def measures(self) -> Measures:
        """What is known now."""
        done = max(len(self.results), 1)
        item_bytes, result_bytes, pickle_s, reason = self._weights or (0.0, 0.0, 0.0, "")
        return Measures(
            items=len(self.results),
            wall_s=self.wall_s / done,
            cpu_s=self._cpu_s / done,
            waits=self._waits / done,
            growth=growth(self._points) if self.lengths else None,
            weighed=self._weights is not None,
            item_bytes=item_bytes,
            result_bytes=result_bytes,
            pickle_s=pickle_s,
            obstacle=reason,
        )

    @property
    def stopped(self) -> bool:
        """Whether it ended with an item that failed."""
        return self.stop_at_failure and bool(self.failures)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.source.exhausted or self.stopped

    def run(self, goes_on: Callable[[Sample], bool], *, first: int = 1) -> None:
        """Do items in slices, each twice the last, until there are none or one may not go on.

        Args:
            goes_on: asked after each slice.
            first: how many are in the first slice.
        """
        size = first
        while not self.ended:
            self._measured(size)
            if self.ended or asked_to_stop() or not goes_on(self):
                return
            each_s = max(self.wall_s / max(len(self.results), 1), 1e-9)
            size = max(1, min(2 * size, int(SLICE_S / each_s)))

    def run_here(self, first: int, until_s: float) -> None:
        """Do items of a function known to be quick, about until a time has passed.

        No clock but one is looked at: the others would take a tiny map several percent longer.

        Args:
            first: how many are done before the first look; then twice as many, and so on.
            until_s: in seconds.
        """
        size, begun, took_s = first, time.perf_counter(), 0.0
        while not self.ended and took_s < until_s:
            self._do(size)
            took_s, size = time.perf_counter() - begun, 2 * size
        self.wall_s += took_s
        self._cpu_s += took_s  # it is known not to wait

    async def run_async(self, goes_on: Callable[[Sample], bool]) -> None:
        """As ``run`` for an asynchronous function; one item after the other, on the event loop."""
        for item in self.source:
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                self.results.append(await self.function(item))
            except Exception as error:  # noqa: BLE001 - a boundary: an item's failure is its own
                self.failures.append(ItemFailure(index=len(self.results), error=error))
                self.results.append(None)
            self.wall_s += time.perf_counter() - wall
            self._cpu_s += time.thread_time() - cpu
            self._waits += 1  # it may have; the CPU time tells
            if not goes_on(self):
                return

    def weigh(self) -> None:
        """Measure what it costs to send the last items and their results; not twice."""
        if self._weights is None:
            start, items = self._last
            items = items[:WEIGHED]
            results = self.results[start : start + len(items)]
            self._weights = weights(self.function, items, results)

    def _measured(self, wanted: int) -> None:
        waits, cpu, wall = switches(), time.thread_time(), time.perf_counter()
        source_s = self._do(wanted)
        self.wall_s += time.perf_counter() - wall - source_s
        self._cpu_s += time.thread_time() - cpu
        self._waits += switches() - waits

    def _do(self, wanted: int) -> float:
        """Do the next items; the seconds that the source took to give them."""
        source_s = 0.0
        while wanted > 0 and not self.ended:
            begun = time.perf_counter()
            block = self.source.take(min(wanted, self.source.block))
            source_s += time.perf_counter() - begun
            wanted -= len(block)
            if self.lengths and len(self._points) < POINTS:
                self._one_by_one(block)
            else:
                self._block(block)
        return source_s

    def _block(self, items: Sequence[Any]) -> None:
        self._last = (len(self.results), items)
        _, failures = applied(
            self.function, items, results=self.results, stop_at_failure=self.stop_at_failure
        )
        if failures:
            self.failures += [ItemFailure(index=place, error=error) for place, error in failures]

    def _one_by_one(self, items: Sequence[Any]) -> None:
        for item in items:
            if self.stopped:
                return
            begun = time.perf_counter()
            self._block([item])
            if isinstance(item, Sized):
                self._points.append((len(item), time.perf_counter() - begun))


def growth(points: Sequence[tuple[int, float]]) -> float | None:
    """The power of an item's length with which its time grows, by least squares of the logarithms.

    Args:
        points: lengths, and seconds.
    """
    logs = [(math.log(size), math.log(took)) for size, took in points if size > 0 and took > 0]
    if len(logs) < LEAST_POINTS or len({size for size, _ in logs}) == 1:
        return None
    sizes, times = zip(*logs, strict=True)
    return statistics.linear_regression(sizes, times).slope


def weights(
    function: object, items: Sequence[Any], results: Sequence[Any]
) -> tuple[float, float, float, str]:
    """Bytes of an item and of a result, seconds for pickling both, and what stands against it."""
    count = max(len(items), 1)
    if reason := obstacle(function):
        return 0.0, 0.0, 0.0, f"the function does not pickle: {reason}"
    sent, back, took_s = b"", b"", math.inf
    try:
        for _ in range(REPEATS):
            begun = time.perf_counter()
            sent, back = (pickle.dumps(one, protocol=5) for one in (items, results))
            _ = pickle.loads(sent), pickle.loads(back)  # noqa: S301 - our own, just made
            took_s = min(took_s, time.perf_counter() - begun)
    except Exception as error:  # noqa: BLE001 - pickling runs anything
        reason = f"{type(error).__name__}: {error}"
        return 0.0, 0.0, 0.0, f"an item or a result does not pickle: {reason}"
    if b"__main__" in pickle.dumps(function) + sent + back:
        return 0.0, 0.0, 0.0, "something of it is the running script's own"
    return len(sent) / count, len(back) / count, took_s / count, ""
