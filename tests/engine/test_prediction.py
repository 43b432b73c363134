"""What is expected of tasks, and how it is kept."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.statistics import Estimate, PredictionModel
from wiseflow.engine.forecast import LEAST_SAMPLES
from wiseflow.engine.history import FULL, PLENTY
from wiseflow.engine.prediction import LONGEST_STORED, Predictor


def told(durations: Iterable[float], *, kind: str = "parse") -> Predictor:
    predictor = Predictor()
    for duration_s in durations:
        predictor.observe(kind, duration_s=duration_s)
    return predictor


def expected(predictor: Predictor, kind: str = "parse", *, size: float | None = None) -> Estimate:
    estimate = predictor.estimate(kind, size=size)
    assert estimate is not None
    return estimate


def sized(chance: random.Random, count: int, *, power: float = 1.0) -> Predictor:
    predictor = Predictor()
    for _ in range(count):
        size = chance.lognormvariate(8.0, 1.0)
        took = 1e-5 * size**power * chance.lognormvariate(0.0, 0.1)
        predictor.observe("parse", duration_s=took, size=size, memory_bytes=50 * size)
    return predictor


def test_nothing_is_expected_of_a_kind_that_is_not_known_or_hardly():
    predictor = told([1.0] * (LEAST_SAMPLES - 1))

    assert predictor.estimate("parse") is None
    assert predictor.estimate("index") is None
    assert predictor.error("parse") is None
    assert predictor.error("index") is None
    assert len(predictor) == 1


def test_a_constant_duration_is_expected_within_a_thousandth():
    estimate = expected(told([0.25] * 50))

    assert estimate.expected_s == pytest.approx(0.25, rel=1e-3)
    assert estimate.low_s <= 0.25 <= estimate.high_s
    assert estimate.high_s / estimate.low_s < 1.002
    assert estimate.model is PredictionModel.STEADY
    assert estimate.samples == 50


def test_the_quantiles_are_those_of_what_was_seen():
    chance = random.Random(1)
    durations = [chance.lognormvariate(-3.0, 0.8) for _ in range(5_000)]
    predictor = told(durations[:400])

    estimate = expected(predictor)

    ordered = sorted(durations)
    assert estimate.p50_s == pytest.approx(ordered[2_500], rel=0.15)
    assert estimate.p90_s == pytest.approx(ordered[4_500], rel=0.25)
    assert estimate.low_s < estimate.p50_s < estimate.p90_s <= estimate.high_s
    assert estimate.expected_s == pytest.approx(sum(durations) / 5_000, rel=0.15)


def test_the_size_is_used_where_it_helps():
    linear = sized(random.Random(1), 300)
    power = sized(random.Random(1), 300, power=1.7)

    small, great = expected(linear, size=1_000.0), expected(linear, size=20_000.0)
    assert great.model in {PredictionModel.LINEAR, PredictionModel.POWER}
    assert great.p50_s == pytest.approx(0.2, rel=0.1)
    assert small.p50_s == pytest.approx(0.01, rel=0.1)
    assert great.memory_bytes == pytest.approx(1_000_000, rel=0.05)
    assert expected(power, size=1_000.0).model is PredictionModel.POWER
    assert expected(power, size=1_000.0).p50_s == pytest.approx(1e-5 * 1_000**1.7, rel=0.1)


def test_a_fixed_part_and_a_part_by_size_are_told_apart():
    chance, predictor = random.Random(2), Predictor()
    for _ in range(300):
        size = chance.uniform(1.0, 1_000.0)
        predictor.observe("parse", duration_s=0.1 + 0.001 * size, size=size)

    estimate = expected(predictor, size=10.0)

    assert estimate.model is PredictionModel.LINEAR
    assert estimate.p50_s == pytest.approx(0.11, rel=0.02)


def test_without_its_size_a_task_is_expected_to_be_like_the_others():
    predictor = sized(random.Random(1), 300)

    whole = expected(predictor)

    assert whole.model in {PredictionModel.STEADY, PredictionModel.FOLLOWING}
    assert whole.high_s / whole.low_s > 10
    for nonsense in (0.0, -1.0, math.nan, math.inf):
        assert expected(predictor, size=nonsense) == whole


def test_a_size_that_says_nothing_is_not_used():
    chance, predictor = random.Random(3), Predictor()
    for _ in range(400):
        size = chance.uniform(1.0, 1_000.0)
        predictor.observe("parse", duration_s=chance.lognormvariate(-3.0, 0.5), size=size)

    assert expected(predictor, size=500.0).model is PredictionModel.STEADY


def test_a_jump_is_followed_within_some_tasks():
    predictor = told([0.1] * 500 + [0.8] * 100)

    estimate = expected(predictor)

    assert estimate.model is PredictionModel.FOLLOWING
    assert estimate.p50_s == pytest.approx(0.8, rel=0.15)


def test_of_hits_and_misses_the_common_one_is_the_median_and_both_are_in_the_mean():
    chance = random.Random(4)
    predictor = told(0.001 if chance.random() < 0.7 else 0.5 for _ in range(400))

    estimate = expected(predictor)

    assert estimate.p50_s == pytest.approx(0.001, rel=0.02)
    assert estimate.high_s == pytest.approx(0.5, rel=0.02)
    assert estimate.expected_s == pytest.approx(0.15, rel=0.2)


def test_after_two_hundred_nine_of_ten_end_inside_the_range_and_the_error_says_so():
    chance = random.Random(5)
    predictor = told(chance.lognormvariate(-3.0, 0.7) for _ in range(200))
    inside = 0
    for _ in range(1_000):
        duration_s = chance.lognormvariate(-3.0, 0.7)
        estimate = expected(predictor)
        inside += estimate.low_s <= duration_s <= estimate.high_s
        predictor.observe("parse", duration_s=duration_s)

    error = predictor.error("parse")
    assert 850 <= inside <= 950
    assert error is not None
    assert error.samples == 1_200 - LEAST_SAMPLES
    assert error.inside == pytest.approx(0.9, abs=0.05)
    assert error.median_share == pytest.approx(0.42, abs=0.1)
    assert 0.01 < error.median_s < 0.04
    assert error.mean_s < error.mean_s_of_mean


def test_how_long_a_failed_task_ran_is_not_learned():
    predictor = told([1.0] * 10)
    for _ in range(50):
        predictor.observe("parse", duration_s=0.001, failed=True)

    estimate = expected(predictor)

    assert estimate.low_s == pytest.approx(1.0, rel=0.01)
    assert estimate.failure_probability > 0.5
    assert estimate.samples == 60


def test_a_kind_that_never_completed_has_no_estimate():
    predictor = Predictor()
    for _ in range(20):
        predictor.observe("parse", duration_s=1.0, failed=True)

    assert predictor.estimate("parse") is None


def test_without_failures_one_is_still_possible_and_less_so_with_time():
    few, many = expected(told([1.0] * 5)), expected(told([1.0] * 300))

    assert 0.0 < many.failure_probability < few.failure_probability < 0.05


def test_failures_are_forgotten():
    predictor = Predictor()
    for number in range(400):
        predictor.observe("parse", duration_s=1.0, failed=number < 100)

    assert expected(predictor).failure_probability < 0.02


def test_costs_are_expected_by_their_mean_and_memory_by_what_most_stay_below():
    chance, predictor = random.Random(6), Predictor()
    for number in range(200):
        predictor.observe(
            "ask",
            duration_s=1.0,
            memory_bytes=chance.uniform(1e6, 2e6),
            cost=0.0 if number % 2 else 0.01,
        )

    estimate = expected(predictor, "ask")

    assert estimate.cost == pytest.approx(0.005, rel=0.1)
    assert estimate.memory_bytes == pytest.approx(1.9e6, rel=0.03)
    assert expected(told([1.0] * 9)).cost is None
    assert expected(told([1.0] * 9)).memory_bytes is None


def test_values_that_cannot_be_are_left_out():
    predictor = told([1.0] * 10)
    for nonsense in (math.nan, math.inf, -math.inf, -1.0, 1e30):
        predictor.observe(
            "parse", duration_s=nonsense, size=nonsense, memory_bytes=nonsense, cost=nonsense
        )

    estimate = expected(predictor)

    assert estimate.p50_s == pytest.approx(1.0, rel=1e-3)
    assert estimate.memory_bytes is None
    assert estimate.cost is None


def test_a_kind_with_very_many_tasks_is_learned_from_a_sample_and_all_are_counted():
    chance = random.Random(7)
    predictor = told(chance.lognormvariate(-3.0, 0.5) for _ in range(20 * FULL))

    estimate = expected(predictor)
    error = predictor.error("parse")

    assert estimate.samples == 20 * FULL
    assert estimate.p50_s == pytest.approx(math.exp(-3.0), rel=0.1)
    assert error is not None
    assert PLENTY <= error.samples < 4 * FULL


def test_a_history_learns_as_the_predictor_does():
    predictor = Predictor()
    history = predictor.history("parse")
    for number in range(FULL + 10):
        history.observe(0.1 + number % 2, False, 10.0, 1e6, 0.5)
        predictor.observe(
            "same", duration_s=0.1 + number % 2, size=10.0, memory_bytes=1e6, cost=0.5
        )

    one, other = expected(predictor, size=10.0), expected(predictor, "same", size=10.0)

    assert one.samples == other.samples == FULL + 10
    assert (one.p50_s, one.high_s, one.cost) == (other.p50_s, other.high_s, other.cost)


def test_of_too_many_kinds_those_unused_longest_are_forgotten():
    predictor = Predictor(most_kinds=3)
    for kind in ("a", "b", "c"):
        for _ in range(10):
            predictor.observe(kind, duration_s=1.0)
    predictor.estimate("a")

    predictor.observe("d", duration_s=1.0)

    assert len(predictor) == 3
    assert predictor.estimate("b") is None
    assert predictor.estimate("a") is not None


def test_a_kind_that_fills_its_list_counts_as_used():
    predictor = Predictor(most_kinds=2)
    predictor.history("busy")
    predictor.history("idle")
    for _ in range(FULL):
        predictor.observe("busy", duration_s=1.0)

    predictor.observe("new", duration_s=1.0)

    assert predictor.estimate("busy") is not None


def test_what_was_learned_goes_on_in_the_next_process():
    before = sized(random.Random(8), 500)
    for _ in range(5):
        before.observe("parse", duration_s=1.0, failed=True)
    stored = before.dump()

    after = Predictor()
    after.load(stored)

    for size in (None, 100.0, 10_000.0):
        one, other = expected(before, size=size), expected(after, size=size)
        assert other.model is one.model
        assert other.samples == one.samples
        assert other.expected_s == pytest.approx(one.expected_s, rel=0.01)
        assert other.high_s == pytest.approx(one.high_s, rel=0.1)
        assert other.failure_probability == pytest.approx(one.failure_probability)
    was, now = before.error("parse"), after.error("parse")
    assert was is not None
    assert now is not None
    assert (now.samples, now.inside, now.mean_s) == (was.samples, was.inside, was.mean_s)
    after.observe("parse", duration_s=1.0, size=10.0)
    assert expected(after).samples == 506


def test_what_is_stored_of_a_kind_is_small():
    chance, predictor = random.Random(9), Predictor()
    for _ in range(3_000):
        size = chance.lognormvariate(8.0, 3.0)
        value = chance.lognormvariate(-3.0, 4.0)
        predictor.observe("x", duration_s=value, size=size, memory_bytes=value, cost=value)

    assert len(predictor.dump()["x"]) < 30_000


def test_names_that_no_database_takes_are_not_stored():
    predictor = Predictor()
    kept = "k" * LONGEST_STORED
    for kind in ("a\0b", "\ud800", "k" * (LONGEST_STORED + 1), kept):
        predictor.observe(kind, duration_s=1.0)

    assert list(predictor.dump()) == [kept]


def test_what_is_loaded_is_bounded_too():
    stored = told([1.0] * 10).dump()["parse"]
    predictor = Predictor(most_kinds=2)

    predictor.load(dict.fromkeys("abc", stored))

    assert len(predictor) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "7", '{"version": 2}', '{"version": 1}', "[" * 100_000]
)
def test_what_cannot_be_read_is_left_out_with_a_warning(text, caplog):
    good = told([1.0] * 10).dump()["parse"]
    predictor = Predictor()

    predictor.load({"bad": text, "good": good})

    assert len(predictor) == 1
    assert predictor.estimate("good") is not None
    assert "cannot be read" in caplog.text


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Where something is in JSON."""
    if path:
        yield path
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*path, key))


LEARNED = json.loads(sized(random.Random(10), 40).dump()["parse"])
NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    st.sampled_from([-1, 0, 1e59, -1e59, 1e308, 10**400]),
    st.text(max_size=3),
    st.lists(st.floats(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.floats(), max_size=2),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(sorted(places(LEARNED), key=str)), NONSENSE), max_size=3))
def test_however_it_is_damaged_the_predictor_goes_on(damages):
    data = copy.deepcopy(LEARNED)
    for path, nonsense in damages:
        inner = data
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = nonsense
        except (TypeError, KeyError, IndexError):
            continue  # an earlier damage took that place away
    predictor = Predictor()

    predictor.load({"parse": json.dumps(data)})

    for number in range(40):
        predictor.observe("parse", duration_s=0.1, size=1.0 + number, memory_bytes=1e6)
        predictor.estimate("parse", size=5.0)
    estimate = expected(predictor, size=5.0)
    assert 0.0 <= estimate.low_s <= estimate.high_s < math.inf
    assert predictor.error("parse") is not None
    json.loads(predictor.dump()["parse"])


@given(
    st.lists(
        st.tuples(st.floats(), st.booleans(), st.none() | st.floats(), st.none() | st.floats()),
        max_size=60,
    )
)
def test_whatever_is_told_an_estimate_is_in_order(outcomes):
    predictor = Predictor()
    for duration_s, failed, size, memory in outcomes:
        predictor.observe(
            "any", duration_s=duration_s, failed=failed, size=size, memory_bytes=memory
        )

    for size in (None, 1e-9, 1.0, 1e18):
        estimate = predictor.estimate("any", size=size)
        if estimate is not None:
            assert 0 < estimate.low_s <= estimate.p50_s <= estimate.p90_s <= estimate.high_s
            assert 0 < estimate.expected_s < math.inf
            assert 0 < estimate.failure_probability < 1
    again = Predictor()
    again.load(predictor.dump())
    assert len(again) == len(predictor)
