"""Maps: results in order, failures of items, and what crashes, cancellation and limits leave."""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
import time
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput, TimeLimit, WorkerCrashed, WorkerError
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.chunks import ChunkSizes, applied, run_chunk
from wiseflow.engine.decomposition import IntelligentTaskDecomposer
from wiseflow.engine.items import Items
from wiseflow.engine.outcomes import OnError, Strategy, collected
from wiseflow.engine.spreading import Chunks
from wiseflow.engine.tasks import TaskManager


@pytest.fixture
async def tasks() -> AsyncGenerator[TaskManager]:
    async with asyncio.timeout(60.0), TaskManager(max_processes=2) as manager:
        yield manager


@pytest.fixture
def maps(tasks: TaskManager) -> IntelligentTaskDecomposer:
    return IntelligentTaskDecomposer(tasks, workers=2)


def heavy(number: int) -> int:
    """Some ten microseconds."""
    return sum(range(500 + number % 50)) + number


def reciprocal(number: int) -> float:
    return 1 / number


class Unsent:
    """A number that does not pickle."""

    def __index__(self) -> int:
        return 5

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("not this one")


class Orphan(Unsent):
    """A number that pickles, but that no worker can rebuild."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


def truth(item: object) -> bool:
    return bool(item)


@given(
    total=st.integers(1, 10_000),
    workers=st.integers(1, 16),
    item_s=st.floats(1e-8, 1.0),
    item_bytes=st.floats(0, 1e6),
)
def test_chunks_cover_all_items_and_keep_all_limits(total, workers, item_s, item_bytes):
    sizes = ChunkSizes(workers=workers, dispatch_s=3e-4, total=total)
    left = total
    while left:
        size = sizes.next(left=left, item_s=item_s, item_bytes=item_bytes)
        assert 1 <= size <= left
        assert size == 1 or size * item_s <= 1.0 + item_s
        assert size == 1 or size * item_bytes <= (1 << 20) + item_bytes
        left -= size


def test_chunks_shrink_towards_the_end_but_not_below_what_pays():
    sizes = ChunkSizes(workers=2, dispatch_s=3e-4, total=10_000)

    assert sizes.next(left=10_000, item_s=1e-4, item_bytes=5) == 2_500
    assert sizes.next(left=2_000, item_s=1e-4, item_bytes=5) == 500
    assert sizes.next(left=300, item_s=1e-4, item_bytes=5) == 100


def test_few_items_are_one_chunk_for_each_worker():
    sizes = ChunkSizes(workers=2, dispatch_s=3e-4, total=1_000)

    assert sizes.next(left=1_000, item_s=1e-6, item_bytes=5) == 500
    assert sizes.next(left=500, item_s=1e-6, item_bytes=5) == 500


def test_a_stop_iteration_of_the_function_is_a_failure_of_its_item():
    results, failures = applied(next, [iter([1]), iter([]), iter([3])])

    assert results == [1, None, 3]
    assert [(place, type(error)) for place, error in failures] == [(1, StopIteration)]


@pytest.mark.parametrize("function", [bool, truth], ids=["built-in", "own"])
def test_failures_have_their_places_and_the_rest_goes_on(function):
    class Odd:
        def __bool__(self) -> bool:
            raise LookupError

    results: list[object] = ["before"]
    _, failures = applied(function, [1, Odd(), Odd(), 0], results=results)
    stopped, _ = applied(function, [1, Odd(), 0], stop_at_failure=True)

    assert results == ["before", True, None, None, False]
    assert [place for place, _ in failures] == [2, 3]
    assert stopped == [True, None]


@given(counts=st.lists(st.integers(1, 9)), total=st.integers(0, 40))
def test_items_are_taken_once_and_in_order_wherever_they_come_from(counts, total):
    sources = [range(total), [*range(total)], {*range(total)}, iter(range(total))]
    for items in map(Items, sources):
        taken = [number for count in counts for number in items.take(count)]

        assert taken == [*range(min(sum(counts), total))]
        assert items.left in {None, total - len(taken)}
        assert [*items] == [*range(len(taken), total)]
        assert items.exhausted


def test_a_chunk_that_cannot_be_rebuilt_says_so():
    with pytest.raises(InvalidInput, match="cannot rebuild"):
        run_chunk(b"no pickle", b"none")


async def test_a_little_work_is_done_in_a_plain_loop(maps):
    first = await maps.map(math.isqrt, range(1_000))
    again = await maps.map(math.isqrt, range(1_000))

    assert first.results == again.results == [math.isqrt(number) for number in range(1_000)]
    assert first.strategy is again.strategy is Strategy.SEQUENTIAL_OPTIMIZED
    assert first.reason


async def test_a_function_that_nobody_knows_never_runs_on_the_event_loop(maps):
    outcome = await maps.map(lambda _: threading.get_ident(), range(10))

    assert threading.get_ident() not in outcome.results


@pytest.mark.parametrize(
    "items", [range(900, 1_900), [*range(900, 1_900)], iter(range(900, 1_900))]
)
async def test_what_goes_to_processes_comes_back_in_order(maps, items):
    outcome = await maps.map(math.factorial, items, strategy="parallel_chunks")

    assert outcome.results == [math.factorial(number) for number in range(900, 1_900)]
    assert outcome.strategy is Strategy.PARALLEL_CHUNKS
    assert outcome.chunk_size > 1
    assert not outcome.failures


async def test_a_function_that_is_known_gives_the_same_as_before(maps):
    items = [900 + number % 50 for number in range(1_000)]
    first = await maps.map(math.factorial, items, strategy="parallel_chunks")
    again = await maps.map(math.factorial, items)

    assert again.results == first.results


async def test_what_cannot_be_sent_is_done_here(maps):
    outcome = await maps.map(lambda number: heavy(number), range(30_000))  # noqa: PLW0108

    assert outcome.strategy is Strategy.SEQUENTIAL_OPTIMIZED
    assert outcome.results[-1] == heavy(29_999)


@pytest.mark.parametrize("strategy", ["parallel_chunks", "sequential_optimized", "async_batches"])
async def test_a_failed_item_costs_itself_only(maps, strategy):
    outcome = await maps.map(reciprocal, [2, 0, 4, *range(1, 200), 0], strategy=strategy)

    assert outcome.results[:3] == [0.5, None, 0.25]
    assert [failure.index for failure in outcome.failures] == [1, 202]
    assert {type(failure.error) for failure in outcome.failures} == {ZeroDivisionError}


@pytest.mark.parametrize("strategy", ["parallel_chunks", "sequential_optimized", "async_batches"])
async def test_the_first_failure_is_raised_when_that_is_wanted(maps, strategy):
    with pytest.raises(ZeroDivisionError):
        await maps.map(reciprocal, [*range(1, 3_000), 0], on_error="raise", strategy=strategy)


def slow(*others: str) -> list[str]:
    """Expressions: two hundred that take a while, so that the sample ends before the others."""
    return [f"0 * sum(range(5_000)) + {number}" for number in range(200)] + list(others)


DEADLY = "__import__('os')._exit(7)"
STUBBORN = "(_ for _ in ()).throw(type('Stubborn', (Exception,), {})()).__next__()"
LOCK = "__import__('threading').Lock()"
FRAGILE = "type('Fragile', (), {'__reduce__': lambda self: (int, ('no number',))})()"


async def test_a_worker_that_dies_costs_only_the_item_that_killed_it(maps, tasks):
    outcome = await maps.map(eval, slow(DEADLY, "200", "201"), strategy="parallel_chunks")

    assert [failure.index for failure in outcome.failures] == [200]
    assert isinstance(outcome.failures[0].error, WorkerCrashed)
    assert outcome.results == [*range(200), None, 200, 201]
    assert outcome.crashes >= 1
    assert not tasks.active_tasks


async def test_crashes_are_bounded(tasks):
    expressions = slow(*[DEADLY] * 40)
    chunks = Chunks(
        carrier=Carrier(tasks=tasks, name="map"),
        function=eval,
        source=Items(expressions),
        into=collected(OnError.COLLECT),
        sizes=ChunkSizes(workers=2, dispatch_s=3e-4, total=len(expressions)),
        item_s=1e-4,
        item_bytes=50,
        most_crashes=2,
    )
    await chunks.run()

    assert {failure.index for failure in chunks.into.failures} >= set(range(200, 240))
    assert chunks.crashes < 40


@pytest.mark.parametrize(
    ("expression", "error"),
    [(STUBBORN, "Stubborn"), (LOCK, "cannot be sent back"), (FRAGILE, "cannot be rebuilt")],
    ids=["an error that does not pickle", "a result that does not", "one that cannot be rebuilt"],
)
async def test_what_cannot_come_back_costs_its_item_only(maps, expression, error):
    outcome = await maps.map(eval, slow(expression, "200"), strategy="parallel_chunks")

    assert [failure.index for failure in outcome.failures] == [200]
    assert error in str(outcome.failures[0].error)
    assert outcome.results == [*range(200), None, 200]


@pytest.mark.parametrize("odd", [Unsent(), Orphan()], ids=["not sent", "not rebuilt"])
async def test_an_item_that_cannot_get_to_a_worker_fails_and_is_not_done_here(maps, odd):
    items = [1_000] * 200 + [odd, 3]
    outcome = await maps.map(math.factorial, items, strategy="parallel_chunks")

    assert outcome.results == [math.factorial(1_000)] * 200 + [None, 6]
    assert [failure.index for failure in outcome.failures] == [200]
    assert isinstance(outcome.failures[0].error, InvalidInput)


async def test_processes_are_refused_for_what_cannot_be_sent(maps):
    with pytest.raises(InvalidInput, match="does not pickle"):
        await maps.map(lambda _: heavy(1), range(9_000), strategy="parallel_chunks")


async def test_items_that_wait_do_so_beside_each_other(maps):
    together = asyncio.Barrier(8)

    async def meet(number: int) -> int:
        await together.wait()
        return number

    outcome = await maps.map(meet, range(16), at_once=8)

    assert outcome.results == list(range(16))
    assert outcome.strategy is Strategy.ASYNC_BATCHES


async def test_plain_functions_that_wait_share_threads(maps):
    together = threading.Barrier(4)

    def meet(number: int) -> int:
        if number:
            together.wait(timeout=30)
        else:
            time.sleep(0.005)  # the sample, which is done by itself
        return number

    outcome = await maps.map(meet, range(9), at_once=4, strategy="async_batches")

    assert outcome.strategy is Strategy.ASYNC_BATCHES
    assert outcome.results == list(range(9))


async def test_no_more_items_wait_than_asked(maps):
    inside, most = 0, 0

    async def step(_: int) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    await maps.map(step, range(100), at_once=3)

    assert most <= 3


async def test_asynchronous_functions_that_never_wait_are_done_one_by_one(maps):
    async def double(number: int) -> int:
        return 2 * number

    outcome = await maps.map(double, range(100))

    assert outcome.results == list(range(0, 200, 2))
    assert outcome.strategy is Strategy.SEQUENTIAL_OPTIMIZED


async def test_a_long_loop_of_asynchronous_functions_lets_others_have_the_loop(maps):
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            await asyncio.sleep(0)
            others += 1

    async def busy(_: int) -> None:
        heavy(20_000)

    beside = asyncio.create_task(other())
    await maps.map(busy, range(3_000), strategy=Strategy.SEQUENTIAL_OPTIMIZED)
    beside.cancel()

    assert others > 5


async def test_a_failing_asynchronous_item_costs_itself_only(maps):
    async def half(number: int) -> float:
        await asyncio.sleep(0)
        return 1 / number

    outcome = await maps.map(half, [1, 0, 2])

    assert outcome.results == [1.0, None, 0.5]
    assert [failure.index for failure in outcome.failures] == [1]
    with pytest.raises(ZeroDivisionError):
        await maps.map(half, [1, 0, 2], on_error=OnError.RAISE)


def slow_reciprocal(number: int) -> float:
    """So slow that not all of a map is done before anything is decided."""
    heavy(number)
    return reciprocal(number)


async def late_reciprocal(number: int) -> float:
    await asyncio.sleep(0.001)
    return reciprocal(number)


@pytest.mark.parametrize(
    ("function", "strategy"),
    [
        (late_reciprocal, None),
        (slow_reciprocal, "async_batches"),
        (slow_reciprocal, "parallel_chunks"),
    ],
)
async def test_after_maps_that_failed_the_time_of_the_caller_is_still_kept(
    maps, function, strategy
):
    items = [*range(1, 3_000), 0]
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(60.0):
                await maps.map(function, items, on_error="raise", strategy=strategy)

    with pytest.raises(TimeoutError):  # and no cancellation, which nobody asked for
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()


async def test_an_error_of_the_source_ends_the_map(maps):
    def broken():
        yield 1
        raise LookupError("the source is gone")

    with pytest.raises(LookupError, match="source is gone"):
        await maps.map(heavy, broken())


async def test_cancelling_a_map_cancels_its_tasks(maps, tasks):
    begun = asyncio.Event()

    async def forever(_: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    job = asyncio.create_task(maps.map(forever, range(10)))
    await begun.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await tasks.join()

    assert not tasks.active_tasks
    assert not tasks.pending_tasks


async def test_a_map_ends_at_its_time_limit(maps, tasks):
    async def forever(_: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeLimit, match=r"longer than 0\.01 s"):
        await maps.map(forever, range(10), timeout=0.01)
    await tasks.join()


async def test_a_time_out_of_the_source_is_not_the_maps_own(maps):
    def late():
        yield 1
        raise TimeoutError("of the source")

    with pytest.raises(TimeoutError, match="of the source"):
        await maps.map(heavy, late(), timeout=60.0)


async def test_no_items_give_no_results(maps):
    async def double(number: int) -> int:
        return 2 * number

    assert (await maps.map(heavy, [])).results == []
    assert (await maps.map(double, [])).results == []
    assert (await maps.map(heavy, [], strategy="parallel_chunks")).results == []


@pytest.mark.parametrize(
    ("func", "options"),
    [
        (math.isqrt, {"strategy": "pipeline_stages"}),
        (math.isqrt, {"strategy": "by_magic"}),
        (asyncio.sleep, {"strategy": "parallel_chunks"}),
        (math.isqrt, {"on_error": "ignore"}),
        (math.isqrt, {"at_once": 0}),
        (7, {}),
    ],
)
async def test_what_cannot_be_done_is_refused(maps, func, options):
    with pytest.raises(InvalidInput):
        await maps.map(func, [1], **options)


def test_a_chunk_answers_for_each_of_its_items():
    items = ["1", LOCK, STUBBORN, "1 / 0"]
    packed, failed, took_s = run_chunk(pickle.dumps(eval), pickle.dumps(items))

    failures = dict(pickle.loads(failed))
    assert pickle.loads(packed) == [1, None, None, None]
    assert {place: type(error) for place, error in failures.items()} == {
        1: InvalidInput,
        2: WorkerError,
        3: ZeroDivisionError,
    }
    assert took_s > 0
