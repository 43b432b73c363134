"""Every model provider against the simulator: answers, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import json
import traceback

import pytest

from wiseflow.core.errors import (
    AuthFailed,
    CallError,
    ContentRefused,
    ContextTooLong,
    MalformedOutput,
    NetworkFailed,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.core.limits import Dimension
from wiseflow.providers.anthropic import AnthropicService
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.ollama import OllamaService
from wiseflow.providers.openai import OpenAIService
from wiseflow.providers.triton import TritonService
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.limits import Dimension as Counted
from wiseflow.simulator.limits import Limit

SERVICES = {
    "openai": OpenAIService,
    "anthropic": AnthropicService,
    "ollama": OllamaService,
    "triton": TritonService,
    "triton-openai": TritonService,
}
ALL = tuple(SERVICES)
KEYED = ("openai", "anthropic")
KINDS = {
    FaultKind.RATE_LIMITED: RateLimited,
    FaultKind.RATE_LIMITED_SILENTLY: RateLimited,
    FaultKind.SERVER_ERROR: ProviderDown,
    FaultKind.UNAVAILABLE: ProviderDown,
    FaultKind.RESET: NetworkFailed,
    FaultKind.CONTEXT_LENGTH: ContextTooLong,
    FaultKind.EMPTY: MalformedOutput,
}


@pytest.fixture
def model(simulate, clients, canary):
    async def make(name: str, **options):
        simulator = await simulate(**options)
        endpoint = Endpoint(provider=name, base_url=simulator.url(name), api_key=canary)
        return SERVICES[name](endpoint, clients).chat("sim-large")

    return make


def always(kind: FaultKind) -> FaultPlan:
    return FaultPlan(rates=(FaultRate(kind=kind, rate=1.0),), slow_s=60.0)


def listener(streamed: bool, shown: list[str] | None = None):
    return (shown if shown is not None else []).append if streamed else None


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ALL)
async def test_an_answer_comes_whole_or_in_parts(model, ask, name, streamed):
    shown: list[str] = []

    reply = await (await model(name)).complete(ask(), on_text=listener(streamed, shown))

    assert reply.value.text
    assert reply.usage.tokens > 0
    assert not streamed or "".join(shown) == reply.value.text


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic", "ollama", "triton-openai"])
async def test_json_conforms_to_its_schema(model, ask, schema, name, streamed):
    answering = await model(name)

    reply = await answering.complete(ask(schema=schema), on_text=listener(streamed))

    assert list(json.loads(reply.value.text)) == ["made_by"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_is_told_as_what_it_is(model, ask, canary, name, kind, streamed):
    failing = await model(name, faults=always(kind))

    with pytest.raises(KINDS[kind]) as raised:
        await failing.complete(ask(), on_text=listener(streamed))

    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert canary not in told
    assert raised.value.provider == name


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.parametrize(
    ("kind", "told"), [(FaultKind.KEY_EXPIRED, AuthFailed), (FaultKind.QUOTA_SPENT, QuotaSpent)]
)
async def test_a_key_that_ends_is_told_with_its_setting(model, ask, name, kind, told):
    failing = await model(name, faults=always(kind))

    with pytest.raises(told, match=f"{name.upper()}_API_KEY"):
        await failing.complete(ask())


CUT = [
    (name, kind, streamed)
    for name in ALL
    for kind in (FaultKind.RESET_MIDWAY, FaultKind.TRUNCATED)
    for streamed in (False, True)
    # Triton's stream has no last event, so one that was closed in good order is whole.
    if (name, kind, streamed) != ("triton", FaultKind.TRUNCATED, True)
]


@pytest.mark.parametrize(("name", "kind", "streamed"), CUT)
async def test_an_answer_that_is_cut_is_no_answer(model, ask, name, kind, streamed):
    failing = await model(name, faults=always(kind))

    with pytest.raises((NetworkFailed, MalformedOutput)):
        await failing.complete(ask(), on_text=listener(streamed))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ALL)
async def test_thoughts_are_left_out(model, ask, name, streamed):
    shown: list[str] = []
    thinking = await model(name, faults=always(FaultKind.THINK))

    reply = await thinking.complete(ask(), on_text=listener(streamed, shown))

    assert reply.value.text
    assert "think>" not in reply.value.text + "".join(shown)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_refusal_is_told_as_that(model, ask, streamed):
    refusing = await model("openai", faults=always(FaultKind.REFUSAL))

    with pytest.raises(ContentRefused):
        await refusing.complete(ask(), on_text=listener(streamed))


@pytest.mark.parametrize("name", ALL)
async def test_a_slow_drip_can_be_given_up(model, ask, name):
    dripping = await model(name, faults=always(FaultKind.SLOW))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.7):
            await dripping.complete(ask(), on_text=lambda _text: None)


@pytest.mark.parametrize("name", KEYED)
async def test_limits_are_told_with_an_answer(model, ask, name):
    limits = (Limit(provider=name, dimension=Counted.REQUESTS, amount=60),)
    limited = await model(name, limits=limits)

    reply = await limited.complete(ask())

    assert Dimension.REQUESTS in {one.dimension for one in reply.allowances}


async def test_many_calls_at_once_are_each_answered(model, ask):
    answering = await model("openai")

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(answering.complete(ask(f"Who made {number}?")), name=str(number))
            for number in range(50)
        ]

    assert all(str(number) in task.result().value.text for number, task in enumerate(tasks))


@pytest.mark.parametrize("name", ["openai", "ollama", "triton-openai"])
async def test_vectors_come_for_each_text(simulate, clients, name):
    simulator = await simulate()
    endpoint = Endpoint(provider=name, base_url=simulator.url(name), api_key="any")

    reply = await SERVICES[name](endpoint, clients).embeddings("sim-embed").embed(["a", "b"])

    assert len(reply.value.vectors) == 2


@pytest.mark.parametrize("name", ALL)
async def test_a_key_is_tested(simulate, clients, name):
    simulator = await simulate()
    endpoint = Endpoint(provider=name, base_url=simulator.url(name), api_key="any")

    assert (await SERVICES[name](endpoint, clients).test_key()).valid


@pytest.mark.parametrize("name", KEYED)
async def test_a_wrong_key_is_found_out(simulate, clients, name):
    simulator = await simulate(keys=("the-right-one",))
    endpoint = Endpoint(provider=name, base_url=simulator.url(name), api_key="a-wrong-one")

    assert not (await SERVICES[name](endpoint, clients).test_key()).valid


async def test_every_error_is_one_of_ours(model, ask):
    """Whatever strikes, a caller need only catch ``CallError``."""
    mixed = FaultPlan(
        rates=tuple(
            FaultRate(kind=kind, rate=1 / len(KINDS)) for kind in (*KINDS, FaultKind.TRUNCATED)[1:]
        )
    )
    failing = await model("openai", faults=mixed)

    for number in range(40):
        with pytest.raises(CallError):
            await failing.complete(ask(str(number)))
