"""Calls that wait at the door, on a clock that goes on by itself."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput, ProviderDown, RateLimited
from wiseflow.core.limits import Allowance, Dimension, LimitKey, Need, RateLimit
from wiseflow.limits.door import Limiter

from .conftest import SimulatedClock, settle

KEY = LimitKey(provider="p", account="a", model="m")
P = TaskPriority
NOTHING = Need()


@pytest.fixture
def limiter(clock) -> Limiter:
    return Limiter(clock=clock, chance=random.Random(1))


async def send(
    limiter,
    clock,
    *,
    takes_s=1.0,
    need=NOTHING,
    priority=P.NORMAL,
    run="r",
    deadline=None,
    sent=None,
):
    async with limiter.admitted(KEY, need, priority=priority, run=run, deadline=deadline) as ticket:
        if sent is not None:
            sent.append((clock.time, run))
        await clock.sleep(takes_s)
        ticket.settle(need)


async def test_a_call_waits_until_it_may_be_sent(clock, limiter):
    limiter.set_rate("p", RateLimit(requests_per_minute=2), model="m")
    start, sent = clock.time, []

    async def three():
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(send(limiter, clock, sent=sent))

    await clock.run(three())

    assert [at - start for at, _ in sent] == [0, 0, pytest.approx(60.9)]


async def test_a_rate_that_is_raised_frees_those_that_wait(clock, limiter):
    limiter.set_rate("p", RateLimit(requests_per_minute=1))
    sent = []

    async def raised():
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(send(limiter, clock, sent=sent))
            await clock.sleep(5)
            limiter.set_rate("p", RateLimit(requests_per_minute=100))

    start = clock.time
    await clock.run(raised())

    assert [at - start for at, _ in sent] == [0, 5, 5]


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["requests_per_minute", "concurrency"])
def test_a_limit_that_is_none_is_refused_with_its_name(limiter, name, value):
    with pytest.raises(InvalidInput, match=name):
        limiter.set_rate("p", RateLimit(**{name: value}))


async def test_a_deadline_that_would_pass_is_told_with_what_holds_it(clock, limiter):
    limiter.set_rate("p", RateLimit(requests_per_minute=1))
    await clock.run(send(limiter, clock))

    with pytest.raises(RateLimited, match="requests_per_minute") as caught:
        await clock.run(send(limiter, clock, deadline=clock.time + 5))

    assert caught.value.provider == "p"
    assert caught.value.retry_after_s == pytest.approx(59.9)
    assert limiter.state()[0].waiting == 0


async def test_a_deadline_that_passes_while_waiting_is_told(clock, limiter):
    limiter.set_rate("p", RateLimit(concurrency=1))

    async def both():
        async with asyncio.TaskGroup() as group:
            group.create_task(send(limiter, clock, takes_s=100))
            await clock.sleep(0.01)
            with pytest.raises(RateLimited, match="concurrency") as caught:
                await send(limiter, clock, deadline=clock.time + 5)
            assert caught.value.retry_after_s is None

    await clock.run(both())


async def test_a_refusal_pauses_the_key_and_a_provider_that_is_down_only_when_it_says_so(
    clock, limiter
):
    async def refused(error):
        async with limiter.admitted(
            KEY, Need(), priority=P.NORMAL, run="r", deadline=None
        ) as ticket:
            ticket.refused(error)

    await clock.run(refused(ProviderDown("503")))
    assert limiter.state()[0].paused_s == 0
    await clock.run(refused(ProviderDown("503", retry_after_s=10)))
    assert limiter.state()[0].paused_s == pytest.approx(10.1)
    await clock.run(refused(RateLimited("429", retry_after_s=30)))
    start = clock.time
    await clock.run(send(limiter, clock, takes_s=0))
    assert clock.time - start > 30


async def test_what_screens_show(clock, limiter):
    limiter.set_rate(
        "p", RateLimit(requests_per_minute=5, concurrency=2, bytes_per_s=10), model="m"
    )

    async def one():
        async with limiter.admitted(
            KEY, Need(tokens=7), priority=P.NORMAL, run="r", deadline=None
        ) as ticket:
            ticket.settle(
                Need(tokens=7, bytes=100),
                (Allowance(dimension=Dimension.TOKENS, limit=1000, remaining=993),),
            )
            (key,) = limiter.state()
        return key

    key = await clock.run(one())

    assert (key.key, key.under_way, key.waiting, key.paused_s) == (KEY, 1, 0, 0)
    shown = {limit.dimension: (limit.limit, limit.source, limit.used) for limit in key.limits}
    assert shown == {
        Dimension.REQUESTS: (5, "set", 1),
        Dimension.TOKENS: (1000, "told", 0),
        Dimension.CONCURRENCY: (2, "set", 1),
        Dimension.BYTES: (10, "set", 100),
    }


async def test_limits_that_nobody_knows_are_shown_as_unknown(clock, limiter):
    await clock.run(send(limiter, clock))

    assert [(one.limit, one.source) for one in limiter.state()[0].limits] == [(None, "")] * 2


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.floats(0.001, 40), st.sampled_from("abc")),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_nothing_leaks_when_calls_are_cancelled_at_any_moment(calls, per_minute, at_once):
    """``calls``: when each comes, when it is cancelled after that, and its run."""

    async def go(clock):
        limiter = Limiter(clock=clock)
        limiter.set_rate("p", RateLimit(requests_per_minute=per_minute, concurrency=at_once))

        async def one(comes, cancelled, run):
            await clock.sleep(comes)
            task = asyncio.ensure_future(send(limiter, clock, takes_s=7, run=run))
            await clock.sleep(cancelled)
            task.cancel()
            await asyncio.wait([task])

        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(one(*call))
        await settle()
        (key,) = limiter.state()
        assert (key.waiting, key.under_way) == (0, 0)
        assert limiter._waiters == {}
        assert limiter._timer is None
        await send(limiter, clock)

    async def top():
        clock = SimulatedClock()
        await clock.run(go(clock))
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(top())


async def test_an_urgent_research_is_hardly_held_by_two_hundred_others(clock, limiter):
    limiter.set_rate("p", RateLimit(requests_per_minute=60))
    sent = []

    async def urgent():
        await clock.sleep(200)
        start = clock.time
        for _ in range(20):
            await send(limiter, clock, priority=P.CRITICAL, run="urgent")
        return clock.time - start

    async def usual(number):
        while True:
            await send(limiter, clock, run=f"r{number}", sent=sent)

    async def all_of_them():
        others = [asyncio.ensure_future(usual(number)) for number in range(200)]
        took = await urgent()
        for other in others:
            other.cancel()
        await asyncio.wait(others)
        return took

    assert await clock.run(all_of_them()) <= 90
    runs = [run for _, run in sent]
    assert max(map(runs.count, set(runs))) - min(map(runs.count, set(runs))) <= 2
