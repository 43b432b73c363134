"""Pipelines: order, bounded buffers, failures that name their stage, and cancellation."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator

import pytest

from wiseflow.core.errors import InvalidInput, TimeLimit, WorkerCrashed
from wiseflow.engine.decomposition import IntelligentTaskDecomposer
from wiseflow.engine.outcomes import Strategy
from wiseflow.engine.stages import Stage
from wiseflow.engine.tasks import TaskManager


@pytest.fixture
async def tasks() -> AsyncGenerator[TaskManager]:
    async with asyncio.timeout(60.0), TaskManager(max_processes=1) as manager:
        yield manager


@pytest.fixture
def maps(tasks: TaskManager) -> IntelligentTaskDecomposer:
    return IntelligentTaskDecomposer(tasks, workers=1)


async def fetched(number: object) -> object:
    await asyncio.sleep(0)
    return number


def rooted(number: int) -> float:
    time.sleep(0.0005)
    return math.sqrt(number)


async def test_results_are_in_the_order_of_the_items_through_all_kinds_of_stages(maps):
    stages = [fetched, rooted, Stage(func=math.floor, cpu_bound=True)]
    outcome = await maps.pipeline(stages, range(40), buffer=2)

    assert outcome.results == [math.isqrt(number) for number in range(40)]
    assert outcome.strategy is Strategy.PIPELINE_STAGES
    assert outcome.reason


async def test_a_failure_names_its_stage_and_costs_its_item_only(maps):
    stages = [fetched, Stage(func=rooted, name="root"), str]
    outcome = await maps.pipeline(stages, [4, -1, 9, 16, 25, -1, 36])

    assert outcome.results == ["2.0", None, "3.0", "4.0", "5.0", None, "6.0"]
    assert [(one.index, one.stage, type(one.error)) for one in outcome.failures] == [
        (1, "root", ValueError),
        (5, "root", ValueError),
    ]


@pytest.mark.parametrize("items", [[-1], [1] * 20 + [-1]])
@pytest.mark.parametrize("first", [fetched, float])
async def test_the_first_failure_is_raised_when_that_is_wanted(maps, tasks, first, items):
    with pytest.raises(ValueError, match="math domain"):
        await maps.pipeline([first, math.sqrt], items, on_error="raise")
    await tasks.join()


async def test_tiny_stages_are_done_one_after_the_other(maps):
    outcome = await maps.pipeline([abs, math.sqrt, math.log], [4, 9, 16, 25, 0, 36])

    assert outcome.strategy is Strategy.SEQUENTIAL_OPTIMIZED
    assert outcome.results[0] == math.log(2)
    assert [(one.index, one.stage) for one in outcome.failures] == [(4, "log")]


async def test_items_are_taken_no_further_than_the_buffers_allow(maps):
    taken = 0
    gate = asyncio.Event()
    full = asyncio.Event()

    def source():
        nonlocal taken
        for number in range(1_000):
            taken = number
            if taken == 8:
                full.set()
            yield number

    async def held(number: int) -> int:
        if number >= 4:
            await gate.wait()
        return number

    stages = [fetched, Stage(func=held, at_once=1), fetched]
    job = asyncio.create_task(maps.pipeline(stages, source(), buffer=1))
    await full.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    # Four were measured; one is held, and there is room for one before and one in each stage.
    held_back = taken
    gate.set()
    outcome = await job

    assert held_back < 4 + 32 + 4
    assert outcome.results == list(range(1_000))


async def test_a_stage_has_no_more_in_hand_than_it_may(maps):
    inside, most = 0, 0

    async def step(number: int) -> int:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        return number

    await maps.pipeline([fetched, Stage(func=step, at_once=2), fetched], range(60))

    assert most <= 2


async def test_a_worker_that_dies_costs_its_item_only(maps):
    items = [*map(str, range(6)), "__import__('os')._exit(7)", "7", "8"]
    stages = [fetched, Stage(func=eval, cpu_bound=True, name="poison")]
    outcome = await maps.pipeline(stages, items)

    assert outcome.results == [0, 1, 2, 3, 4, 5, None, 7, 8]
    assert [(one.index, one.stage) for one in outcome.failures] == [(6, "poison")]
    assert isinstance(outcome.failures[0].error, WorkerCrashed)


async def test_cancelling_a_pipeline_leaves_nothing_behind(maps, tasks):
    begun = asyncio.Event()

    async def stuck(number: int) -> int:
        if number > 5:
            begun.set()
            await asyncio.Event().wait()
        return number

    job = asyncio.create_task(maps.pipeline([fetched, stuck], range(100)))
    await begun.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await tasks.join()

    assert not tasks.active_tasks
    assert len(asyncio.all_tasks()) == 1


async def test_after_pipelines_that_failed_the_time_of_the_caller_is_still_kept(maps):
    async def late(number: int) -> float:
        await asyncio.sleep(0)
        return 1 / (50 - number)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(60.0):
                await maps.pipeline([fetched, late], range(100), on_error="raise")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()


async def test_a_pipeline_ends_at_its_time_limit(maps):
    async def forever(_: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeLimit):
        await maps.pipeline([forever], [1], timeout=0.01)


async def test_no_items_give_no_results(maps):
    assert (await maps.pipeline([fetched, str], [])).results == []


async def test_an_error_of_the_engine_itself_is_raised(maps):
    async def refused(number: int) -> int:
        return number

    with pytest.raises(LookupError, match="gone"):
        await maps.pipeline([refused, refused], gone())


def gone():
    yield from range(10)
    raise LookupError("the source is gone")


@pytest.mark.parametrize(
    ("stages", "options"),
    [
        ([], {}),
        ([abs], {"buffer": 0}),
        ([Stage(func=abs, at_once=0)], {}),
        ([fetched], {"strategy": "sequential_optimized"}),
        ([Stage(func=fetched, cpu_bound=True)], {}),
    ],
)
async def test_what_cannot_be_done_is_refused(maps, stages, options):
    with pytest.raises(InvalidInput):
        await maps.pipeline(stages, [1], **options)
