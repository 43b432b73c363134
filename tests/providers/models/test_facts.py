from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wiseflow.core.calls import Usage
from wiseflow.core.errors import ConfigurationError
from wiseflow.providers.facts import Facts, ModelFacts, PriceStep

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


@pytest.fixture
def users_file(tmp_path) -> Path:
    file = tmp_path / "models.toml"
    file.write_text(
        """
[[model]]
provider = "llm"
name = "house-*"
context_tokens = 32000
input_price = 1.5
output_price = 3.0
as_of = 2026-11-01
source = "our contract"

[[model]]
name = "gpt-5-mini"
input_price = 9.0
as_of = 2026-11-02
source = "our contract"
"""
    )
    return file


def test_a_known_model_has_its_price_context_and_longest_answer():
    facts = Facts().of("openai", "gpt-5-mini")

    assert facts.context_tokens == 400_000
    assert facts.max_output_tokens == 128_000
    assert facts.cost(MILLION) == 2.25
    assert facts.source.startswith("genai-prices")


def test_an_address_tells_whose_prices_hold():
    facts = Facts()

    own = facts.of("llm", "gpt-5-mini", base_url="https://api.openai.com/v1")
    elsewhere = facts.of("llm", "gpt-5-mini", base_url="https://models.example/v1")

    assert own == facts.of("openai", "gpt-5-mini")
    assert elsewhere == ModelFacts()


@pytest.mark.parametrize("model", ["no-such-model", ""])
def test_the_price_of_an_unknown_model_is_unknown_and_not_nothing(model):
    facts = Facts().of("openai", model)

    assert facts.input_price is None
    assert facts.cost(Usage(input_tokens=1)) is None


@pytest.mark.parametrize(
    ("provider", "base_url", "free"),
    [
        ("ollama", "http://box.lan:11434", True),
        ("triton", "", True),
        ("llm", "http://127.0.0.1:8080/v1", True),
        ("openai", "http://[::1]:8080/v1", True),
        ("ollama", "https://ollama.com", False),
        ("llm", "https://models.example/v1", False),
    ],
)
def test_a_server_of_ones_own_costs_nothing(provider, base_url, free):
    cost = Facts().of(provider, "any", base_url=base_url).cost(MILLION)

    assert cost == (0.0 if free else None)


def test_the_users_file_holds_over_all_else(users_file):
    facts = Facts(users_file)

    house = facts.of("llm", "House-2", base_url="http://localhost:1/v1")
    corrected = facts.of("openai", "gpt-5-mini")

    assert house == ModelFacts(
        context_tokens=32_000,
        input_price=1.5,
        output_price=3.0,
        as_of="2026-11-01",
        source="our contract",
    )
    assert (corrected.input_price, corrected.output_price) == (9.0, 2.0)
    assert corrected.context_tokens == 400_000


def test_a_long_prompt_makes_the_whole_call_dearer():
    facts = ModelFacts(
        input_price=2.0,
        output_price=10.0,
        steps=(PriceStep(above=1000, input_price=4.0, output_price=20.0),),
    )

    assert facts.cost(Usage(input_tokens=1000)) == pytest.approx(0.002)
    assert facts.cost(Usage(input_tokens=1001)) == pytest.approx(0.004004)


def test_a_model_with_steps_has_them():
    (step,) = Facts().of("openai", "gpt-6-sol").steps

    assert step == PriceStep(above=272_000, input_price=4.0, output_price=15.0)


def test_vectors_have_a_price_for_what_goes_in_alone():
    facts = Facts().of("openai", "text-embedding-3-small")

    assert facts.cost(Usage(input_tokens=1_000_000)) == 0.02
    assert facts.cost(MILLION) is None


def test_without_the_library_our_own_file_is_left(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    monkeypatch.delitem(sys.modules, "wiseflow.providers.prices", raising=False)
    monkeypatch.delattr("wiseflow.providers.prices", raising=False)

    facts = Facts().of("openai", "gpt-5-mini")

    assert facts == ModelFacts(max_output_tokens=128_000)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[model", "not as it should be"),
        ('[[model]]\nname = "a"\nas_of = 2026-01-01', "source"),
        ('[[model]]\nname = "a"\nas_of = 2026-01-01\nsource = ""\ninput_price = -1', "input_price"),
        ("other = 1", "other"),
    ],
)
def test_a_wrong_file_is_told_by_name_and_place(tmp_path, text, told):
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=r"mine\.toml") as raised:
        Facts(file)

    assert told in str(raised.value)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        Facts(tmp_path / "none.toml")
