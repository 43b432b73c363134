import inspect
import pickle

import pytest

from wiseflow.core import errors
from wiseflow.core.calls import Usage
from wiseflow.core.limits import Allowance, Dimension, LimitKey

LEAVES = {
    errors.LeaseLost: ("j1",),
    errors.IllegalTransition: ("j1", "completed", "be cancelled"),
    errors.MissingExtra: ("pdf", "reading a.pdf"),
}
ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.WiseflowError)
]


def build(kind):
    if kind is errors.BudgetSpent:
        return kind("it is spent", resource="money", cure="Give it more")
    if kind is errors.TooOften:
        return kind("too often", retry_after_s=2.5, cure="Wait")
    return kind(*LEAVES[kind]) if kind in LEAVES else kind("it broke", cure="Mend it")


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_the_way_between_processes(kind):
    error = build(kind)

    again = pickle.loads(pickle.dumps(error))

    assert type(again) is kind
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_an_error_reads_as_what_happened_and_then_the_cure():
    assert str(errors.NotFound("no research x")) == "no research x"
    assert str(errors.NotFound("no research x", cure="List them")) == "no research x. List them"


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_an_exit_code_and_a_status_that_edges_can_use(kind):
    assert kind.exit_code in {1, 2, 3, 4}
    assert 400 <= kind.http_status < 600


def test_a_missing_extra_names_the_line_to_type():
    assert "pip install 'wiseflow[pdf]'" in str(errors.MissingExtra("pdf", "reading a.pdf"))


def test_an_error_of_a_call_says_what_class_it_is_of_and_keeps_what_the_provider_told():
    allowance = Allowance(dimension=Dimension.REQUESTS, limit=60, remaining=0, reset_s=2.5)
    error = errors.RateLimited(
        "exa takes no more", provider="exa", retry_after_s=2.5, allowances=(allowance,)
    )

    assert error.retryable
    assert error.error_class is errors.ErrorClass.RATE_LIMIT
    assert (error.provider, error.retry_after_s) == ("exa", 2.5)
    assert error.allowances == (allowance,)


def test_a_key_of_limits_reads_as_its_parts():
    assert str(LimitKey(provider="openai", account="a1", model="gpt-4")) == "openai/a1/gpt-4"


def test_tokens_are_those_in_and_out():
    assert Usage(input_tokens=3, output_tokens=4).tokens == 7
