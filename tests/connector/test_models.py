"""Models from Python, and their limits."""

import asyncio

import pytest

from wiseflow import LLMManager, Synchronous
from wiseflow.app import sharing
from wiseflow.core.errors import (
    AuthFailed,
    ConfigurationError,
    InvalidInput,
    ModelMissing,
    NetworkFailed,
)
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import Model, SimulatorOptions
from wiseflow.simulator.server import Simulator

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def of_model(metrics, model="sim-large"):
    return next(one for one in metrics if (one.kind, one.model) == ("model", model))


async def test_a_prompt_is_answered_by_the_model_that_is_set_up(llm):
    answer = await llm.complete("What do bees eat?", max_tokens=50)

    assert answer.text
    assert answer.model == "sim-large"


async def test_a_conversation_is_gone_on_with_in_parts(llm):
    parts = []

    answer = await llm.complete(
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello."}],
        model="llm:sim-small",
        on_text=parts.append,
    )

    assert "".join(parts) == answer.text
    assert answer.model == "sim-small"


async def test_with_a_schema_the_answer_is_read(llm):
    answer = await llm.complete("Who was it?", schema=PERSON)

    assert isinstance(answer.value, dict)
    assert isinstance(answer.value["name"], str)


async def test_many_prompts_are_answered_in_order_with_an_error_in_the_place_of_what_failed(llm):
    answers = await llm.complete_many(["One.", " ", "Three."], max_tokens=20)

    assert [type(one).__name__ for one in answers] == ["Completion", "InvalidInput", "Completion"]


@pytest.mark.parametrize(
    ("prompt", "options", "said"),
    [
        ("", {}, "the prompt is empty"),
        ([], {}, "the prompt is empty"),
        ([{"role": "bee", "content": "x"}], {}, "cannot be read"),
        ("x", {"max_tokens": 0}, "max_tokens is 0"),
        ("x", {"model": "sim-large"}, "names no model"),
        ("x", {"model": "opneai:gpt"}, "Did you mean 'openai'"),
        ("x", {"model": "tavily:x"}, "no provider that has models"),
        ("x", {"model": "extractive"}, "is no model"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_reason(llm, prompt, options, said):
    with pytest.raises(InvalidInput, match=said):
        await llm.complete(prompt, **options)


async def test_without_a_model_it_says_how_to_set_one_up(monkeypatch):
    llm = LLMManager(load_settings(environ={"OLLAMA_API_BASE": "http://127.0.0.1:9"}))

    with pytest.raises(ConfigurationError, match="LLM_API_KEY"):
        await llm.complete("Hello.")
    with pytest.raises(ConfigurationError, match="no model is set up"):
        await llm.test_api_key()


async def test_a_key_is_tested_for_the_model_or_for_any_provider(llm):
    model, search = await llm.test_api_key(), await llm.test_api_key("tavily")

    assert model.valid
    assert "sim-large" in model.models
    assert search.valid
    with pytest.raises(InvalidInput, match="no provider"):
        await llm.test_api_key("nobody")


async def test_a_wrong_key_a_wrong_model_and_a_wrong_address_are_told_with_their_cure(environ):
    options = SimulatorOptions(time_scale=0.01, keys=("right",), models=(Model(name="m"),))
    async with Simulator(options) as sim:
        base = {**environ, "LLM_API_BASE": sim.url("openai")}
        wrong = LLMManager(load_settings(environ=base))
        right = LLMManager(load_settings(environ={**base, "LLM_API_KEY": "right"}))

        assert not (await wrong.test_api_key()).valid
        with pytest.raises(AuthFailed, match="LLM_API_KEY"):
            await wrong.complete("Hello.")
        with pytest.raises(ModelMissing, match="no model 'sim-large'"):
            await right.complete("Hello.")
    nowhere = {**environ, "LLM_API_BASE": "http://127.0.0.1:9/v1", "PROVIDER_OUTAGE_WAIT": "0"}
    with pytest.raises(NetworkFailed, match="LLM_API_BASE"):
        await LLMManager(load_settings(environ=nowhere)).complete("Hello.")


async def test_what_calls_came_to_is_counted_by_who_was_asked(llm):
    before = [one for one in llm.metrics() if one.model == "sim-counted"]

    await llm.complete("Hello.", model="llm:sim-counted")

    counted = of_model(llm.metrics(), "sim-counted")
    assert before == []
    assert (counted.provider, counted.requests, counted.errors) == ("llm", 1, {})
    assert counted.tokens > 0
    assert counted.cost == 0.0  # a server on this machine
    assert counted.mean_latency_s > 0


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, "no limit is given"),
        ({"requests_per_minute": 0}, "requests_per_minute of llm is 0"),
        ({"tokens_per_minute": -5.0}, "tokens_per_minute of llm is -5"),
        ({"concurrency": 0}, "concurrency of llm is 0"),
        ({"requests_per_minute": float("nan")}, "above 0"),
        ({"requests_per_minute": "many"}, "above 0"),
        ({"requests_per_minute": 5, "provider": "tavili"}, "Did you mean 'tavily'"),
    ],
)
async def test_a_limit_that_cannot_be_is_refused(llm, limits, said):
    with pytest.raises(InvalidInput, match=said):
        llm.set_rate_limit(**limits)


async def test_limits_that_are_set_one_after_another_hold_together(llm):
    llm.set_rate_limit(requests_per_minute=600)

    both = llm.set_rate_limit(concurrency=2)

    assert (both.requests_per_minute, both.concurrency) == (600, 2)


async def test_all_on_one_loop_use_one_gateway_and_wait_at_one_door(llm, online, sim):
    llm.set_rate_limit(concurrency=1, provider="llm")

    async with sharing.shared_outside(online) as outside:
        answers = await llm.complete_many(["One.", "Two.", "Three."], max_tokens=10)
        shared = await sharing.kept_outside(online)

    assert outside is shared
    assert [type(one).__name__ for one in answers] == ["Completion"] * 3
    assert max(one.peak_concurrency for one in sim.log.stats()) == 1


async def test_a_limit_reaches_the_doors_of_other_event_loops(llm, online):
    other = Synchronous(LLMManager(online))
    await asyncio.to_thread(other.complete, "Hello.", max_tokens=5)
    loop = other._loop
    assert loop is not None
    doors = sharing._LOOPS[loop].limiters()

    llm.set_rate_limit(requests_per_minute=7, provider="llm")
    await asyncio.to_thread(other.metrics)  # its loop has come round

    rates = [limiter._core._rates["llm", ""] for limiter in doors]
    assert [rate.requests_per_minute for rate in rates] == [7]
    await asyncio.to_thread(other.close)


async def test_applications_opened_later_keep_to_a_limit_that_was_set(llm, online):
    llm.set_rate_limit(requests_per_minute=9, provider="tavily")

    async with sharing.shared_outside(online):
        [door] = sharing._LOOPS[asyncio.get_running_loop()].limiters()

    assert door._core._rates["tavily", ""].requests_per_minute == 9


def test_what_is_kept_open_ends_with_its_event_loop(environ_of_a_process):
    llm = LLMManager(load_settings(environ={**environ_of_a_process, "LIMIT_STORE": "database"}))

    async def ask():
        await llm.complete("Hello.", max_tokens=5)
        return sharing._LOOPS[asyncio.get_running_loop()]

    first, second = asyncio.run(ask()), asyncio.run(ask())

    assert first is not second
    assert not first.gateways
    assert not first.kept
