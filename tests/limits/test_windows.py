"""Accounting of one limit: windows, buckets, and what headers told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.limits.buckets import BURST_S, Bucket
from wiseflow.limits.told import Told
from wiseflow.limits.windows import GUARD, Window

UNTIMED = settings(deadline=None)
arrivals = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 12)), max_size=60)


def admissions(window: Window, wanted) -> list[tuple[float, float]]:
    """When each goes that is asked after the one before, as soon as there is room."""
    now, taken = 0.0, []
    for pause, amount in wanted:
        now = window.when(amount, now + pause)
        window.take(amount, now)
        taken.append((now, min(amount, window.limit)))
    return taken


@UNTIMED
@given(arrivals, st.sampled_from([1, 2.5, 10, 60]))
def test_in_no_window_more_than_the_limit_is_taken(wanted, limit):
    taken = admissions(Window(limit, 60.0), wanted)

    for first, _ in taken:
        assert sum(amount for at, amount in taken if first <= at < first + 60.0) <= limit + 1e-6


@UNTIMED
@given(arrivals, st.sampled_from([10, 60]), st.floats(0, 60))
def test_what_it_lets_go_no_bucket_and_no_fixed_window_refuses(wanted, limit, phase):
    taken = admissions(Window(limit, 60.0), wanted)

    level, filled_at = float(limit), 0.0
    fixed: dict[int, float] = {}
    for at, amount in taken:
        level = min(limit, level + (at - filled_at) * limit / 60.0) - amount
        filled_at = at
        window = math.floor((at + phase) / 60.0)
        fixed[window] = fixed.get(window, 0) + amount
        assert level > -1e-6
        assert fixed[window] <= limit + 1e-6


def test_over_ten_minutes_of_demand_at_least_98_per_cent_are_used():
    window = Window(60, 60.0)

    taken = admissions(window, [(0, 1)] * 6000)

    in_ten_minutes = [at for at, _ in taken if at < 600]
    later = [at for at, _ in taken if 2400 <= at < 3000]  # when the first minute is long forgotten
    assert len(in_ten_minutes) >= 0.98 * 600
    assert len([at for at, _ in taken if at < 6000]) >= 0.98 * 6000
    assert len(later) >= 0.9 * 600


def test_a_call_larger_than_the_limit_goes_alone():
    window = Window(100, 60.0)
    window.take(1, 0.0)

    assert window.when(1000, 1.0) == pytest.approx(60 * (1 + GUARD))
    window.take(1000, 62.0)
    assert window.used(62.0) == 100


def test_less_than_one_a_minute_is_one_in_several():
    window = Window(0.5, 60.0)
    window.take(1, 0.0)

    assert window.when(1, 1.0) == pytest.approx(120 * (1 + GUARD))


def test_what_was_not_used_is_free_again_and_what_was_used_more_counts():
    window = Window(100, 60.0)
    first, second = window.take(60, 0.0), window.take(40, 5.0)

    window.settle(first, 60, 10)
    assert window.used(5.0) == 50
    window.settle(second, 40, 70)
    assert window.used(5.0) == 80
    assert window.used_since(0.0) == 70
    assert window.taken == 80


def test_what_is_settled_after_its_window_changes_nothing():
    window = Window(100, 60.0)
    old = window.take(60, 0.0)
    window.take(5, 100.0)

    assert window.used(100.0) == 5
    window.settle(old, 60, 10)
    assert window.used(100.0) == 5


def test_the_log_stays_short():
    window = Window(1e9, 60.0)
    for number in range(100_000):
        window.take(1, number * 1e-4)

    assert window.used(10.0) == 100_000
    assert len(window._log) <= 2000


# Buckets.


@UNTIMED
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 5000)), max_size=40))
def test_over_any_longer_time_the_rate_holds(answers):
    bucket, rate = Bucket(1000), 1000
    now, booked = 0.0, 0.0
    for pause, amount in answers:
        now = bucket.when(now + pause)
        assert booked <= rate * (now + BURST_S) + 1e-6
        bucket.book(amount, now)
        booked += amount


def test_a_debt_stays_as_large_when_the_rate_changes():
    bucket = Bucket(100)
    bucket.book(1000, 0.0)

    bucket.resize(200, 0.0)

    assert bucket.debt_s(0.0) == 5
    assert bucket.when(0.0) == 5 - BURST_S
    assert Bucket(5).debt_s(3.0) == 0


# What headers told.


def test_no_more_than_what_remains_goes_before_the_reset():
    told = Told(remaining=3, mark=10, until=100.0)

    assert told.when(1, 12, 50.0) == 50.0
    assert told.when(1, 13, 50.0) == 100.0
    assert told.when(1, 99, 100.0) == 100.0


def test_the_answer_to_the_later_call_is_gone_by():
    early, late = Told(remaining=5, mark=10, until=100.0), Told(remaining=2, mark=12, until=90.0)

    assert early.newer(late, 50.0) is late
    assert late.newer(early, 50.0) is late
    assert early.newer(late, 95.0) is early
    assert early.newer(None, 50.0) is early
