"""When a call is sent again, and whether there may be one more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import (
    AuthFailed,
    ConnectionRefused,
    InvalidInput,
    MalformedOutput,
    NetworkFailed,
    ProviderDown,
    RateLimited,
)
from wiseflow.limits.retries import RetryBudget, RetryPolicy

POLICY = RetryPolicy()


def test_waits_grow_up_to_a_cap_with_full_jitter():
    policy = RetryPolicy.of(attempts=6, delay_s=5)

    waits = [policy.retry_in(ProviderDown("x"), attempt, 1.0) for attempt in range(1, 8)]

    assert waits == [5, 10, 20, 40, 60, 60, None]
    assert policy.retry_in(ProviderDown("x"), 3, 0.0) == 0
    assert policy.retry_in(ProviderDown("x"), 3, 0.5) == 10


def test_what_the_provider_asks_for_is_waited_and_a_little_jitter():
    assert POLICY.retry_in(ProviderDown("x", retry_after_s=30), 1, 0.0) == 30
    assert POLICY.retry_in(ProviderDown("x", retry_after_s=30), 1, 1.0) == 31
    assert POLICY.retry_in(ProviderDown("x", retry_after_s=61), 1, 0.0) is None
    assert POLICY.retry_in(RateLimited("x", retry_after_s=61), 1, 0.0) == 61


@pytest.mark.parametrize("error", [AuthFailed("x"), ConnectionRefused("x")])
def test_what_will_not_pass_is_not_tried_again(error):
    assert POLICY.retry_in(error, 1, 0.5) is None


def test_classes_have_numbers_of_their_own():
    assert POLICY.retry_in(NetworkFailed("x"), 1, 1.0) == 2
    assert POLICY.retry_in(MalformedOutput("x"), 2, 1.0) == 0
    assert POLICY.retry_in(MalformedOutput("x"), 3, 1.0) is None


@pytest.mark.parametrize(("attempts", "delay_s"), [(-1, 5), (3, -1), (3, float("nan"))])
def test_numbers_that_cannot_be_are_refused(attempts, delay_s):
    with pytest.raises(InvalidInput):
        RetryPolicy.of(attempts=attempts, delay_s=delay_s)


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=400), st.floats(0, 1), st.integers(0, 20))
def test_retries_are_a_share_of_the_calls_and_the_reserve_at_most(failures, share, reserve):
    """``failures``: whether each call fails and would be retried, and that again, without end."""
    budget = RetryBudget(share=share, reserve=reserve)
    calls = retries = 0
    history: list[tuple[int, int]] = [(0, 0)]
    for failed in failures:
        calls += 1
        budget = budget.called()
        while failed and (allowed := budget.retried()) is not None and retries < 1000:
            retries += 1
            calls += 1
            budget = allowed.called()
            if share == 1:
                break
        assert retries <= reserve + share * calls + 1e-6
        for begun_calls, begun_retries in history[-40:]:
            stretch = calls - begun_calls
            assert retries - begun_retries <= reserve + 1 + share * stretch + 1e-6
        history.append((calls, retries))


def test_the_share_is_enough_for_as_many_failures():
    budget = RetryBudget(share=0.2, reserve=0)
    allowed = 0
    for number in range(1000):
        budget = budget.called()
        if number % 5 == 4:
            after = budget.retried()
            allowed += after is not None
            budget = after or budget

    assert allowed == 200


@pytest.mark.parametrize("wrong", [{"share": -0.1}, {"share": 2}, {"reserve": -1}])
def test_budgets_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput, match="retry budget"):
        RetryBudget(**wrong)
