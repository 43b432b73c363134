"""Who may be sent when, over all keys: what happened in, who goes out."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import RateLimited
from wiseflow.core.limits import LimitKey, Need, RateLimit
from wiseflow.limits.limiter import LimitState
from wiseflow.limits.turns import Asked

P = TaskPriority
KEY = LimitKey(provider="p", account="a", model="m")
SMALL = LimitKey(provider="p", account="a", model="small")


def asked(number, key=KEY, *, tokens=0, priority=P.NORMAL, run="r", deadline=math.inf) -> Asked:
    return Asked(
        number=number,
        key=key,
        need=Need(tokens=tokens),
        priority=priority,
        run=run,
        deadline=deadline,
    )


@pytest.fixture
def state() -> LimitState:
    return LimitState()


def test_a_call_goes_at_once_when_there_is_room(state):
    assert state.ask(asked(1), 0.0).admitted == (1,)
    assert (state.waiting, state.under_way) == (0, 1)


def test_limits_of_the_key_and_of_the_model_hold_together(state):
    state.set_rate("p", RateLimit(requests_per_minute=3), "", 0.0)
    state.set_rate("p", RateLimit(requests_per_minute=1), "small", 0.0)

    assert state.ask(asked(1, SMALL), 0.0).admitted == (1,)
    assert state.ask(asked(2, SMALL), 0.0).admitted == ()
    assert state.ask(asked(3), 0.0).admitted == (3,)  # another model does not wait for that one
    assert state.ask(asked(4), 0.0).admitted == (4,)
    assert state.ask(asked(5), 0.0).admitted == ()
    assert state.tick(60.0).admitted == ()
    assert state.tick(state.wake_at(60.0)).admitted == (2, 5)


def test_the_end_of_one_sends_the_next(state):
    state.set_rate("p", RateLimit(concurrency=1), "m", 0.0)
    state.ask(asked(1), 0.0)
    state.ask(asked(2, priority=P.LOW), 0.0)
    state.ask(asked(3, priority=P.HIGH), 0.0)

    assert state.wake_at(0.0) == math.inf
    assert state.ended(1, 1.0).admitted == (3,)
    assert state.ended(1, 1.0).admitted == ()
    assert state.ended(3, 2.0).admitted == (2,)


def test_a_large_call_at_the_head_is_not_passed_by_small_ones(state):
    state.set_rate("p", RateLimit(tokens_per_minute=100), "m", 0.0)
    state.ask(asked(1, tokens=50), 0.0)
    state.ask(asked(2, tokens=90), 0.0)

    assert state.ask(asked(3, tokens=1), 0.0).admitted == ()
    assert state.settled(1, Need(tokens=5), (), 1.0).admitted == (2, 3)


def test_a_refusal_pauses_all_of_the_key_and_no_other(state):
    state.ask(asked(1), 0.0)

    paused_s, found = state.refused(1, 30.0, (), 1.0, 0.0)

    assert paused_s == pytest.approx(30.3)
    assert found == 1
    assert state.ask(asked(2), 2.0).admitted == ()
    assert state.ask(asked(3, SMALL), 2.0).admitted == (3,)
    assert state.refused(99, 30.0, (), 1.0, 0.0) == (0.0, None)


def test_a_deadline_that_would_pass_is_told_at_once(state):
    state.set_rate("p", RateLimit(requests_per_minute=1), "m", 0.0)
    state.ask(asked(1), 0.0)

    (expired,) = state.ask(asked(2, deadline=10.0), 5.0).expired

    assert (expired.number, expired.held_by) == (2, "requests_per_minute")
    assert expired.wait_s == pytest.approx(55.9)
    assert state.waiting == 0


def test_a_deadline_that_passes_while_waiting_is_told_then(state):
    state.set_rate("p", RateLimit(concurrency=1), "m", 0.0)
    state.ask(asked(1), 0.0)
    state.ask(asked(2, deadline=10.0), 0.0)
    state.ask(asked(3, deadline=9.0), 0.0)
    state.give_up(3, 1.0)

    assert state.wake_at(1.0) == 10.0
    (expired,) = state.tick(10.0).expired

    assert (expired.number, expired.held_by, expired.wait_s) == (2, "concurrency", math.inf)
    assert state.give_up(2, 10.0).admitted == ()


def test_too_many_that_wait_are_refused():
    state = LimitState(max_waiting=1)
    state.set_rate("p", RateLimit(concurrency=1), "m", 0.0)
    state.ask(asked(1), 0.0)
    state.ask(asked(2), 0.0)

    with pytest.raises(RateLimited, match="1 calls wait"):
        state.ask(asked(3), 0.0)


def test_what_happens_to_unknown_calls_changes_nothing(state):
    assert state.settled(7, Need(), (), 0.0).admitted == ()
    assert state.give_up(7, 0.0).admitted == ()


def test_ten_thousand_that_wait_are_sent_in_little_time(state):
    state.set_rate("p", RateLimit(requests_per_minute=10_000), "m", 0.0)
    for number in range(20_000):
        state.ask(asked(number, run=f"r{number % 100}"), 0.0)
    assert state.waiting == 10_000

    assert len(state.tick(state.wake_at(0.0)).admitted) == 10_000


class LimitsMachine(RuleBasedStateMachine):
    """Calls come, go, fail and give up in any order; the limits hold and nothing is lost."""

    LIMIT, TOKENS, AT_ONCE = 6, 100, 3

    def __init__(self):
        super().__init__()
        self.state = LimitState()
        rate = RateLimit(
            requests_per_minute=self.LIMIT, tokens_per_minute=self.TOKENS, concurrency=self.AT_ONCE
        )
        self.state.set_rate("p", rate, "m", 0.0)
        self.now = 0.0
        self.number = 0
        self.waiting: dict[int, int] = {}
        self.under_way: dict[int, int] = {}
        self.sent: list[tuple[float, int, int]] = []

    def heard(self, decisions):
        for number in decisions.admitted:
            tokens = self.waiting.pop(number)
            self.under_way[number] = tokens
            self.sent.append((self.now, number, tokens))
        for expired in decisions.expired:
            del self.waiting[expired.number]

    def one_of(self, numbers: dict[int, int], index: int) -> int | None:
        return sorted(numbers)[index % len(numbers)] if numbers else None

    @rule(
        tokens=st.integers(0, 100),
        priority=st.sampled_from(P),
        run=st.sampled_from("ab"),
        within=st.one_of(st.just(math.inf), st.floats(0.001, 200)),
    )
    def ask(self, tokens, priority, run, within):
        self.number += 1
        self.waiting[self.number] = tokens
        one = asked(
            self.number, tokens=tokens, priority=priority, run=run, deadline=self.now + within
        )
        self.heard(self.state.ask(one, self.now))

    @rule(seconds=st.floats(0, 50))
    def time_goes_on(self, seconds):
        self.now += seconds
        self.heard(self.state.tick(self.now))

    @rule(index=st.integers(0, 50), share=st.floats(0, 1))
    def settle(self, index, share):
        number = self.one_of(self.under_way, index)
        if number is not None:
            used = int(share * self.under_way[number])
            self.heard(self.state.settled(number, Need(tokens=used), (), self.now))

    @rule(index=st.integers(0, 50))
    def end(self, index):
        number = self.one_of(self.under_way, index)
        if number is not None:
            del self.under_way[number]
            self.heard(self.state.ended(number, self.now))

    @rule(index=st.integers(0, 50))
    def give_up(self, index):
        number = self.one_of(self.waiting, index)
        if number is not None:
            del self.waiting[number]
            self.heard(self.state.give_up(number, self.now))

    @rule(index=st.integers(0, 50), seconds=st.one_of(st.none(), st.floats(0, 90)))
    def refuse(self, index, seconds):
        number = self.one_of(self.under_way, index)
        if number is not None:
            paused_s, _ = self.state.refused(number, seconds, (), self.now, 0.5)
            assert paused_s >= (seconds or 0) - 1e-9
            # The provider took nothing of it.
            self.sent = [one for one in self.sent if one[1] != number]

    @invariant()
    def limits_hold(self):
        assert len(self.under_way) <= self.AT_ONCE

    @invariant()
    def no_window_has_more_than_the_limit(self):
        for begins, _, _ in self.sent[-20:]:
            window = [at for at, _, _ in self.sent if begins <= at < begins + 60.0]
            assert len(window) <= self.LIMIT

    @invariant()
    def nothing_is_lost(self):
        assert self.state.waiting == len(self.waiting)
        assert self.state.under_way == len(self.under_way)

    @invariant()
    def somebody_goes_when_time_goes_on(self):
        if self.waiting and not self.under_way:
            assert self.now < self.state.wake_at(self.now) < math.inf

    def teardown(self):
        for number in list(self.under_way):
            self.under_way.pop(number)
            self.heard(self.state.ended(number, self.now))
        for _ in range(1000):
            if not self.waiting:
                break
            self.now = self.state.wake_at(self.now)
            self.heard(self.state.tick(self.now))
            for number in list(self.under_way):
                self.under_way.pop(number)
                self.heard(self.state.ended(number, self.now))
        assert not self.waiting


LimitsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLimitsInAnyOrder = LimitsMachine.TestCase
