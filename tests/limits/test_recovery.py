"""What to do about errors."""

from __future__ import annotations

import random

import pytest

from wiseflow.core import errors
from wiseflow.core.errors import CircuitOpen, ErrorClass, ProviderDown, RateLimited
from wiseflow.limits.breaker import BreakerRules
from wiseflow.limits.causes import MANY, TOGETHER_S, Causes
from wiseflow.limits.outlook import HALF_LIFE_S, Outlook
from wiseflow.limits.recovery import STRATEGIES, Action, SmartErrorRecovery
from wiseflow.limits.retries import RetryBudget

A = Action


@pytest.fixture
def recovery() -> SmartErrorRecovery:
    return SmartErrorRecovery(chance=random.Random(1))


def down(**others) -> ProviderDown:
    return ProviderDown("503", provider="p", **others)


def test_every_class_has_a_strategy():
    assert set(STRATEGIES) == set(ErrorClass)


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        (errors.ProviderDown, A.RETRY, A.NEXT_PROVIDER),
        (errors.CallTimeout, A.RETRY, A.NEXT_PROVIDER),
        (errors.NetworkFailed, A.RETRY, A.NEXT_PROVIDER),
        (errors.ConnectionRefused, A.NEXT_PROVIDER, A.NEXT_PROVIDER),
        (errors.RateLimited, A.WAIT, A.NEXT_PROVIDER),
        (errors.QuotaSpent, A.NEXT_PROVIDER, A.NEXT_PROVIDER),
        (errors.AuthFailed, A.NEXT_PROVIDER, A.NEXT_PROVIDER),
        (errors.BadRequest, A.GIVE_UP, A.GIVE_UP),
        (errors.ModelMissing, A.NEXT_PROVIDER, A.NEXT_PROVIDER),
        (errors.ContextTooLong, A.SHORTEN, A.GIVE_UP),
        (errors.ContentRefused, A.NEXT_PROVIDER, A.NEXT_PROVIDER),
        (errors.MalformedOutput, A.REPAIR, A.NEXT_PROVIDER),
        (errors.AddressForbidden, A.GIVE_UP, A.GIVE_UP),
    ],
)
def test_each_error_has_its_strategy(recovery, kind, first, last):
    assert recovery.advise(kind("x", provider="p"), 1, 0.0).action is first
    assert recovery.advise(kind("x", provider="p"), 100, 0.0).action is last


def test_what_could_not_be_repaired_is_asked_anew(recovery):
    error = errors.MalformedOutput("x", provider="p")

    assert recovery.advise(error, 2, 0.0).action is A.RETRY


def test_a_rate_limit_is_waited_for_as_the_provider_says(recovery):
    advice = recovery.advise(RateLimited("429", provider="p", retry_after_s=20), 1, 0.0)

    assert (advice.action, advice.after_s) == (A.WAIT, 20)


def test_retries_stop_when_the_budget_is_used_up():
    recovery = SmartErrorRecovery(budget=RetryBudget(share=0.2, reserve=2))

    actions = [recovery.advise(down(), 1, number * 60.0).action for number in range(3)]

    assert actions == [A.RETRY, A.RETRY, A.NEXT_PROVIDER]
    shown = recovery.shown()
    assert (shown.retries, shown.retries_denied) == (2, 1)
    assert shown.errors == {("p", ErrorClass.TRANSIENT): 3}
    assert shown.actions == {A.RETRY: 2, A.NEXT_PROVIDER: 1}


def test_a_provider_that_fails_is_not_asked_until_probes_succeed():
    recovery = SmartErrorRecovery(rules=BreakerRules(min_calls=4, open_s=10, probes=1))
    for _ in range(4):
        recovery.before("p", "m", 0.0)
        recovery.advise(down(), 1, 0.0, model="m")

    with pytest.raises(CircuitOpen, match=r"p failed too often.*49%") as caught:
        recovery.before("p", "m", 4.0)
    assert caught.value.retry_after_s == 6
    assert recovery.advise(caught.value, 1, 4.0).action is A.NEXT_PROVIDER
    assert recovery.shown().breakers == {"p": "open"}

    recovery.before("p", "m", 10.0)
    with pytest.raises(CircuitOpen):
        recovery.before("p", "m", 10.0)
    recovery.given_up("p", 10.0)
    recovery.before("p", "m", 10.0)
    recovery.succeeded("p", "m", 11.0)
    assert recovery.shown().breakers == {"p": "closed"}


def test_errors_about_the_request_never_open_the_breaker(recovery):
    for _ in range(50):
        recovery.before("p", "m", 0.0)
        recovery.advise(errors.BadRequest("x", provider="p"), 1, 0.0, model="m")

    recovery.before("p", "m", 0.0)
    assert recovery.failure_probability("p", "m", 0.0) < 0.02


def test_those_likely_to_fail_are_asked_last_and_first_again_when_that_is_long_ago(recovery):
    chain = [("p", "m"), ("q", "m"), ("r", "m")]
    for _ in range(20):
        recovery.advise(down(), 1, 0.0, model="m")
    for _ in range(8):
        recovery.advise(errors.AuthFailed("x", provider="q"), 1, 0.0, model="m")

    assert recovery.in_order(chain, 1.0) == [("r", "m"), ("q", "m"), ("p", "m")]
    assert recovery.in_order(chain, 3600.0) == chain


def test_many_that_are_struck_at_once_wait_together_and_are_logged_once(recovery, caplog):
    caplog.set_level("INFO", logger="wiseflow")
    recovery = SmartErrorRecovery(
        budget=RetryBudget(reserve=100), rules=BreakerRules(min_calls=1000), chance=random.Random(1)
    )

    ends = [n / 10 + recovery.advise(down(), 2, n / 10).after_s for n in range(20)]

    assert len(caplog.records) == 1
    assert len({round(end, 6) for end in ends[MANY:]}) <= 2  # and once more when that is over
    (cause,) = recovery.shown().causes
    assert (cause.count, cause.begun, cause.last) == (20, 0.0, 1.9)
    recovery.succeeded("p", "m", 2.0)
    assert recovery.shown().causes == ()


def test_errors_far_apart_of_other_providers_or_of_the_request_are_causes_of_their_own():
    causes = Causes()

    causes.strike("p", ErrorClass.TRANSIENT, 0.0)
    assert causes.strike("q", ErrorClass.TRANSIENT, 1.0).count == 1
    assert causes.strike("p", ErrorClass.NETWORK, 1.0).count == 1
    assert causes.strike("p", ErrorClass.TRANSIENT, TOGETHER_S).count == 2
    assert causes.strike("p", ErrorClass.TRANSIENT, 3 * TOGETHER_S).count == 1
    causes.strike("p", ErrorClass.BAD_REQUEST, 0.0)
    assert causes.strike("p", ErrorClass.BAD_REQUEST, 0.0).count == 1


def test_an_outlook_is_between_nought_and_one_and_forgets():
    outlook = Outlook()
    assert outlook.failure_probability(0.0) == pytest.approx(0.1)

    for _ in range(100):
        outlook = outlook.told(0.0, failed=True)
    bad = outlook.failure_probability(0.0)

    assert 0.9 < bad < 1
    assert outlook.failure_probability(HALF_LIFE_S) < bad
    assert outlook.failure_probability(20 * HALF_LIFE_S) == pytest.approx(0.1, abs=0.01)
    assert outlook.told(1.0, failed=False).failure_probability(1.0) < bad
