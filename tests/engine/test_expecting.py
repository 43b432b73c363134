"""What is expected of requests, and when what waits is worth a new look."""

from __future__ import annotations

import pytest

from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.expecting import FIRST_LOOK, UNKNOWN, Expectations
from wiseflow.engine.prediction import Predictor


def make_request(name: str = "read", size: float | None = None) -> TaskRequest:
    return TaskRequest(name=name, func=print, size=size)


def note(expectations: Expectations, run_s: float, times: int, name: str = "read") -> list[bool]:
    request = make_request(name)
    return [
        expectations.note(request, run_s, failed=False, memory_bytes=None) for _ in range(times)
    ]


def test_of_a_name_nobody_knows_nothing_is_expected():
    assert Expectations(Predictor()).of(make_request()) == UNKNOWN


def test_after_some_ends_a_name_is_looked_at_anew_and_then_at_each_doubling():
    expectations = Expectations(Predictor())

    assert note(expectations, 2.0, FIRST_LOOK) == [*[False] * (FIRST_LOOK - 1), True]
    assert expectations.of(make_request()).seconds == pytest.approx(2.0, rel=0.2)
    assert not any(note(expectations, 2.0, 2 * FIRST_LOOK))  # looked at, and it takes as long


def test_what_takes_much_longer_than_expected_is_worth_a_look():
    expectations = Expectations(Predictor())
    note(expectations, 1.0, FIRST_LOOK)
    expectations.of(make_request())

    assert note(expectations, 50.0, 2 * FIRST_LOOK)[-1]


def test_differences_too_short_to_matter_are_worth_no_look():
    assert not any(note(Expectations(Predictor()), 0.0001, 4 * FIRST_LOOK))


def test_a_size_counts():
    predictor = Predictor()
    for size in range(1, 101):
        predictor.observe("read", duration_s=size / 10, size=size)
    expectations = Expectations(predictor)

    small, large = (expectations.of(make_request(size=size)).seconds for size in (5.0, 90.0))

    assert large > 3 * small > 0


def test_names_are_forgotten_when_there_are_too_many():
    expectations = Expectations(Predictor(), most_names=10)
    for number in range(1000):
        expectations.of(make_request(f"name {number}"))
        note(expectations, 1.0, 1, name=f"other {number}")

    assert len(expectations._names) == 10
