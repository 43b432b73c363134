"""What a job costs is measured, and the way to do it follows from that."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from dataclasses import replace

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.engine.analysis import (
    Conditions,
    MultiDimensionalTaskAnalyzer,
    at_once,
    foreknown,
    judged,
    quick,
)
from wiseflow.engine.outcomes import Strategy
from wiseflow.engine.sampling import Measures, growth, weights
from wiseflow.engine.stages import Stage, lanes_for
from wiseflow.engine.tasks import TaskManager

COMPUTING = Measures(items=10, wall_s=0.001, cpu_s=0.001)
WAITING = Measures(items=10, wall_s=0.01, cpu_s=0.001, waits=1.0)
MANY = Conditions(left=10_000, workers=4, start_s=0.0)


async def nothing(item: object) -> object:
    return item


@pytest.fixture
async def analyzer():
    async with asyncio.timeout(30.0), TaskManager() as tasks:
        yield MultiDimensionalTaskAnalyzer(tasks, workers=4)


def test_computing_goes_to_processes():
    analysis = judged(COMPUTING, MANY)

    assert analysis.strategy is Strategy.PARALLEL_CHUNKS
    assert analysis.predicted_s[Strategy.PARALLEL_CHUNKS] == pytest.approx(2.5, rel=0.01)
    assert "computes" in analysis.reason


def test_waiting_is_done_by_many_at_once():
    analysis = judged(WAITING, MANY)

    assert analysis.strategy is Strategy.ASYNC_BATCHES
    assert analysis.measures.io_share == pytest.approx(0.9)
    assert at_once(WAITING, 10_000) == 10
    assert at_once(WAITING, 3) == 3


def test_time_without_cpu_is_no_waiting_when_the_function_never_gave_the_cpu_up():
    preempted = Measures(items=10, wall_s=0.01, cpu_s=0.001, waits=0.0)

    assert preempted.io_share == 0.0
    assert judged(preempted, MANY).strategy is Strategy.PARALLEL_CHUNKS


@pytest.mark.parametrize(
    ("measures", "conditions"),
    [
        (COMPUTING, Conditions(left=100, workers=4, start_s=0.2)),
        (COMPUTING, Conditions(left=10_000, workers=1, start_s=0.0)),
        (COMPUTING, Conditions(left=0, workers=4, start_s=0.0)),
        (Measures(items=9, wall_s=1e-6, cpu_s=1e-6, pickle_s=1e-6, weighed=True), MANY),
        (Measures(items=9, wall_s=0.001, cpu_s=0.001, obstacle="a lambda"), MANY),
    ],
    ids=["start takes longer", "one worker", "nothing left", "pickling takes longer", "lambda"],
)
def test_work_is_left_alone_where_splitting_does_not_pay(measures, conditions):
    assert judged(measures, conditions).strategy is Strategy.SEQUENTIAL_OPTIMIZED


def test_a_function_known_to_be_quick_is_done_where_the_map_was_asked_for():
    tiny = Measures(items=1_000, wall_s=1e-6, cpu_s=1e-6)

    assert quick(tiny, 5_000)
    assert not quick(tiny, 6_000)
    assert not quick(tiny, None)
    assert not quick(WAITING, 1)


def test_what_is_known_spares_the_sample_where_it_has_shown_a_better_way():
    weighed = replace(COMPUTING, weighed=True)

    assert foreknown(weighed, MANY) == judged(weighed, MANY)
    assert foreknown(WAITING, MANY) == judged(WAITING, MANY)
    assert foreknown(COMPUTING, MANY) is None
    assert foreknown(weighed, replace(MANY, left=1)) is None


def test_of_an_unknown_number_as_many_are_expected_again():
    few = judged(COMPUTING, Conditions(left=None, workers=4, start_s=0.2))

    assert few.predicted_s[Strategy.SEQUENTIAL_OPTIMIZED] == pytest.approx(0.01)
    assert few.strategy is Strategy.SEQUENTIAL_OPTIMIZED


def test_the_growth_of_the_cost_is_the_slope_of_its_logarithms():
    assert growth([(n, 1e-9 * n**2) for n in (10, 20, 40, 80)]) == pytest.approx(2.0)
    assert growth([(10, 1.0)] * 9) is None
    assert growth([(0, 1.0), (3, 1.0)]) is None


def test_stages_get_as_many_lanes_as_keep_the_slowest_busy():
    assert lanes_for([0.1, 0.3, 0.01], [1, 4, 8]) == [1, 3, 1]
    assert lanes_for([0.4, 0.1], [4, 32]) == [4, 1]
    assert lanes_for([0.0, 0.0], [4, 4]) == [1, 1]


def test_what_stands_against_sending_is_named():
    class Own:
        pass

    assert "function" in weights(lambda: 0, [1], [1])[3]
    assert "an item or a result" in weights(len, [Own()], [1])[3]
    sent, back, took_s, reason = weights(len, ["abcd"], [4])
    assert sent > back > 0
    assert took_s > 0
    assert reason == ""


async def test_a_sample_is_small_and_its_results_are_kept(analyzer):
    analysis = await analyzer.analyze(math.isqrt, range(1_000))

    assert analysis.measures.items == 30
    assert analysis.results == [math.isqrt(number) for number in range(30)]
    assert analysis.measures.item_bytes > 0
    assert analysis.predicted_s


async def test_an_iterator_is_taken_from_no_further_than_the_sample(analyzer):
    numbers = itertools.count()

    analysis = await analyzer.analyze(math.isqrt, numbers)

    assert next(numbers) == analysis.measures.items


async def test_a_function_that_sleeps_is_seen_to_wait(analyzer):
    plain = await analyzer.analyze(time.sleep, [0.003] * 100)
    asynchronous = await analyzer.analyze(asyncio.sleep, [0.003] * 100)

    assert plain.measures.waits >= 1
    assert asynchronous.measures.waits >= 1


async def test_an_item_that_fails_in_the_sample_is_a_failure_of_its_own(analyzer):
    async def reciprocal(number: int) -> float:
        return 1 / number

    plain = await analyzer.analyze(math.log, [0.0])
    asynchronous = await analyzer.analyze(reciprocal, [0])

    assert [type(one.error) for one in plain.failures] == [ValueError]
    assert [type(one.error) for one in asynchronous.failures] == [ZeroDivisionError]


async def test_the_growth_is_measured_for_items_that_have_a_length(analyzer):
    analysis = await analyzer.analyze(sorted, [list(range(2**n)) for n in range(1, 11)] * 100)

    assert analysis.measures.growth is not None


async def test_stages_depend_on_those_before_them(analyzer):
    analysis = await analyzer.analyze_stages([str, Stage(func=nothing), str], range(100))

    assert analysis.depends == ((), (0,), (1,))
    assert analysis.strategy is Strategy.PIPELINE_STAGES


async def test_a_pipeline_without_stages_is_refused(analyzer):
    with pytest.raises(InvalidInput, match="without stages"):
        await analyzer.analyze_stages([], [1])
