"""What is reached of a provider's limit, and how often it has to refuse, on a simulated clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import RateLimited
from wiseflow.core.limits import LimitKey, Need, RateLimit
from wiseflow.limits.door import Limiter
from wiseflow.limits.memory import MemoryLimitStore

from .conftest import Provider, SimulatedClock

KEY = LimitKey(provider="p", account="a", model="m")
KINDS = ["fixed", "sliding", "bucket"]
TEN_MINUTES = 600.0


async def call(limiter: Limiter, provider: Provider, run: str):
    """One call, again and again until it is accepted."""
    while True:
        try:
            async with limiter.admitted(
                KEY, Need(), priority=TaskPriority.NORMAL, run=run, deadline=None
            ) as ticket:
                try:
                    allowances = await provider.call()
                except RateLimited as error:
                    ticket.refused(error)
                    raise
                ticket.settle(Need(), allowances)
                return
        except RateLimited:
            continue


async def without_end(limiter: Limiter, provider: Provider, workers: int):
    async def worker(number: int):
        while True:
            await call(limiter, provider, f"r{number % 10}")

    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(worker(number))


async def for_a_while(clock: SimulatedClock, limiters: Sequence[Limiter], provider: Provider):
    """Demand without end from all of them; the share of the allowed rate that was used."""
    start = clock.time
    tasks = [
        asyncio.ensure_future(without_end(limiter, provider, 70 // len(limiters)))
        for limiter in limiters
    ]
    await clock.sleep(TEN_MINUTES - 0.001)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return len([at for at in provider.accepted if at < start + TEN_MINUTES]) / TEN_MINUTES


async def research(limiter: Limiter, provider: Provider, run: str, sections: int):
    """Four rounds of calls, each of which waits for the one before."""
    for width in (1, sections, sections, 1):
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(call(limiter, provider, run))


async def ten_researches(limiter: Limiter, provider: Provider, sections: int):
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(research(limiter, provider, f"r{number}", sections))


@pytest.mark.parametrize("phase", [0.0, 23.0])
@pytest.mark.parametrize("headers", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_limit_that_is_set_or_in_headers_is_used_and_never_refused(
    clock, kind, headers, phase
):
    provider = Provider(clock, kind=kind, headers=headers, fixed_from=clock.time - phase)
    limiter = Limiter(clock=clock)
    if not headers:
        limiter.set_rate("p", RateLimit(requests_per_minute=60))

    share = await clock.run(for_a_while(clock, [limiter], provider))

    assert share >= 0.98
    assert provider.refusals == 0
    assert provider.most_in_a_window() <= 60


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_limit_that_must_be_found_is_refused_three_times_at_most(clock, kind, retry_after):
    provider = Provider(clock, kind=kind, retry_after=retry_after, fixed_from=clock.time - 5)
    start = clock.time

    await clock.run(ten_researches(Limiter(clock=clock), provider, 5))

    assert provider.refusals <= 3
    assert len(provider.accepted) == 120
    assert clock.time - start <= 70  # the second half of them comes in the second minute


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_limit_that_was_found_is_used(clock, kind, retry_after):
    provider = Provider(clock, kind=kind, retry_after=retry_after, fixed_from=clock.time - 5)

    share = await clock.run(for_a_while(clock, [Limiter(clock=clock)], provider))

    assert share >= 0.98
    assert provider.refusals <= 5  # with one trial above it


@pytest.mark.parametrize("sections", [5, 15])
async def test_without_a_limit_nothing_is_slowed(clock, sections):
    provider = Provider(clock)
    start = clock.time

    await clock.run(ten_researches(Limiter(clock=clock), provider, sections))

    alone = 4 * (provider.latency_s + provider.network_s)
    assert clock.time - start <= 1.02 * alone


# Several processes.


def instances(
    clock: SimulatedClock, count: int = 4, per_minute: float | None = None
) -> list[Limiter]:
    store = MemoryLimitStore(clock)
    limiters = [Limiter(clock=clock, store=store, holder=f"h{n}") for n in range(count)]
    for limiter in limiters:
        limiter.set_rate("p", RateLimit(requests_per_minute=per_minute))
    return limiters


@pytest.mark.parametrize("kind", KINDS)
async def test_four_processes_share_a_limit_and_never_exceed_it(clock, kind):
    provider = Provider(clock, kind=kind)

    share = await clock.run(for_a_while(clock, instances(clock, per_minute=60), provider))

    assert share >= 0.95
    assert provider.refusals == 0
    assert provider.most_in_a_window() <= 60


@pytest.mark.parametrize("kind", KINDS)
async def test_four_processes_hear_a_limit_by_headers(clock, kind):
    provider = Provider(clock, kind=kind, headers=True)

    share = await clock.run(for_a_while(clock, instances(clock), provider))

    assert share >= 0.95
    assert provider.refusals == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_when_one_of_four_dies_the_others_use_the_limit(clock, kind):
    provider = Provider(clock, kind=kind)
    first, *others = instances(clock, per_minute=60)

    async def dies():
        task = asyncio.ensure_future(without_end(first, provider, 20))
        await clock.sleep(97)
        # As one that is killed: it gives nothing back.
        assert first._lending is not None
        first._lending._blocked_until = float("inf")
        task.cancel()
        await asyncio.wait([task])

    async def all_of_them():
        async with asyncio.TaskGroup() as group:
            group.create_task(dies())
            share = group.create_task(for_a_while(clock, others, provider))
        return share.result()

    assert await clock.run(all_of_them()) >= 0.95
    assert provider.refusals == 0
    assert provider.most_in_a_window() <= 60


async def test_a_limit_that_one_found_the_others_keep(clock):
    provider = Provider(clock, kind="sliding")

    share = await clock.run(for_a_while(clock, instances(clock), provider))

    assert share >= 0.9
    assert provider.refusals <= 25
    assert provider.most_in_a_window() <= 60


async def test_a_refusal_of_one_pauses_all(clock):
    first, second = instances(clock, 2, per_minute=600)

    async def refused():
        async with first.admitted(
            KEY, Need(), priority=TaskPriority.NORMAL, run="r", deadline=None
        ) as ticket:
            ticket.refused(RateLimited("429", retry_after_s=30))
        await clock.sleep(0.01)
        start = clock.time
        await call(second, Provider(clock, latency_s=0), "r")
        return clock.time - start

    assert await clock.run(refused()) >= 30
