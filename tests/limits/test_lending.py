"""What an instance borrows of limits that several share."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput, RateLimited, StorageError
from wiseflow.core.limits import LimitKey, Need, RateLimit
from wiseflow.limits.door import Limiter
from wiseflow.limits.memory import MemoryLimitStore

KEY = LimitKey(provider="p", account="a", model="m")
NOTHING = Need()


class Counted(MemoryLimitStore):
    """Counts what it is asked, and fails when told to."""

    def __init__(self, clock):
        super().__init__(clock)
        self.leases = 0
        self.broken = False

    async def lease(self, asks, *, holder):
        if self.broken:
            raise StorageError("the store is away")
        self.leases += 1
        return await super().lease(asks, holder=holder)

    def used(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for (_, dimension, _), loans in self._loans.items():
            totals[dimension.value] = totals.get(dimension.value, 0) + sum(
                loan.amount for _, loan in loans
            )
        return totals


@pytest.fixture
def store(clock) -> Counted:
    return Counted(clock)


async def send(limiter, clock, *, takes_s=1.0, need=NOTHING, used=None, deadline=None):
    async with limiter.admitted(
        KEY, need, priority=TaskPriority.NORMAL, run="r", deadline=deadline
    ) as ticket:
        await clock.sleep(takes_s)
        ticket.settle(used or need)


def test_an_instance_needs_a_name(clock, store):
    with pytest.raises(InvalidInput, match="no name"):
        Limiter(clock=clock, store=store)


async def test_many_calls_are_lent_for_at_once(clock, store):
    limiter = Limiter(clock=clock, store=store, holder="a")
    limiter.set_rate("p", RateLimit(requests_per_minute=6000))

    async def hundred():
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(send(limiter, clock))

    await clock.run(hundred())

    assert store.leases <= 3


async def test_tokens_that_were_not_used_go_back(clock, store):
    limiter = Limiter(clock=clock, store=store, holder="a")
    limiter.set_rate("p", RateLimit(tokens_per_minute=1000), model="m")

    await clock.run(send(limiter, clock, need=Need(tokens=900), used=Need(tokens=100)))
    await clock.run(send(limiter, clock, need=Need(tokens=850)))

    assert store.used() == {"requests_per_minute": 2, "tokens_per_minute": 950}


async def test_what_was_lent_to_one_that_gave_up_goes_back(clock, store):
    limiter = Limiter(clock=clock, store=store, holder="a")
    limiter.set_rate("p", RateLimit(requests_per_minute=600))

    async def cancelled():
        tasks = [asyncio.ensure_future(send(limiter, clock)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await clock.sleep(5)

    await clock.run(cancelled())

    assert sum(store.used().values()) == 0
    assert limiter._lending is not None
    assert limiter._lending._task is None
    assert limiter._timer is None


async def test_a_store_that_fails_holds_calls_and_is_asked_again(clock, store, caplog):
    limiter = Limiter(clock=clock, store=store, holder="a")
    limiter.set_rate("p", RateLimit(requests_per_minute=600))
    store.broken = True

    async def mended():
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(send(limiter, clock, takes_s=0))
            with pytest.raises(RateLimited, match="other instances"):
                await send(limiter, clock, deadline=clock.time + 5)
            assert not sending.done()
            store.broken = False

    await clock.run(mended())

    assert "limits cannot be shared" in caplog.text


async def test_concurrency_is_shared_and_given_back(clock, store):
    limiters = [Limiter(clock=clock, store=store, holder=holder) for holder in "ab"]
    under_way, most = 0, 0

    async def counted(limiter):
        nonlocal under_way, most
        async with limiter.admitted(
            KEY, Need(), priority=TaskPriority.NORMAL, run="r", deadline=None
        ):
            under_way += 1
            most = max(most, under_way)
            await clock.sleep(3)
            under_way -= 1

    async def both():
        async with asyncio.TaskGroup() as group:
            for limiter in limiters:
                limiter.set_rate("p", RateLimit(concurrency=3), model="m")
                for _ in range(10):
                    group.create_task(counted(limiter))
        took = clock.time
        await clock.sleep(30)
        return took

    start = clock.time
    took = await clock.run(both())

    assert most == 3
    assert took - start <= 25  # 21 s when all are always used
    assert all(not slots for slots in store._slots.values())


async def test_slots_are_kept_while_a_long_call_is_under_way(clock, store):
    first, second = [Limiter(clock=clock, store=store, holder=holder) for holder in "ab"]
    for limiter in (first, second):
        limiter.set_rate("p", RateLimit(concurrency=1))

    async def long():
        async with asyncio.TaskGroup() as group:
            group.create_task(send(first, clock, takes_s=100))
            await clock.sleep(0.01)
            start = clock.time
            await send(second, clock)
        return start, clock.time

    start, end = await clock.run(long())

    assert 100 <= end - start + 0.01 <= 106
