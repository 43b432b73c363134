"""Like items go together where it pays, inside limits, and one's fault or leaving is its own."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import Cancelled, Conflict, InvalidInput, WorkerError
from wiseflow.engine.batch_cost import BatchCost
from wiseflow.engine.batcher import Batcher
from wiseflow.engine.batching import (
    KEPT_KEYS,
    BatchItem,
    BatchKey,
    BatchLimits,
    FreeResources,
    IntelligentBatchOptimizer,
)

LIMIT_S = 30.0
PLENTY = FreeResources(memory_bytes=10**9, memory_total_bytes=10**9, cpus=4)
A, B = BatchKey(provider="p", model="a"), BatchKey(provider="p", model="b")


def planned(items: list[BatchItem], limits: BatchLimits | None = None) -> list[tuple[int, ...]]:
    plan = IntelligentBatchOptimizer().plan(items, limits or BatchLimits(), PLENTY)
    return [batch.items for batch in plan.batches]


def test_only_items_of_one_key_go_together_and_the_first_goes_first():
    items = [BatchItem(key=key) for key in (B, A, B, A)]

    assert planned(items) == [(0, 2), (1, 3)]
    assert planned([]) == []


def test_a_batch_ends_at_its_count_and_size():
    items = [BatchItem(key=A, size=size) for size in (3, 3, 3, 3, 9, 30)]

    assert planned(items, BatchLimits(max_items=2)) == [(0, 1), (2, 3), (5, 4)]
    assert planned(items, BatchLimits(max_size=10)) == [(0, 1, 2), (3,), (4,), (5,)]


def test_prompts_that_begin_alike_go_together_side_by_side():
    system = "You are a careful reader. " * 4
    prompts = [system + "b", "short", system + "a", "Another beginning. " * 6, system + "b again"]
    items = [BatchItem(key=A, prompt=prompt, size=len(prompt)) for prompt in prompts]

    plan = IntelligentBatchOptimizer().plan(items, BatchLimits(least_prefix=50), PLENTY)

    assert [batch.items for batch in plan.batches] == [(2, 0, 4), (3, 1)]
    assert [batch.prefix for batch in plan.batches] == [system, ""]


def test_items_without_a_common_beginning_go_by_size():
    items = [BatchItem(key=A, size=size) for size in (1, 90, 2, 91)]

    assert planned(items, BatchLimits(max_items=2)) == [(2, 0), (3, 1)]


def test_memory_in_use_stays_below_its_share():
    tight = FreeResources(memory_bytes=500, memory_total_bytes=1_000, cpus=8)
    items = [BatchItem(key=A, memory_bytes=100) for _ in range(6)]

    plan = IntelligentBatchOptimizer().plan(items, BatchLimits(max_share=0.8), tight)

    assert [batch.memory_bytes for batch in plan.batches] == [300, 300]
    assert plan.at_once == 1


def test_what_does_not_fit_goes_one_by_one():
    full = FreeResources(memory_bytes=100, memory_total_bytes=1_000, cpus=8, cpu_share=1.0)
    items = [BatchItem(key=A, memory_bytes=100) for _ in range(3)]

    plan = IntelligentBatchOptimizer().plan(items, BatchLimits(), full)

    assert [batch.items for batch in plan.batches] == [(0,), (1,), (2,)]
    assert plan.at_once == 1


def test_as_many_batches_run_at_once_as_cores_and_memory_are_free():
    items = [BatchItem(key=A, memory_bytes=100) for _ in range(2)]
    free = FreeResources(memory_bytes=900, memory_total_bytes=1_000, cpus=10, cpu_share=0.3)
    optimizer = IntelligentBatchOptimizer()

    assert optimizer.plan(items, BatchLimits(max_items=1), free).at_once == 5
    assert optimizer.plan(items, BatchLimits(max_items=2), free).at_once == 3


@given(
    sizes=st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(0, 40), st.text("ab", max_size=4)),
        max_size=40,
    ),
    most=st.integers(1, 8),
    room=st.integers(0, 300),
)
@settings(max_examples=300, deadline=None)
def test_every_item_is_in_one_batch_inside_all_bounds(sizes, most, room):
    items = [
        BatchItem(key=key, prompt=text, size=size, memory_bytes=size) for key, size, text in sizes
    ]
    limits = BatchLimits(max_items=most, max_size=60, max_share=1.0, least_prefix=2)
    free = FreeResources(memory_bytes=room, memory_total_bytes=1_000)

    plan = IntelligentBatchOptimizer().plan(items, limits, free)

    assert sorted(index for batch in plan.batches for index in batch.items) == [*range(len(items))]
    for batch in plan.batches:
        assert {items[index].key for index in batch.items} == {batch.key}
        assert all(items[index].prompt.startswith(batch.prefix) for index in batch.items)
        if len(batch.items) > 1:
            assert len(batch.items) <= most
            assert batch.size <= 60
            assert batch.memory_bytes <= room


@pytest.mark.parametrize("wrong", [{"max_items": 0}, {"max_size": 0}, {"max_share": 0.0}])
def test_limits_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidInput, match="out of range"):
        BatchLimits(**wrong)
    with pytest.raises(InvalidInput, match="out of range"):
        Batcher(Provider(), max_waiting=0)


@pytest.mark.parametrize(
    ("per_batch", "per_item", "best"),
    [(1.0, 1.0, 10), (0.0, 1.0, 1), (0.05, 1.0, 1), (1.0, 0.0, 64), (3.0, 1.0, 30)],
)
def test_the_size_that_pays_is_learned(per_batch, per_item, best):
    cost = BatchCost()
    assert cost.best_size(64) == 64
    for items in (1, 4, 16, 2, 8):
        cost.add(items, per_batch + per_item * items)

    assert cost.line() == pytest.approx((per_batch, per_item), abs=1e-6)
    assert cost.best_size(64) == pytest.approx(best, abs=1)


def test_sizes_that_are_all_equal_teach_nothing():
    cost = BatchCost()
    for _ in range(20):
        cost.add(8, 1.0)

    assert cost.best_size(64) == 64


def test_a_change_of_the_provider_is_learned():
    cost = BatchCost()
    for items in (1, 4, 16, 2, 8):
        cost.add(items, float(items))
    assert cost.best_size(64) == 1

    for _ in range(32):
        cost.add(1, 5.0)
    assert cost.best_size(64) == 64
    for items in (16, 8) * 100:
        cost.add(items, 5.0 + 0.1 * items)
    assert cost.best_size(64) == 64


def test_keys_that_are_not_used_any_more_are_forgotten():
    optimizer = IntelligentBatchOptimizer()
    for items in (1, 4, 16, 2, 8):
        optimizer.observed("old", items, float(items))
    assert optimizer.best_size("old") == 1

    for key in range(KEPT_KEYS):
        optimizer.observed(key, 1, 1.0)
    assert optimizer.best_size("old") == 64


class Provider:
    """Doubles numbers, when it is let; each call takes ``per_batch + per_item·n`` of its clock."""

    def __init__(self, per_batch: float = 1.0, per_item: float = 0.0):
        self.now = 0.0
        self.calls: list[list[int]] = []
        self.ended: list[list[int]] = []
        self.per_batch, self.per_item = per_batch, per_item
        self.may = asyncio.Semaphore(0)
        self.free = False

    def clock(self) -> float:
        return self.now

    async def __call__(self, items: list[int]) -> list[int | Exception]:
        self.calls.append(items)
        if not self.free:
            await self.may.acquire()
        self.now += self.per_batch + self.per_item * len(items)
        self.ended.append(items)
        return [ValueError(f"no {item}") if item < 0 else 2 * item for item in items]


async def turns(count: int = 10) -> None:
    """Let what can happen without waiting happen."""
    for _ in range(count):
        await asyncio.sleep(0)


def submitted(batcher: Batcher[int, int], *items: int, key: str = "k") -> list[asyncio.Task[int]]:
    return [asyncio.create_task(batcher.submit(key, item)) for item in items]


async def test_the_first_is_sent_at_once_and_those_who_come_meanwhile_together():
    provider = Provider()
    batcher = Batcher(provider, clock=provider.clock)
    callers = submitted(batcher, 1)
    await turns()
    assert provider.calls == [[1]]
    for item in (2, 3, 4):
        callers += submitted(batcher, item)
        await turns()
    assert provider.calls == [[1]]

    provider.may.release()
    await turns()
    assert provider.calls == [[1], [2, 3, 4]]
    provider.may.release()
    assert [await caller for caller in callers] == [2, 4, 6, 8]
    await batcher.close()


async def test_those_who_come_in_one_turn_of_the_loop_go_together():
    provider = Provider()
    provider.free = True
    async with Batcher(provider) as batcher:
        assert await asyncio.gather(*submitted(batcher, *range(5))) == [0, 2, 4, 6, 8]
    assert provider.calls == [[0, 1, 2, 3, 4]]


async def test_keys_do_not_wait_for_each_other():
    provider = Provider()
    provider.free = True
    async with Batcher(provider) as batcher:
        a, b = submitted(batcher, 1, key="a"), submitted(batcher, 2, key="b")
        await asyncio.gather(*a, *b)
    assert provider.calls == [[1], [2]]


async def test_full_batches_do_not_wait_but_are_bounded_in_number():
    provider = Provider()
    batcher = Batcher(provider, BatchLimits(max_items=2), max_in_flight=2)
    callers = submitted(batcher, *range(7))
    await turns()
    assert provider.calls == [[0, 1], [2, 3]]

    provider.free = True
    provider.may.release()
    provider.may.release()
    await asyncio.gather(*callers)
    assert provider.calls == [[0, 1], [2, 3], [4, 5], [6]]


async def test_batches_are_bounded_in_size_and_a_large_item_goes_alone():
    provider = Provider()
    provider.free = True
    async with Batcher(provider, BatchLimits(max_size=10), size_of=lambda item: item) as batcher:
        await asyncio.gather(*submitted(batcher, 4, 5, 6, 50, 1))
    assert provider.calls == [[4, 5], [6], [50], [1]]


async def test_the_first_lingers_for_others_if_that_is_wished():
    provider = Provider()
    provider.free = True
    async with Batcher(provider, BatchLimits(max_items=3), linger_s=LIMIT_S * 10) as batcher:
        callers = submitted(batcher, 1, 2)
        await turns()
        assert provider.calls == []
        callers += submitted(batcher, 3)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*callers)
        last = submitted(batcher, 4)
        await turns()
    assert await last[0] == 8
    assert provider.calls == [[1, 2, 3], [4]]


async def test_a_failed_item_is_its_own_callers_failure():
    provider = Provider()
    provider.free = True
    async with Batcher(provider) as batcher:
        results = await asyncio.gather(*submitted(batcher, 1, -2, 3), return_exceptions=True)
    assert results[::2] == [2, 6]
    assert isinstance(results[1], ValueError)


async def test_a_failed_batch_fails_its_callers_and_the_next_goes_on():
    async def flaky(items: list[int]) -> list[int | Exception]:
        if 0 in items:
            raise OSError("down")
        return [1] * (len(items) - (1 in items))

    async with Batcher(flaky) as batcher:
        for item, error, words in ((0, OSError, "down"), (1, WorkerError, "1 items gave 0")):
            with pytest.raises(error, match=words):
                await batcher.submit("k", item)
        assert await batcher.submit("k", 2) == 1


async def test_a_caller_that_leaves_does_not_hurt_the_others():
    provider = Provider()
    batcher = Batcher(provider)
    away = submitted(batcher, 1, 2)
    await turns()
    later = submitted(batcher, 3, 4)
    await turns()
    for task in (away[0], later[0]):
        task.cancel()
    await turns()
    provider.free = True
    provider.may.release()

    assert (await away[1], await later[1]) == (4, 8)
    assert provider.calls == [[1, 2], [4]]
    await batcher.close()


async def test_a_batch_that_nobody_wants_any_more_is_given_up():
    provider = Provider()
    batcher = Batcher(provider)
    away = submitted(batcher, 1, 2)
    await turns()
    for task in away:
        task.cancel()
    await turns()
    provider.free = True

    assert await batcher.submit("k", 5) == 10
    assert provider.ended == [[5]]
    lone = submitted(batcher, 6)
    await asyncio.sleep(0)
    lone[0].cancel()
    await turns()
    assert provider.calls == [[1, 2], [5]]


async def test_too_many_callers_are_refused():
    batcher = Batcher(Provider(), max_waiting=2)
    callers = submitted(batcher, 1, 2)
    await asyncio.sleep(0)
    with pytest.raises(WorkerError, match="2 items wait"):
        await batcher.submit("k", 3)
    await batcher.close(timeout_s=0.0)
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [Cancelled, Cancelled]


async def test_closing_sends_what_waits_and_drops_what_takes_too_long():
    provider = Provider()
    batcher = Batcher(provider)
    callers = submitted(batcher, 1)
    await turns()
    callers += submitted(batcher, 2)
    await turns()
    provider.may.release()

    await batcher.close(timeout_s=0.05)

    results = await asyncio.gather(*callers, return_exceptions=True)
    assert results[0] == 2
    assert isinstance(results[1], Cancelled)
    assert provider.calls == [[1], [2]]
    with pytest.raises(Conflict, match="closed"):
        await batcher.submit("k", 3)


async def test_an_error_in_the_block_drops_what_is_away():
    callers: list[asyncio.Task[int]] = []

    async def block() -> None:
        async with Batcher(Provider()) as batcher:
            callers.extend(submitted(batcher, 1))
            await turns()
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await block()
    with pytest.raises(Cancelled):
        await callers[0]


async def fed(provider: Provider, batcher: Batcher[int, int]) -> list[int]:
    """Groups of callers, one after the other; the sizes of the batches of the last groups."""
    provider.free = True
    for size in (1, 2, 3, 5):
        await asyncio.gather(*submitted(batcher, *range(size)))
    del provider.calls[:]
    for _ in range(2):
        await asyncio.gather(*submitted(batcher, *range(12)))
    return [len(call) for call in provider.calls]


async def test_where_batching_does_not_pay_each_goes_alone():
    provider = Provider(per_batch=0.01, per_item=1.0)
    async with Batcher(provider, clock=provider.clock) as batcher:
        assert await fed(provider, batcher) == [1] * 24


async def test_where_batching_pays_they_stay_together():
    provider = Provider(per_batch=5.0, per_item=0.1)
    async with Batcher(provider, clock=provider.clock) as batcher:
        assert await fed(provider, batcher) == [12, 12]


async def test_batches_grow_no_larger_than_what_pays():
    provider = Provider(per_batch=0.45, per_item=1.0)
    async with Batcher(provider, clock=provider.clock) as batcher:
        assert max(await fed(provider, batcher)) == 5
