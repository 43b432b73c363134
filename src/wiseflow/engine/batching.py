"""Which items go together in one call: like ones, as many as pay, inside what is free.

A pure planner for items that are all there; ``engine.batcher`` collects those that come one by one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from wiseflow.core.errors import InvalidInput
from wiseflow.engine.batch_cost import BatchCost

MAX_ITEMS = 64
MAX_SIZE = 100_000
MAX_SHARE = 0.8
KEPT_KEYS = 1_000
# Prefixes are reused in blocks: 16 tokens with vLLM's prefix cache, 128 beyond the first 1,024 with
# hosted models. This is about 128 tokens: what is shared less is not worth a batch of its own.
LEAST_PREFIX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchKey:
    """What items have to have in common to go in one call.

    Args:
        provider: who is called.
        model: which of its models, with all settings that hold for a whole call.
    """

    provider: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One thing to be done.

    Args:
        key: what it shares with those it may go with.
        prompt: its text, if a beginning that it shares with others makes the call cheaper.
        size: in tokens or bytes, at least 0; the unit is the limits'.
        memory_bytes: what it needs here while it is being done.
    """

    key: Hashable
    prompt: str = ""
    size: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """What one batch may have. An item that is over them alone goes alone.

    Args:
        max_items: how many items.
        max_size: tokens or bytes of all together.
        max_share: the part of the machine's memory and CPU that may be in use, above 0, to 1.
        least_prefix: characters; prompts that begin with so many the same go together.
    """

    max_items: int = MAX_ITEMS
    max_size: int = MAX_SIZE
    max_share: float = MAX_SHARE
    least_prefix: int = LEAST_PREFIX

    def __post_init__(self) -> None:
        """Raises ``InvalidInput`` when a limit is out of range."""
        counts = (self.max_items, self.max_size, self.least_prefix)
        if min(counts) < 1 or not 0 < self.max_share <= 1:
            raise InvalidInput(
                "the limits of a batch are out of range",
                cure="Counts have to be at least 1, and max_share above 0 and at most 1",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeResources:
    """A reading of the machine.

    Args:
        memory_bytes: what is free.
        memory_total_bytes: what there is.
        cpus: how many cores there are.
        cpu_share: which part of their time was in use, 0 to 1.
    """

    memory_bytes: int
    memory_total_bytes: int
    cpus: float = 1.0
    cpu_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Items that go in one call.

    Args:
        key: of all of them.
        items: their places in what was planned for; those with like prompts are neighbours.
        prefix: what all their prompts begin with.
        size: tokens or bytes of all together.
        memory_bytes: what they need while they are being done.
    """

    key: Hashable
    items: tuple[int, ...]
    prefix: str
    size: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """Batches, the one with the first item first, and how many may run at once (at least 1)."""

    batches: tuple[Batch, ...]
    at_once: int


class IntelligentBatchOptimizer:
    """Groups like items into batches that pay and fit.

    It plans; whether there is room for any work at all is for who admits it. So what needs more
    than is free still goes, as small and as few at a time as it can.
    """

    def __init__(self) -> None:
        self._costs: OrderedDict[Hashable, BatchCost] = OrderedDict()

    def observed(self, key: Hashable, items: int, seconds: float) -> None:
        """A batch of so many items took so long; what is not used for long is forgotten."""
        cost = self._costs.setdefault(key, BatchCost())
        self._costs.move_to_end(key)
        cost.add(items, seconds)
        if len(self._costs) > KEPT_KEYS:
            self._costs.popitem(last=False)

    def best_size(self, key: Hashable, most: int = MAX_ITEMS) -> int:
        """How many items with a key are to go together, 1 where batching does not pay."""
        cost = self._costs.get(key)
        return most if cost is None else cost.best_size(most)

    def plan(
        self, items: Sequence[BatchItem], limits: BatchLimits, free: FreeResources
    ) -> BatchPlan:
        """Batches for items, each item in exactly one.

        Prompts that begin alike go together and one after the other, so that a provider reads what
        they share once. The others go by size, as a batch is padded to its longest.

        Source: Zheng et al., "SGLang: Efficient Execution of Structured Language Model Programs",
        2024 (RadixAttention): serving the longest shared prefix first makes the most of a prefix
        cache; for a batch that is all there, this is the order of the sorted prompts.
        """
        spare = (1.0 - limits.max_share) * free.memory_total_bytes
        room = max(free.memory_bytes - int(spare), 0)
        by_key: dict[Hashable, list[int]] = {}
        for index, item in enumerate(items):
            by_key.setdefault(item.key, []).append(index)
        batches: list[Batch] = []
        for key, indexes in by_key.items():
            most = self.best_size(key, limits.max_items)
            for group in _alike(items, indexes, limits.least_prefix):
                batches += _filled(items, group, _Bounds(most, limits.max_size, room))
        batches.sort(key=lambda batch: min(batch.items))
        return BatchPlan(batches=tuple(batches), at_once=_at_once(batches, limits, free, room))


@dataclass(frozen=True, slots=True)
class _Bounds:
    items: int
    size: int
    memory_bytes: int


def _alike(
    items: Sequence[BatchItem], indexes: Sequence[int], least_prefix: int
) -> Iterator[list[int]]:
    """Groups of items whose prompts begin with as many characters alike, then all others."""
    groups: dict[str, list[int]] = {}
    for index in sorted(indexes, key=lambda index: items[index].prompt):
        groups.setdefault(items[index].prompt[:least_prefix], []).append(index)
    others: list[int] = []
    for beginning, group in groups.items():
        if len(group) > 1 and len(beginning) == least_prefix:
            yield group
        else:
            others += group
    if others:
        yield sorted(others, key=lambda index: -items[index].size)


def _filled(items: Sequence[BatchItem], group: Sequence[int], bounds: _Bounds) -> Iterator[Batch]:
    """A group in its order, cut where a batch is full."""
    inside: list[int] = []
    size = memory_bytes = 0
    for index in group:
        item = items[index]
        fits = (
            len(inside) < bounds.items
            and size + item.size <= bounds.size
            and memory_bytes + item.memory_bytes <= bounds.memory_bytes
        )
        if inside and not fits:
            yield _batch(items, inside)
            inside, size, memory_bytes = [], 0, 0
        inside.append(index)
        size += item.size
        memory_bytes += item.memory_bytes
    yield _batch(items, inside)


def _batch(items: Sequence[BatchItem], indexes: Sequence[int]) -> Batch:
    return Batch(
        key=items[indexes[0]].key,
        items=tuple(indexes),
        prefix=_shared([items[index].prompt for index in indexes]),
        size=sum(items[index].size for index in indexes),
        memory_bytes=sum(items[index].memory_bytes for index in indexes),
    )


def _shared(texts: Sequence[str]) -> str:
    """What all texts begin with: what the first and the last of them in order do."""
    first, last = min(texts), max(texts)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in same)


def _at_once(batches: Sequence[Batch], limits: BatchLimits, free: FreeResources, room: int) -> int:
    by_cpu = int((limits.max_share - free.cpu_share) * free.cpus)
    largest = max((batch.memory_bytes for batch in batches), default=0)
    by_memory = room // largest if largest else by_cpu
    return max(min(by_cpu, by_memory), 1)
