"""What decomposition costs a map: against the best chunk size found by hand, and a plain loop."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.engine.decomposition import IntelligentTaskDecomposer
from wiseflow.engine.machine import usable_cores
from wiseflow.engine.outcomes import Strategy
from wiseflow.engine.tasks import TaskManager

HASHES = 4  # about 2 µs
MOST_BY_HAND = 1.10
MOST_PLAIN = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlan:
    """What to measure.

    Args:
        counts: how many items the maps have.
        parts: the chunk sizes tried by hand, as chunks for each worker.
        search_rounds: how often each chunk size is measured to find the best.
        rounds: how often two ways are measured against each other, in turn.
        small: maps of fewer items than this are measured ``small_rounds`` times, as noise is
            larger there.
        small_rounds: see above.
    """

    counts: Sequence[int] = (1_000, 10_000, 100_000, 1_000_000)
    parts: Sequence[int] = (1, 2, 4, 8, 16, 64)
    search_rounds: int = 2
    rounds: int = 7
    small: int = 50_000
    small_rounds: int = 31

    def rounds_of(self, count: int) -> int:
        """How often maps of so many items are measured against each other."""
        return self.small_rounds if count < self.small else self.rounds


def hashed(number: int) -> int:
    """Some microseconds of computing."""
    digest = number.to_bytes(8, "big")
    for _ in range(HASHES):
        digest = hashlib.blake2b(digest, digest_size=8).digest()
    return digest[0]


def hashed_twice(number: int) -> int:
    """About a microsecond of computing."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=8).digest()
    return hashlib.blake2b(digest, digest_size=8).digest()[0]


def doubled(number: int) -> int:
    """Less than it takes to send the item."""
    return 2 * number


def part(function: Callable[[int], int], items: Sequence[int]) -> list[int]:
    """A chunk as one would write it."""
    return [function(item) for item in items]


def measure_maps(plan: MapPlan) -> list[Figure]:
    """All figures of maps."""
    return asyncio.run(_measured(plan))


async def _measured(plan: MapPlan) -> list[Figure]:
    async with TaskManager() as tasks:
        maps = IntelligentTaskDecomposer(tasks)
        # Worker processes are warm in all ways alike, and ours knows that they are.
        await maps.map(hashed, range(1_000), strategy=Strategy.PARALLEL_CHUNKS)
        figures: list[Figure] = []
        # First, as what a million results leave of the heap slows a loop on the main thread down.
        for function, count in _nothing_to_gain(plan):
            figures.append(await _plain(plan, maps, function, count))
        for count in plan.counts:
            figures += await _by_hand(plan, tasks, maps, count)
        return figures


def _nothing_to_gain(plan: MapPlan) -> list[tuple[Callable[[int], int], int]]:
    least = min(plan.counts)
    return [(hashed_twice, least), *((doubled, count) for count in plan.counts)]


async def _by_hand(
    plan: MapPlan, tasks: TaskManager, maps: IntelligentTaskDecomposer, count: int
) -> list[Figure]:
    """Ours against the best chunk size by hand, which is found first.

    Were it chosen by the rounds that are compared, the luckiest would be.
    """
    items = range(count)
    sizes = sorted({max(1, count // (usable_cores() * parts)) for parts in plan.parts})
    by_hand = {f"chunks of {size}": _chunked(tasks, items, size) for size in sizes}
    search = await _in_turn(by_hand, plan.search_rounds)
    best = min(search, key=lambda name: statistics.median(search[name]))
    ways = {"by hand": by_hand[best], "ours": _ours(maps, hashed, items)}
    found = await _in_turn(ways, plan.rounds_of(count))
    subject = f"{count} items of 2 µs"
    return [
        spread_figure(
            subject, f"ms, best by hand: {best}", [1e3 * one for one in found["by hand"]]
        ),
        spread_figure(subject, "ms, ours", [1e3 * one for one in found["ours"]]),
        _against(found, "by hand", subject, "time ÷ best chunk size by hand", MOST_BY_HAND),
    ]


async def _plain(
    plan: MapPlan, maps: IntelligentTaskDecomposer, function: Callable[[int], int], count: int
) -> Figure:
    items = range(count)

    async def loop() -> None:
        _ = [function(item) for item in items]

    found = await _in_turn(
        {"loop": loop, "ours": _ours(maps, function, items)}, plan.rounds_of(count)
    )
    subject = f"{count} items, {function.__name__}"
    return _against(found, "loop", subject, "time ÷ plain loop", MOST_PLAIN)


def _against(
    found: dict[str, list[float]], other: str, subject: str, measure: str, most: float
) -> Figure:
    ratios = [a / b for a, b in zip(found["ours"], found[other], strict=True)]
    return spread_figure(subject, measure, ratios, most=most)


def _chunked(
    tasks: TaskManager, items: Sequence[int], size: int
) -> Callable[[], Awaitable[list[int]]]:
    async def body() -> list[int]:
        ids = [
            tasks.register_task(
                "part", part, (hashed, list(items[start : start + size])), cpu_bound=True
            )
            for start in range(0, len(items), size)
        ]
        return [result for task_id in ids for result in await tasks.result(task_id)]

    return body


def _ours(
    maps: IntelligentTaskDecomposer, function: Callable[[int], int], items: Sequence[int]
) -> Callable[[], Awaitable[Any]]:
    async def body() -> object:
        return await maps.map(function, items)

    return body


async def _in_turn(
    ways: Mapping[str, Callable[[], Awaitable[Any]]], rounds: int
) -> dict[str, list[float]]:
    """The seconds of each way in each round; a first one, in which all get warm, is left out."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    # A collection that looks at all there is would empty the core's caches, and so take from a map
    # of a millisecond a tenth.
    gc.collect()
    gc.freeze()
    try:
        for number in range(1 + rounds):
            for name, way in ways.items():
                gc.collect()  # so that no way pays for the one before
                begun = time.perf_counter()
                await way()
                if number:
                    found[name].append(time.perf_counter() - begun)
    finally:
        gc.unfreeze()
    return found
