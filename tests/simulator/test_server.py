"""The simulator as a whole: its log, its time, its limits over HTTP, its control paths."""

from __future__ import annotations

import asyncio
import json
import time

import httpx2
import pytest

from wiseflow.core.errors import Conflict, InvalidInput, NotFound
from wiseflow.simulator.calls import CallKind, Ending, units
from wiseflow.simulator.clock import ScaledClock
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.latency import Latency, Shape
from wiseflow.simulator.limits import Dimension, Limit, Window
from wiseflow.simulator.options import Model, Price, SimulatorOptions
from wiseflow.simulator.rate_headers import duration, retry_after
from wiseflow.simulator.server import Simulator

REQUESTS = Limit(dimension=Dimension.REQUESTS, amount=3)

# Log.


async def test_the_log_tells_who_asked_what_and_what_it_took(start, chat):
    price = Price(provider="openai", million_in=1e6, million_out=2e6)
    sim = await start(prices=(Price(provider="exa", a_request=9), price))
    headers = {"Authorization": "Bearer k1", "X-Wiseflow-Run": "run-1", "X-Wiseflow-Step": "plan"}
    answer = await chat(sim, headers=headers)
    usage = answer.json()["usage"]
    (entry,) = sim.log.entries

    assert (entry.run, entry.step, entry.key, entry.model) == ("run-1", "plan", "k1", "m")
    assert (entry.provider, entry.endpoint) == ("openai", "/chat/completions")
    assert (entry.kind, entry.ending, entry.status) == (CallKind.MODEL, Ending.ANSWERED, 200)
    assert (entry.tokens_in, entry.tokens_out) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )
    assert entry.cost == pytest.approx(entry.tokens_in + 2 * entry.tokens_out)
    assert entry.bytes_out == len(answer.content)
    assert sim.log.of(run="run-1") == (entry,)
    assert sim.log.of(provider="exa") == ()


async def test_equal_requests_that_were_answered_are_duplicates(start, chat):
    sim = await start()
    for text in ("a", "b", "a", "a"):
        await chat(sim, text)
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.SERVER_ERROR, rate=1),)))
    await chat(sim, "b")

    assert sim.log.duplicates() == 2
    assert sim.log.stats()[0].duplicates == 2


async def test_the_figures_are_by_key_and_of_the_busiest_window(start, chat):
    sim = await start(
        time_scale=1.0,  # a window is a true minute: a slow machine does not spread them over two
        limits=(Limit(dimension=Dimension.CONCURRENCY, amount=4),),
        latencies={CallKind.MODEL: Latency(mean_s=0.5)},
    )
    headers = {"Authorization": "Bearer busy"}
    await asyncio.gather(*(chat(sim, f"{n}", headers=headers) for n in range(9)))
    await chat(sim)
    quiet, busy = sim.log.stats()

    assert (quiet.key, busy.key) == ("", "busy")
    assert (quiet.requests, busy.requests) == (1, 9)
    assert busy.admitted + busy.limited == 9
    assert busy.status_429 == busy.limited > 0
    assert busy.peak_concurrency == 4
    assert busy.most_in_window == busy.admitted
    assert busy.tokens_out > 0
    assert busy.most_tokens_in_window == busy.tokens_in + busy.tokens_out


async def test_who_hangs_up_is_logged_and_gives_the_place_back(start, chat):
    sim = await start(
        time_scale=1.0,
        limits=(Limit(dimension=Dimension.CONCURRENCY, amount=1),),
        latencies={CallKind.MODEL: Latency(mean_s=20)},
    )
    with pytest.raises(httpx2.TimeoutException):
        await chat(sim, timeout_s=0.1)
    for _ in range(500):
        if sim.log.entries:
            break
        await asyncio.sleep(0.01)
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.SERVER_ERROR, rate=1),)))
    with pytest.raises(httpx2.TimeoutException):  # it waits, so it was not refused
        await chat(sim, timeout_s=0.1)

    assert sim.log.entries[0].ending is Ending.ABORTED


# Time.


async def test_ten_simulated_minutes_take_a_scaled_time(start, chat):
    sim = await start(time_scale=0.001, latencies={CallKind.MODEL: Latency(mean_s=600)})
    before = time.monotonic()
    await chat(sim)
    (entry,) = sim.log.entries

    assert 0.6 <= time.monotonic() - before < 5
    assert entry.ended_s - entry.arrived_s >= 600


async def test_a_limit_lets_more_through_when_its_simulated_window_is_over(start, chat):
    sim = await start(time_scale=0.02, limits=(REQUESTS,))  # a minute in 1.2 s
    statuses = [(await chat(sim)).status_code for _ in range(4)]
    refused = await chat(sim)
    wait_s = float(refused.headers["retry-after"])
    await asyncio.sleep(wait_s + 0.01)

    assert statuses == [200, 200, 200, 429]
    assert 0 < wait_s <= 1.2
    assert (await chat(sim)).status_code == 200
    assert sim.log.stats()[0].most_in_window == 3


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
def test_a_scale_that_is_none_is_refused(wrong):
    with pytest.raises(InvalidInput, match="time scale"):
        ScaledClock(wrong)


def test_latencies_have_their_mean_and_their_shape():
    luck = [units("latency", number)[0] for number in range(20_000)]
    for shape in Shape:
        drawn = [Latency(mean_s=2, shape=shape, spread=0.5).draw(one) for one in luck]
        assert sum(drawn) / len(drawn) == pytest.approx(2, rel=0.02)
        assert min(drawn) > 0
        assert (len(set(drawn)) == 1) == (shape is Shape.CONSTANT)


@pytest.mark.parametrize(
    "wrong", [{"mean_s": -1}, {"mean_s": 1, "shape": Shape.UNIFORM, "spread": 2}]
)
def test_a_latency_that_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidInput):
        Latency(**wrong)


# Limits over HTTP.


@pytest.mark.parametrize("window", Window)
async def test_a_refusal_says_what_was_reached_and_how_long_to_wait(start, chat, window):
    limit = Limit(dimension=Dimension.REQUESTS, amount=2, window=window, window_s=1e6)
    sim = await start(limits=(limit,))
    answers = [await chat(sim) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["type"] == "requests"
    assert float(answers[2].headers["retry-after"]) > 0


async def test_tokens_and_bytes_are_limited_by_the_answers_own(start, chat):
    for dimension in (Dimension.TOKENS, Dimension.BYTES):
        sim = await start(limits=(Limit(dimension=dimension, amount=1500, window_s=1e6),))
        statuses = [(await chat(sim)).status_code for _ in range(9)]

        assert statuses[0] == 200
        assert statuses[-1] == 429


async def test_a_provider_may_keep_its_limits_to_itself(start, chat):
    limit = Limit(dimension=Dimension.REQUESTS, amount=3, window_s=1e6)
    sim = await start(limits=(limit,), rate_headers=False)
    answers = [await chat(sim) for _ in range(4)]

    assert answers[3].status_code == 429
    assert not [name for name in answers[3].headers if "rate" in name or "retry" in name]


async def test_searches_tell_limits_by_the_generic_headers(start, client):
    sim = await start(
        time_scale=1, limits=(REQUESTS,), latencies={CallKind.SEARCH: Latency(mean_s=0)}
    )
    answer = await client.post(sim.url("exa") + "/search", json={"query": "harbour"})

    assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert answer.headers["ratelimit"] == '"requests";r=2;t=60'


def test_times_in_headers_are_written_as_their_readers_expect():
    assert [duration(one) for one in (0, 0.0123, 1.5, 75, 3600)] == [
        "0ms",
        "13ms",
        "1.5s",
        "1m15s",
        "60m0s",
    ]
    assert retry_after(1.2, 1.0) == {"Retry-After": "2"}
    assert retry_after(1.2, 0.1) == {"Retry-After": "0.12"}
    assert retry_after(float("inf"), 1.0) == {}


# Keys.


async def test_only_the_keys_that_were_given_are_valid(start, chat, client):
    sim = await start(keys=("good",))
    good = {"Authorization": "Bearer good"}
    page = f"{sim.address}/pages/{next(iter(sim.world.pages))}"
    search = sim.url("tavily") + "/search"

    assert (await chat(sim)).status_code == 401
    assert (await chat(sim, headers=good)).status_code == 200
    assert (await client.get(page)).status_code == 200
    by_body = await client.post(search, json={"query": "harbour", "api_key": "good"})
    by_header = await client.post(
        sim.url("exa") + "/search", json={"query": "harbour"}, headers={"x-api-key": "bad"}
    )
    assert (by_body.status_code, by_header.status_code) == (200, 401)


# Control.


async def test_the_control_paths_read_and_set_what_the_methods_do(start, chat, client):
    sim = await start()
    control = f"{sim.address}/_simulator"
    await chat(sim)
    lines = (await client.get(f"{control}/log")).text.splitlines()
    stats = (await client.get(f"{control}/stats", params={"window_s": "5"})).json()
    world = (await client.get(f"{control}/world")).json()

    assert json.loads(lines[0])["provider"] == stats[0]["provider"] == "openai"
    assert stats[0]["window_s"] == 5
    assert world[0]["facts"][0]["value"] == sim.world.facts[0].value

    limits = [{"dimension": "requests", "amount": 1, "window_s": 1e6}]
    assert (await client.post(f"{control}/limits", json=limits)).status_code == 200
    assert [(await chat(sim)).status_code for _ in range(2)] == [200, 429]
    assert (await client.post(f"{control}/reset")).status_code == 200
    assert len(sim.log) == 0
    assert (await chat(sim)).status_code == 200  # counted anew
    await client.post(f"{control}/limits", json=[])
    plan = {"outages": [{"provider": "openai", "kind": "500"}], "mixture": 0.1}
    assert (await client.post(f"{control}/faults", json=plan)).status_code == 200
    assert (await chat(sim)).status_code == 500


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", "x"),
        ("faults", '{"mixture": "many"}'),
        ("faults", '{"mixture": 20}'),
        ("faults", '{"rates": [{"kind": "flood", "rate": 1}]}'),
        ("limits", '[{"dimension": "requests", "amount": 0}]'),
        ("limits", "{}"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_a_reason(sim, client, path, body):
    answer = await client.post(f"{sim.address}/_simulator/{path}", content=body)

    assert answer.status_code == 422
    assert answer.json()["error"]
    wrong = await client.get(f"{sim.address}/_simulator/stats", params={"window_s": "x"})
    assert wrong.status_code == 422


# Running.


async def test_a_port_that_is_taken_is_a_clear_error(sim):
    port = int(sim.address.rpartition(":")[2])

    with pytest.raises(InvalidInput, match=f"port {port}"):
        await Simulator(SimulatorOptions(port=port)).__aenter__()


async def test_addresses_are_known_while_it_runs(sim):
    assert set(sim.settings()) >= {"LLM_API_BASE", "TAVILY_API_BASE"}
    assert sim.url("web") == sim.address
    assert sim.clock.elapsed() > 0
    with pytest.raises(NotFound, match="tavily"):
        sim.url("nobody")
    with pytest.raises(Conflict, match="does not run"):
        Simulator().url("openai")


@pytest.mark.parametrize(
    "wrong", [{"host": "0.0.0.0"}, {"host": "example.org"}, {"output_tokens": 0}, {"port": -1}]
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput):
        SimulatorOptions(**wrong)


def test_others_may_reach_it_only_where_it_is_said():
    assert SimulatorOptions(host="0.0.0.0", any_host=True).any_host
    assert SimulatorOptions(host="localhost", models=(Model(name="m"),)).model_names() == ("m",)
