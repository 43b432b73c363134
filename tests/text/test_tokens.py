from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.core.errors import ConfigurationError
from wiseflow.text.tokens import (
    PER_MESSAGE,
    PER_REQUEST,
    TokenEstimator,
    estimate_request,
    estimate_tokens,
    exact_counter,
)

ENGLISH = (
    "The committee found that the reservoir had been built without a survey of the fault, "
    "and that the engineers who asked for one were told there was no time."
)
GERMAN = (
    "Der Ausschuss stellte fest, dass der Stausee ohne eine Untersuchung der Verwerfung gebaut "
    "worden war und dass den Ingenieuren dafür keine Zeit gelassen wurde."
)
CHINESE = "委员会发现，水库是在没有对断层进行勘察的情况下修建的。"


def request(*texts: str, **others) -> ChatRequest:
    messages = tuple(Message(speaker=Speaker.USER, text=text) for text in texts)
    return ChatRequest(messages=messages, max_tokens=10, **others)


@given(st.text())
def test_an_estimate_is_never_more_than_the_bytes_and_only_nothing_costs_nothing(text):
    estimate = estimate_tokens(text)

    assert estimate <= len(text.encode())
    assert (estimate == 0) == (text == "")


@given(st.text(), st.text())
def test_a_longer_text_is_not_estimated_lower(text, more):
    assert estimate_tokens(text + more) >= estimate_tokens(text)


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [(ENGLISH, 0.25, 0.36), (GERMAN, 0.30, 0.40), (CHINESE, 1.0, 1.3), ("Ω" * 50, 0.8, 1.0)],
)
def test_an_estimate_fits_the_script(text, lowest, highest):
    assert lowest <= estimate_tokens(text) / len(text) <= highest


def test_half_a_surrogate_pair_is_counted_too():
    assert estimate_tokens("\ud83d") == 1


def test_messages_and_the_schema_cost_more_than_their_texts():
    plain = estimate_request(request("one two", "three"))

    with_schema = estimate_request(request("one two", "three", schema={"type": "object"}))

    texts = estimate_tokens("one two") + estimate_tokens("three")
    assert plain == PER_REQUEST + 2 * PER_MESSAGE + texts
    assert with_schema == plain + PER_MESSAGE + estimate_tokens('{"type": "object"}')


def test_an_estimate_that_was_too_low_is_raised_at_once():
    estimator = TokenEstimator()

    estimator.observe("m", estimated=100, counted=150)

    assert estimator.of_text(ENGLISH, "m") > estimator.of_text(ENGLISH)
    assert estimator.ratio("m") == 1.5
    assert estimator.ratio("another") == 1.0


def test_an_estimate_is_lowered_only_after_enough_counts():
    estimator = TokenEstimator(enough=3)
    ratios = []

    for _ in range(3):
        estimator.observe("m", estimated=100, counted=80)
        ratios.append(estimator.ratio("m"))

    assert ratios == [1.0, 1.0, 0.8]
    assert estimator.of_request(request(ENGLISH), "m") < estimate_request(request(ENGLISH))


def test_one_in_twenty_at_most_was_counted_above_the_corrected_estimate():
    estimator = TokenEstimator()

    for counted in range(50, 150):
        estimator.observe("m", estimated=100, counted=counted)

    above = sum(counted > 100 * estimator.ratio("m") for counted in range(50, 150))
    assert above == 5


def test_old_counts_are_forgotten():
    estimator = TokenEstimator(memory=10)

    estimator.observe("m", estimated=100, counted=300)
    for _ in range(10):
        estimator.observe("m", estimated=100, counted=90)

    assert estimator.ratio("m") == 0.9


@pytest.mark.parametrize(("estimated", "counted"), [(0, 10), (10, 0)])
def test_what_was_not_counted_teaches_nothing(estimated, counted):
    estimator = TokenEstimator()

    estimator.observe("m", estimated=estimated, counted=counted)

    assert estimator.ratio("m") == 1.0


def test_no_count_makes_estimates_useless():
    estimator = TokenEstimator()

    estimator.observe("m", estimated=1, counted=1000)

    assert estimator.ratio("m") == TokenEstimator.HIGHEST


def test_what_prompts_are_fitted_by_does_not_change_with_what_is_learnt():
    estimator = TokenEstimator()
    before = estimator.always(ENGLISH, "m")
    for _ in range(20):
        estimator.observe("m", estimated=100, counted=180)

    assert estimator.of_text(ENGLISH, "m") > before
    assert estimator.always(ENGLISH, "m") == before


def test_a_counter_is_exact_and_learns_nothing():
    estimator = TokenEstimator({"m": lambda text: len(text.split())})

    estimator.observe("m", estimated=1, counted=3)

    assert estimator.of_text("one two three", "m") == 3
    assert estimator.of_request(request("one two"), "m") == PER_REQUEST + PER_MESSAGE + 2


class Words:
    """Stands in for ``tokenizers.Tokenizer``, which is optional and not installed here."""

    @staticmethod
    def from_file(path: str) -> Words:
        if not Path(path).exists():
            raise Exception("No such file")  # noqa: TRY002 - as the library does
        return Words()

    def encode(self, text: str, *, add_special_tokens: bool) -> SimpleNamespace:
        return SimpleNamespace(ids=[*range(len(text.split()) + add_special_tokens)])


@pytest.fixture
def library(monkeypatch):
    module = ModuleType("tokenizers")
    module.__dict__["Tokenizer"] = Words
    monkeypatch.setitem(sys.modules, "tokenizers", module)


def test_a_tokenizer_file_counts_exactly(library, tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")

    assert exact_counter(file)("one two three") == 3


def test_a_tokenizer_file_that_cannot_be_read_is_told_with_its_name(library, tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing\.json"):
        exact_counter(tmp_path / "nothing.json")


def test_without_the_library_its_name_and_the_command_are_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(ConfigurationError, match="pip install tokenizers"):
        exact_counter(tmp_path / "tokenizer.json")
