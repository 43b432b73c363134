"""Faults: by their rate and seed, in their time, at their key; and what a client sees of each."""

from __future__ import annotations

import asyncio
import json
import time

import httpx2
import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import CallKind, Ending, units
from wiseflow.simulator.faults import (
    FaultKind,
    FaultPlan,
    FaultRate,
    Faults,
    KeyEnd,
    Outage,
    Struck,
    mixture,
)

MODEL = Struck(provider="openai", key="k", kind=CallKind.MODEL)
PAGE = Struck(provider="web", key="", kind=CallKind.PAGE)


def always(kind: FaultKind, **others) -> FaultPlan:
    return FaultPlan(rates=(FaultRate(kind=kind, rate=1.0),), **others)


def test_faults_strike_at_their_rates():
    faults = Faults(FaultPlan(rates=mixture(0.2)))
    struck = [faults.strike(MODEL, units(1, number)[0], 0.0) for number in range(20_000)]
    met = [one for one in struck if one is not None]

    assert len(met) / len(struck) == pytest.approx(0.2, abs=0.01)
    assert len(set(met)) == len(mixture(0.2))


def test_a_page_meets_only_faults_that_pages_can_have():
    faults = Faults(FaultPlan(rates=mixture(1.0)))
    met = {faults.strike(PAGE, units(1, number)[0], 0.0) for number in range(1000)}

    assert FaultKind.SERVER_ERROR in met
    assert not met & {FaultKind.THINK, FaultKind.EMPTY, FaultKind.WRONG_SCHEMA}


def test_an_outage_is_from_its_start_to_its_end_after_the_plan_was_set():
    plan = FaultPlan(outages=(Outage(provider="openai", start_s=10, end_s=20),))
    faults = Faults(plan, since=100.0)
    met = [faults.strike(MODEL, 0.0, now) for now in (105.0, 110.0, 119.9, 120.0)]

    assert met == [None, FaultKind.RESET, FaultKind.RESET, None]
    assert faults.strike(PAGE, 0.0, 115.0) is None


def test_a_key_ends_after_so_many_requests_or_at_a_time():
    plan = FaultPlan(
        key_ends=(
            KeyEnd(key="k", after_requests=2),
            KeyEnd(provider="exa", at_s=5, kind=FaultKind.QUOTA_SPENT),
        )
    )
    faults = Faults(plan)
    exa = Struck(provider="exa", key="other", kind=CallKind.SEARCH)

    met = [faults.strike(MODEL, 0.0, 0.0) for _ in range(4)]
    assert met == [None, None, FaultKind.KEY_EXPIRED, FaultKind.KEY_EXPIRED]
    assert [faults.strike(exa, 0.0, at) for at in (4.0, 5.0)] == [None, FaultKind.QUOTA_SPENT]


@pytest.mark.parametrize(
    "make",
    [
        lambda: FaultRate(kind=FaultKind.RESET, rate=1.5),
        lambda: Outage(provider="exa", start_s=2, end_s=1),
        lambda: KeyEnd(kind=FaultKind.SLOW),
    ],
)
def test_a_plan_that_cannot_be_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


# What a client sees.


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.RATE_LIMITED, 429),
        (FaultKind.RATE_LIMITED_SILENTLY, 429),
        (FaultKind.SERVER_ERROR, 500),
        (FaultKind.UNAVAILABLE, 503),
        (FaultKind.CONTEXT_LENGTH, 400),
        (FaultKind.KEY_EXPIRED, 401),
        (FaultKind.QUOTA_SPENT, 429),
    ],
)
async def test_an_error_has_its_status_and_a_message(start, chat, kind, status):
    sim = await start(faults=always(kind))
    answer = await chat(sim)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    asked_to_wait = kind in {FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE}
    assert ("retry-after" in answer.headers) == asked_to_wait
    assert sim.log.entries[0].ending is Ending.FAULTED
    assert sim.log.entries[0].fault == kind


@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.HANG, FaultKind.RESET_MIDWAY])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_cut_connection_is_an_error_of_the_transport(start, chat, kind, stream):
    sim = await start(faults=always(kind, hang_s=1.0))

    with pytest.raises(httpx2.TransportError):
        await chat(sim, stream=stream)


async def test_a_truncated_answer_has_status_200_and_half_its_json(start, chat):
    answer = await chat(await start(faults=always(FaultKind.TRUNCATED)))

    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


async def test_a_truncated_stream_ends_without_its_end(start, chat):
    answer = await chat(await start(faults=always(FaultKind.TRUNCATED)), stream=True)

    assert answer.text.startswith("data: ")
    assert "[DONE]" not in answer.text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_slow_answer_drips_and_is_whole(start, chat, stream):
    sim = await start(faults=always(FaultKind.SLOW, slow_s=200.0))
    before = time.monotonic()
    answer = await chat(sim, stream=stream)

    assert time.monotonic() - before >= 0.19
    assert answer.text.endswith("[DONE]\n\n") if stream else answer.json()["choices"]
    assert sim.log.entries[0].ending is Ending.ANSWERED


async def test_spoilt_answers_are_of_their_kind(start, chat):
    sim = await start()
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    wanted = {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    contents = {}
    for kind in (FaultKind.WRONG_SCHEMA, FaultKind.THINK, FaultKind.REFUSAL, FaultKind.EMPTY):
        sim.set_faults(always(kind))
        contents[kind] = (await chat(sim, **wanted)).json()["choices"]

    assert "title" not in json.loads(contents[FaultKind.WRONG_SCHEMA][0]["message"]["content"])
    assert contents[FaultKind.THINK][0]["message"]["content"].startswith("<think>")
    assert contents[FaultKind.REFUSAL][0]["message"]["refusal"]
    assert contents[FaultKind.EMPTY] == []


async def test_equal_runs_meet_equal_faults_in_whatever_order(start, chat):
    met = []
    for order in (1, -1):
        sim = await start(faults=FaultPlan(rates=(FaultRate(kind=FaultKind("500"), rate=0.4),)))
        await asyncio.gather(*(chat(sim, f"Ask {n}.") for n in list(range(40))[::order]))
        met.append({one.digest for one in sim.log.entries if one.fault})

    assert met[0] == met[1]
    assert 5 < len(met[0]) < 30


async def test_a_request_that_is_made_again_has_new_luck(start, chat):
    sim = await start(faults=FaultPlan(rates=(FaultRate(kind=FaultKind("503"), rate=0.5),)))
    statuses = {(await chat(sim)).status_code for _ in range(20)}

    assert statuses == {200, 503}
