"""Circuit breaker: when a provider is asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.limits.breaker import Breaker, BreakerRules, Closed, HalfOpen, Open

RULES = BreakerRules(
    failure_share=0.5, min_calls=4, window_s=30, open_s=10, max_open_s=40, probes=2
)


def closed() -> Breaker:
    return Closed(rules=RULES, begun=0.0)


def opened() -> Breaker:
    state = closed()
    for _ in range(4):
        state = state.failed(0.0)
    return state


def half_open() -> Breaker:
    allowed, state = opened().ask(10.0)
    assert allowed
    return state


def test_it_opens_by_the_share_of_failures_and_not_by_a_few_in_a_row():
    state = closed()
    for failed in (False, False, False, False, True, True, True):
        state = state.failed(1.0) if failed else state.succeeded(1.0)
        assert isinstance(state, Closed)

    state = state.failed(1.0)  # four of eight

    assert state == Open(rules=RULES, until=11.0, open_s=10)
    assert state.ask(10.9) == (False, state)


def test_too_few_calls_never_open_it():
    state = closed()
    for _ in range(3):
        state = state.failed(0.0)

    assert state.ask(0.0)[0]


def test_failures_of_long_ago_are_forgotten():
    state = closed()
    for at in (0.0, 0.0, 0.0, 100.0, 100.0, 100.0):
        state = state.failed(at)

    assert isinstance(state, Closed)
    assert isinstance(state.failed(135.0), Open)  # those of the window before count


def test_half_open_it_sends_only_so_many_probes_and_closes_when_they_succeed():
    state = half_open()
    allowed, state = state.ask(10.0)
    assert allowed
    allowed, state = state.ask(10.0)
    assert not allowed

    state = state.succeeded(11.0)
    assert not state.ask(11.0)[0]  # one is good, one still under way
    assert state.succeeded(11.0) == Closed(rules=RULES, begun=11.0)


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound():
    state, now, lengths = opened(), 0.0, []
    for _ in range(4):
        assert isinstance(state, Open)
        lengths.append(state.open_s)
        now = state.until
        state = state.ask(now)[1].failed(now)

    assert lengths == [10, 20, 40, 40]


def test_a_probe_that_was_given_up_frees_its_place():
    state = half_open().ask(10.0)[1]

    assert state.given_up(10.5).ask(10.5)[0]


def test_probes_that_are_never_heard_of_do_not_block_it_for_ever():
    state = half_open().ask(10.0)[1]

    assert not state.ask(19.9)[0]
    assert state.ask(20.0) == (True, HalfOpen(rules=RULES, until=30.0, open_s=10, under_way=1))


def test_what_was_sent_before_it_opened_changes_nothing():
    state = opened()

    assert state.failed(1.0) is state
    assert state.succeeded(1.0) is state
    assert state.given_up(1.0) is state
    assert closed().given_up(1.0) == closed()


@pytest.mark.parametrize(
    "wrong", [{"failure_share": 0}, {"failure_share": 1.1}, {"min_calls": 0}, {"open_s": -1}]
)
def test_rules_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        BreakerRules(**wrong)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "good", "bad", "lost"]), st.floats(0, 20)), max_size=150
    )
)
def test_in_any_order_probes_keep_their_quota_and_it_never_stays_shut(events):
    state, now = closed(), 0.0
    for event, pause in events:
        now += pause
        if event == "ask":
            state = state.ask(now)[1]
        elif event == "good":
            state = state.succeeded(now)
        elif event == "bad":
            state = state.failed(now)
        else:
            state = state.given_up(now)
        if isinstance(state, HalfOpen):
            assert state.under_way >= 0
            assert state.under_way + state.good <= RULES.probes
        if isinstance(state, Open):
            assert state.open_s <= RULES.max_open_s
            assert state.until <= now + RULES.max_open_s

    assert state.ask(now + RULES.max_open_s)[0]
