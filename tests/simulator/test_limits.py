"""Limits: exact by whatever window, on a clock that the test turns."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.limits import Charge, Dimension, Limit, Limits, Window

UNTIMED = settings(deadline=None)
AMOUNT, WINDOW_S = 10, 6.0
arrivals = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 6)), max_size=60)


def limits_of(window: Window, **others) -> Limits:
    given: dict[str, Any] = {
        "dimension": Dimension.TOKENS,
        "amount": AMOUNT,
        "window_s": WINDOW_S,
        **others,
    }
    return Limits([Limit(window=window, **given)])


def admit(limits: Limits, tokens: int, now: float, key: str = "k", model: str = "m"):
    return limits.admit("openai", key, model, Charge(tokens=tokens), now)


def run(window: Window, arrivals):
    """The admitted ones: when, and how much."""
    limits, now, admitted = limits_of(window), 0.0, []
    for pause, tokens in arrivals:
        now += pause
        decision = admit(limits, tokens, now)
        if decision.refused_by is None:
            admitted.append((now, tokens))
        else:
            # What it says to wait is what it takes, when nothing else comes.
            assert decision.wait_s > 0
    return admitted


@UNTIMED
@given(arrivals)
def test_in_no_sliding_window_more_than_the_limit_is_admitted(arrivals):
    admitted = run(Window.SLIDING, arrivals)
    for at, _ in admitted:
        assert sum(n for when, n in admitted if at - WINDOW_S < when <= at) <= AMOUNT


@UNTIMED
@given(arrivals)
def test_in_no_fixed_window_more_than_the_limit_is_admitted(arrivals):
    used: dict[int, int] = {}
    for at, tokens in run(Window.FIXED, arrivals):
        used[math.floor(at / WINDOW_S)] = used.get(math.floor(at / WINDOW_S), 0) + tokens

    assert all(one <= AMOUNT for one in used.values())


@UNTIMED
@given(arrivals)
def test_a_bucket_never_gives_more_than_it_held_and_what_flowed_in(arrivals):
    admitted = run(Window.BUCKET, arrivals)
    for first, (start, _) in enumerate(admitted):
        given = 0
        for at, tokens in admitted[first:]:
            given += tokens
            assert given <= AMOUNT + (at - start) * AMOUNT / WINDOW_S + 1e-6


@UNTIMED
@given(st.sampled_from(Window), arrivals, st.integers(1, AMOUNT))
def test_a_refused_request_fits_after_the_wait_it_was_told_and_not_before(window, arrivals, tokens):
    limits, now = limits_of(window), 0.0
    for pause, before in arrivals:
        now += pause
        admit(limits, before, now)
    decision = admit(limits, tokens, now)
    if decision.refused_by is None:
        return

    if decision.wait_s > 1e-6:  # a shorter wait is lost in the rounding of the time
        assert admit(limits, tokens, now + decision.wait_s * 0.99).refused_by is not None
    assert admit(limits, tokens, now + decision.wait_s + 1e-6).refused_by is None


@pytest.mark.parametrize("window", Window)
def test_what_is_larger_than_the_limit_never_fits(window):
    assert admit(limits_of(window), AMOUNT + 1, 0.0).wait_s == math.inf


@pytest.mark.parametrize("window", Window)
def test_the_state_tells_what_is_left_and_when_all_of_it_is_back(window):
    limits = limits_of(window)
    state = admit(limits, 5, 1.0).states[0]

    assert state.remaining == AMOUNT - 5
    assert state.reset_s == {Window.FIXED: 5.0, Window.SLIDING: 6.0, Window.BUCKET: 3.0}[window]
    assert admit(limits, AMOUNT, 1.0 + state.reset_s).refused_by is None


def test_keys_are_counted_apart_and_models_where_it_is_said():
    limits = limits_of(Window.SLIDING)
    apart = limits_of(Window.SLIDING, each_model=True)
    for one in (limits, apart):
        admit(one, AMOUNT, 0.0, model="a")

    assert admit(limits, 1, 0.0, key="other").refused_by is None
    assert admit(limits, 1, 0.0, model="b").refused_by is not None
    assert admit(apart, 1, 0.0, model="b").refused_by is None


def test_a_limit_of_one_provider_does_not_hold_for_another():
    limits = limits_of(Window.SLIDING, provider="exa")

    assert admit(limits, AMOUNT + 1, 0.0).refused_by is None
    assert not limits.counts("openai", Dimension.TOKENS)
    assert limits.counts("exa", Dimension.TOKENS)


def test_nothing_is_counted_of_a_request_that_one_of_several_limits_refuses():
    limits = Limits(
        [
            Limit(dimension=Dimension.TOKENS, amount=AMOUNT),
            Limit(dimension=Dimension.REQUESTS, amount=1),
            Limit(dimension=Dimension.BYTES, amount=1000),
        ]
    )
    admit(limits, 4, 0.0)
    refused = admit(limits, 4, 1.0)

    assert refused.refused_by is not None
    assert refused.refused_by.dimension is Dimension.REQUESTS
    assert [one.remaining for one in refused.states] == [AMOUNT - 4, 0, 1000]


def test_places_are_free_again_when_they_are_given_back():
    limits = Limits([Limit(dimension=Dimension.CONCURRENCY, amount=2)])
    first, second = admit(limits, 0, 0.0), admit(limits, 0, 0.0)
    third = admit(limits, 0, 0.0)
    third.release()
    assert third.refused_by is not None
    assert third.states[0].reset_s == 0

    first.release()

    assert second.refused_by is None
    assert admit(limits, 0, 0.0).refused_by is None
    assert admit(limits, 0, 0.0).refused_by is not None


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": math.inf}, {"window_s": -1}])
def test_a_limit_that_lets_nothing_or_everything_through_is_refused(wrong):
    given: dict[str, Any] = {"dimension": Dimension.REQUESTS, "amount": 1, **wrong}
    with pytest.raises(InvalidInput, match="above 0"):
        Limit(**given)
