"""One key's limits: set, told, found."""

from __future__ import annotations

import math

import pytest

from wiseflow.core.limits import Allowance, Dimension, Need, RateLimit
from wiseflow.limits.adaptive import DECREASE, AdaptiveRateLimiter
from wiseflow.limits.finding import FIRST_TRIAL_WINDOWS, Finder, is_scout

R, T = (Dimension.REQUESTS, 60.0), (Dimension.TOKENS, 60.0)
ONE = Need()


@pytest.fixture
def limiter() -> AdaptiveRateLimiter:
    return AdaptiveRateLimiter(0.0)


def told(dimension=Dimension.REQUESTS, **others) -> Allowance:
    return Allowance(dimension=dimension, **others)


def test_all_limits_hold_at_once(limiter):
    limiter.set_rate(
        RateLimit(requests_per_minute=9, tokens_per_minute=100, concurrency=2, bytes_per_s=10), 0.0
    )

    limiter.take(Need(tokens=80), 0.0)
    assert limiter.turn(Need(tokens=30), 1.0).held_by == "tokens_per_minute"
    first = limiter.take(Need(tokens=10), 1.0)
    assert limiter.turn(Need(tokens=1), 1.0).held_by == "concurrency"
    limiter.in_flight -= 1
    limiter.settle(first, Need(tokens=5, bytes=100), (), 2.0)
    waits = limiter.turn(Need(tokens=1), 2.0)
    assert (waits.held_by, waits.at) == ("bytes_per_s", 11.0)
    limiter.set_rate(RateLimit(requests_per_minute=2), 2.0)
    assert limiter.turn(Need(tokens=1), 2.0).held_by == "requests_per_minute"


def test_a_limit_that_headers_tell_is_kept_on_success_too(limiter):
    taken = limiter.take(ONE, 0.0)

    limiter.settle(taken, ONE, (told(limit=2, remaining=1, reset_s=30),), 1.0)

    assert limiter.limit_of(R) == (2, "told")
    limiter.take(ONE, 1.0)
    assert limiter.turn(ONE, 2.0).at == pytest.approx(60.9)


def test_the_smaller_of_what_is_set_and_told_holds(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=30, tokens_per_minute=1000), 0.0)

    limiter.hear((told(limit=60), told(Dimension.TOKENS, limit=500)), {}, 0.0)

    assert limiter.limit_of(R) == (30, "set")
    assert limiter.limit_of(T) == (500, "told")


def test_what_remains_is_not_passed_although_others_used_it(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=60), 0.0)
    taken = limiter.take(ONE, 0.0)

    limiter.settle(taken, ONE, (told(limit=60, remaining=1, reset_s=20),), 1.0)

    assert limiter.turn(ONE, 1.0).at == 1.0
    limiter.take(ONE, 1.0)
    assert limiter.turn(ONE, 1.0).at == pytest.approx(21.3)
    assert limiter.turn(ONE, 21.4).at == 21.4


def test_headers_of_another_window_are_a_limit_of_their_own(limiter):
    limiter.hear((told(limit=100, remaining=0, window_s=86_400.0, reset_s=3600),), {}, 0.0)

    assert limiter.turn(ONE, 0.0).at >= 3600


def test_headers_of_other_dimensions_and_without_numbers_change_nothing(limiter):
    limiter.hear((told(Dimension.BYTES, limit=1), told(Dimension.TOKENS)), {}, 0.0)

    assert list(limiter.windows) == [R]


def test_a_refusal_pauses_for_what_the_provider_says(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=60), 0.0)
    taken = limiter.take(ONE, 0.0)

    paused_s = limiter.refused(taken, 20.0, (), 1.0, 0.5)

    assert paused_s == pytest.approx(20.2)
    assert limiter.turn(ONE, 2.0).held_by == "a pause the provider asked for"
    assert limiter.turn(ONE, 21.3).at == 21.3


def test_refusals_that_name_no_time_pause_longer_each_time_and_with_jitter(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=6000), 0.0)
    now, pauses = 0.0, []
    for chance in (0.0, 1.0, 1.0, 1.0):
        pauses.append(limiter.refused(limiter.take(ONE, now), None, (), now + 0.1, chance))
        now += 100

    assert pauses == [0.5, 2.0, 4.0, 8.0]
    limiter.settle(limiter.take(ONE, now), ONE, (), now)
    assert limiter.refused(limiter.take(ONE, now + 1), None, (), now + 1, 1.0) == 1.0


def test_a_known_limit_that_is_refused_is_lowered_and_recovers(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=100), 0.0)
    burst = [limiter.take(ONE, 0.0) for _ in range(3)]

    for taken in burst:  # one cause
        limiter.refused(taken, 1.0, (), 0.5, 0.0)

    assert limiter.windows[R].limit == 100 * DECREASE
    for minute in range(1, 7):
        limiter.turn(ONE, minute * 61.0)
    assert limiter.windows[R].limit == 100


def test_a_refused_call_used_nothing(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=10, tokens_per_minute=10, bytes_per_s=1), 0.0)
    taken = limiter.take(Need(tokens=10, bytes=50), 0.0)

    limiter.refused(taken, 1.0, (), 0.5, 0.0)
    limiter.refused(taken, 1.0, (), 0.5, 0.0)  # told twice

    assert limiter.windows[T].used(1.0) == limiter.windows[R].used(1.0) == 0
    assert limiter.bytes_owed_s(1.0) == 0


# Finding.


def test_what_was_accepted_in_the_window_is_the_limit(limiter):
    for number in range(20):
        limiter.settle(limiter.take(ONE, number * 0.5), ONE, (), number * 0.5 + 0.4)

    limiter.refused(limiter.take(ONE, 10.0), 50.0, (), 10.0, 0.0)

    assert limiter.found == 20
    assert limiter.limit_of(R) == (20, "found")


def test_calls_before_the_window_that_the_refusal_names_do_not_count(limiter):
    for at in (0.0, 1.0, 30.0, 31.0, 32.0):
        limiter.take(ONE, at)

    limiter.refused(limiter.take(ONE, 33.0), 50.0, (), 33.0, 0.0)  # it began at 23

    assert limiter.found == 3


def test_more_refusals_of_one_burst_correct_what_was_counted(limiter):
    for _ in range(10):
        limiter.take(ONE, 0.0)
    burst = [limiter.take(ONE, 0.0) for _ in range(3)]

    for taken in burst:
        limiter.refused(taken, 60.0, (), 0.1, 0.0)

    assert limiter.found == 10


def test_a_found_limit_is_tried_a_little_above_after_a_while_and_given_up_when_refused():
    finder = Finder(0.0)
    finder.refused(0.0, 50, 1.0)
    later = 1.0 + FIRST_TRIAL_WINDOWS * 60

    finder.tick(later - 1)
    assert finder.limit == 50
    finder.tick(later)
    finder.tick(later + 60)
    assert finder.limit == 53  # 1, then 2 more
    finder.refused(later + 70, 52, later + 70)

    assert finder.limit == 51  # what held
    finder.tick(later + 70 + FIRST_TRIAL_WINDOWS * 60)
    assert finder.limit == 51  # twice as long this time


def test_a_found_limit_that_is_refused_is_lowered():
    finder = Finder(0.0)
    finder.refused(0.0, 70, 1.0)

    finder.refused(60.0, 60, 61.0)
    assert finder.limit == 60
    finder.refused(62.0, 3, 63.0)
    assert finder.limit == 30
    finder.refused(64.0, 40, 65.0)
    assert finder.limit == 29


def test_a_known_limit_is_not_looked_for(limiter):
    limiter.set_rate(RateLimit(requests_per_minute=60), 0.0)
    model = AdaptiveRateLimiter(0.0, account=limiter)

    model.refused(model.take(ONE, 0.0), 1.0, (), 0.1, 0.0)

    assert model.found is None
    assert model.limit_of(R) == (math.inf, "")


def test_scouts_are_just_above_round_numbers():
    scouts = [count for count in range(1, 130) if is_scout(count)]

    assert scouts == [11, 21, 31, 51, 54, 61, 64, 101]


def test_without_a_limit_all_holding_together_is_a_small_share():
    finder, now, held = Finder(0.0), 0.0, 0.0
    finder.answered(1.3)
    for count in range(1, 5000):
        finder.took(count, now)
        if finder.hold_until > now:
            held += finder.hold_until - now
            now = finder.hold_until
        now += 0.001

    assert held <= 0.08 + 0.01 * now
