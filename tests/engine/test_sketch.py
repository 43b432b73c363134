"""The sketch against the numbers themselves."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.engine.sketch import FARTHEST, FINEST, Sketch

NEVER = 1e12
LOGARITHMS = st.floats(-60, 60)
LEVELS = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5).map(sorted)


def sketch_of(numbers: Iterable[float], *, half_life: float = NEVER, most: int = 128) -> Sketch:
    sketch = Sketch(half_life, most=most)
    for number in numbers:
        sketch.add(number)
    return sketch


def in_rank(numbers: Sequence[float], level: float, low: float, high: float) -> bool:
    """Whether the number at that rank, among these and one more, is from ``low`` up to ``high``."""
    ordered = sorted(numbers)
    # A rank that is whole but for rounding may be either.
    before, after = (
        ordered[min(max(math.ceil((level + by) * (len(ordered) + 1)), 1), len(ordered)) - 1]
        for by in (-1e-9, 1e-9)
    )
    return low <= after and before < high


@given(st.lists(LOGARITHMS, min_size=1, max_size=300), LEVELS, st.sampled_from([2, 8, 128]))
def test_every_quantile_is_in_the_bucket_given(numbers, levels, most):
    sketch = sketch_of(numbers, most=most)

    for level, (low, high) in zip(levels, sketch.quantiles(levels), strict=True):
        assert in_rank(numbers, level, low, high)
        assert high - low == sketch.width
    assert len(sketch) <= most


def test_numbers_that_are_near_each_other_are_told_apart_and_ones_far_apart_take_no_more_room():
    chance = random.Random(1)
    near = sketch_of(chance.gauss(3.0, 0.01) for _ in range(2_000))
    far = sketch_of(chance.gauss(3.0, 10.0) for _ in range(2_000))

    assert near.width == FINEST
    assert near.width < far.width < 2.0
    assert len(far) <= 128


def test_one_number_far_off_leaves_the_buckets_fine():
    sketch = sketch_of([*(3.0 + 0.001 * number for number in range(50)), 700.0])

    assert sketch.width == FINEST


def test_newer_numbers_count_more():
    sketch = sketch_of([*[1.0] * 1_000, *[2.0] * 60], half_life=20)

    ((low, high),) = sketch.quantiles([0.5])
    assert low <= 2.0 < high


def test_what_all_weigh_is_bounded_by_the_half_life():
    sketch = sketch_of([0.5] * 5_000, half_life=10)

    assert sketch.weight == pytest.approx(1 / (1 - 0.5 ** (1 / 10)))


def test_a_sketch_that_counts_very_long_stays_exact():
    sketch = sketch_of([number % 3 for number in range(9_000)], half_life=20)

    low, middle, high = sketch.quantiles([0.2, 0.5, 0.8])
    assert (low[0], middle[0], high[0]) == (0.0, 1.0, 2.0)


@given(st.lists(LOGARITHMS, max_size=200), st.lists(LOGARITHMS, max_size=200), LEVELS)
def test_two_merged_are_as_one_that_counted_all(some, others, levels):
    merged = sketch_of(some, most=16)

    merged.merge(sketch_of(others, most=32))

    every = some + others
    assert merged.weight == pytest.approx(len(every))
    assert len(merged) <= 16
    if every:
        for level, (low, high) in zip(levels, merged.quantiles(levels), strict=True):
            assert in_rank(every, level, low, high)


def test_a_fine_one_takes_a_coarse_one_and_the_other_way_round():
    fine, coarse = sketch_of([1.0, 1.1]), sketch_of(range(200), most=8)

    fine.merge(coarse)
    coarse.merge(sketch_of([1.0, 1.1]))

    assert fine.width >= coarse.width > FINEST
    assert fine.quantiles([0.5]) == coarse.quantiles([0.5])


def test_the_mean_of_what_the_logarithms_are_of():
    values = [0.5, 1.0, 2.0, 8.5]

    assert sketch_of(map(math.log, values)).mean_exponential() == pytest.approx(3.0, rel=0.001)


def test_an_empty_one_has_no_spread():
    sketch = Sketch(10)

    assert sketch.quantiles([0.1, 0.9]) == [(0.0, 0.0), (0.0, 0.0)]
    assert sketch.mean_exponential() == 0.0
    assert sketch.weight == 0.0


@given(st.lists(LOGARITHMS, max_size=200), LEVELS)
def test_what_was_dumped_comes_back(numbers, levels):
    sketch = sketch_of(numbers, half_life=50)

    again = Sketch(50).load(json.loads(json.dumps(sketch.dump())))

    assert again.weight == pytest.approx(sketch.weight, rel=1e-3)
    assert again.width == sketch.width
    off = max(
        (
            abs(one[0] - other[0])
            for one, other in zip(sketch.quantiles(levels), again.quantiles(levels), strict=True)
        ),
        default=0.0,
    )
    # Weights are rounded, so a quantile at a border may be that of the next number.
    gaps = [b - a for a, b in zip(sorted(numbers), sorted(numbers)[1:], strict=False)]
    assert off <= max(gaps, default=0.0) + sketch.width


@pytest.mark.parametrize(
    "damage",
    [
        {"width": 0.3},
        {"width": "wide"},
        {"steps": [1, 0]},
        {"steps": [1]},
        {"steps": [0.5, 1]},
        {"steps": [0, int(2 * FARTHEST / FINEST) + 1]},
        {"weights": [1.0, -1.0]},
        {"weights": [1.0, math.nan]},
        {"weights": [1.0, 1e300]},
        {"weights": [1.0, "1"]},
    ],
)
def test_what_no_sketch_dumped_is_refused(damage):
    good = {"width": FINEST, "steps": [0, 1], "weights": [1.0, 1.0]}
    assert len(Sketch(10).load(good)) == 2

    with pytest.raises((ValueError, TypeError)):
        Sketch(10).load(good | damage)
