"""The contract of ``LimitStore``, on each store."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.errors import ConfigurationError, StorageError
from wiseflow.core.limits import Dimension, LeaseAsk, LeaseReturn, LimitKey, SlotAsk
from wiseflow.storage.redis.limits import RedisLimitStore

KEY = LimitKey(provider="openai", account="a1", model="m/1")
OTHER = LimitKey(provider="openai", account="a1")
R, T = Dimension.REQUESTS, Dimension.TOKENS
# So that what it tests is over soon, and a slow machine does not pass it by chance.
SHORT_S = 1.5


def ask(
    least=1.0, most=None, *, limit: float | None = 10.0, key=KEY, dimension=R, window_s=1000.0
) -> LeaseAsk:
    return LeaseAsk(
        key=key,
        dimension=dimension,
        window_s=window_s,
        limit=limit,
        least=least,
        most=least if most is None else most,
    )


def back(amount: float, *, window_s=1000.0) -> LeaseReturn:
    return LeaseReturn(key=KEY, dimension=R, window_s=window_s, amount=amount)


def slots(wanted: int, *, in_use=0, limit=6, ttl_s=1000.0) -> SlotAsk:
    return SlotAsk(key=KEY, in_use=in_use, wanted=wanted, limit=limit, ttl_s=ttl_s)


async def test_what_is_lent_is_used_for_all(store):
    first = await store.lease([ask(4)], holder="a")
    second = await store.lease([ask(4)], holder="b")
    third = await store.lease([ask(4)], holder="c")

    assert first.amounts == second.amounts == (4,)
    assert first.retry_in_s == 0
    assert (first.used, second.used) == ((4,), (8,))
    assert third.amounts == (0,)
    assert 900 < third.retry_in_s <= 1000
    assert third.used == (8,)


async def test_less_than_the_most_is_lent_when_there_is_less(store):
    await store.lease([ask(7)], holder="a")

    assert (await store.lease([ask(1, 5)], holder="b")).amounts == (3,)


async def test_a_need_over_the_limit_is_lent_all_of_it(store):
    assert (await store.lease([ask(50, dimension=T)], holder="a")).amounts == (10,)


async def test_of_several_limits_all_are_lent_or_none(store):
    await store.lease([ask(8, dimension=T)], holder="a")

    refused = await store.lease([ask(1), ask(5, dimension=T)], holder="b")
    lent = await store.lease([ask(1), ask(2, dimension=T)], holder="b")

    assert refused.amounts == (0, 0)
    assert lent.amounts == (1, 2)
    assert lent.used == (1, 10)


async def test_a_limit_that_nobody_knows_is_lent_without_end_and_counted(store):
    await store.lease([ask(5, 30, limit=None)], holder="a")

    leased = await store.lease([ask(1, 2, limit=None)], holder="b")

    assert leased.amounts == (2,)
    assert leased.used == (32,)


async def test_what_was_lent_counts_until_its_window_has_passed_and_no_longer(store):
    await store.lease([ask(10, window_s=SHORT_S)], holder="dead")

    refused = await store.lease([ask(1, window_s=SHORT_S)], holder="b")
    assert refused.amounts == (0,)
    assert 0 < refused.retry_in_s <= SHORT_S
    await asyncio.sleep(SHORT_S + 0.05)
    assert (await store.lease([ask(10, window_s=SHORT_S)], holder="b")).amounts == (10,)


async def test_what_is_given_back_can_be_lent_again(store):
    await store.lease([ask(6)], holder="a")
    await store.lease([ask(4)], holder="b")

    await store.give_back([back(5)], holder="a")

    assert (await store.lease([ask(1, 9)], holder="c")).amounts == (5,)


async def test_nobody_gives_back_more_than_was_lent_nor_what_others_have(store):
    await store.lease([ask(2)], holder="a:1")
    await store.lease([ask(8)], holder="b")

    await store.give_back([back(100)], holder="a:1")
    await store.give_back([back(100)], holder="nobody")

    assert (await store.lease([ask(1, 10)], holder="c")).amounts == (2,)


async def test_a_paused_key_lends_nothing_and_others_do(store):
    await store.pause(KEY, SHORT_S)
    await store.pause(KEY, SHORT_S / 100)  # the longer one stays

    paused = await store.lease([ask(1), ask(1, key=OTHER)], holder="a")
    other = await store.lease([ask(1, key=OTHER)], holder="a")
    await asyncio.sleep(SHORT_S + 0.05)
    after = await store.lease([ask(1)], holder="a")

    assert paused.amounts == (0, 0)
    assert SHORT_S / 2 < paused.retry_in_s <= SHORT_S
    assert other.amounts == after.amounts == (1,)


async def test_what_one_found_the_others_learn(store):
    assert (await store.lease([ask(1)], holder="a")).learnt == (None,)

    await store.learn(KEY, R, 50)
    await store.learn(KEY, R, 60.5)

    leased = await store.lease([ask(1), ask(1, dimension=T), ask(1, key=OTHER)], holder="b")
    assert leased.learnt == (60.5, None, None)


async def test_slots_are_held_up_to_the_limit_and_given_back(store):
    assert await store.hold(slots(4), holder="a") == 4
    assert await store.hold(slots(4), holder="b") == 2
    assert await store.hold(slots(0), holder="a") == 0
    assert await store.hold(slots(6, in_use=2), holder="b") == 6


async def test_while_another_is_short_none_gets_more_than_its_part(store):
    assert await store.hold(slots(6), holder="a") == 6
    assert await store.hold(slots(6), holder="b") == 0

    assert await store.hold(slots(6, in_use=5), holder="a") == 5  # under way already
    assert await store.hold(slots(6), holder="b") == 1
    assert await store.hold(slots(6, in_use=2), holder="a") == 3
    assert await store.hold(slots(6), holder="b") == 3
    assert await store.hold(slots(6), holder="a") == 3


async def test_slots_of_a_dead_instance_are_free_after_a_while(store):
    assert await store.hold(slots(6, ttl_s=SHORT_S), holder="dead") == 6
    assert await store.hold(slots(6), holder="b") == 0
    await asyncio.sleep(SHORT_S + 0.05)

    assert await store.hold(slots(6), holder="b") == 6


async def test_many_at_once_are_lent_no_more_than_the_limit(store):
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                store.lease([ask(1, 3, key=key) for key in order], holder=f"h{number % 4}")
            )
            for number in range(20)
            for order in [(KEY, OTHER) if number % 2 else (OTHER, KEY)]
        ]

    for place in (0, 1):
        assert sum(task.result().amounts[place] for task in tasks) == 10


async def test_a_redis_that_is_not_there_is_told_without_the_password():
    store = RedisLimitStore("redis://user:hidden@127.0.0.1:1/0")

    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1") as caught:
        await store.lease([ask(1)], holder="a")

    assert "hidden" not in str(caught.value)
    await store.close()


@pytest.mark.parametrize("url", ["http://x", "", "redis://h:port"])
def test_an_address_that_is_none_of_redis_is_refused(url):
    with pytest.raises(ConfigurationError, match="address of Redis"):
        RedisLimitStore(url)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "redis.asyncio", None)

    with pytest.raises(ConfigurationError, match=r"wiseflow\[redis\]"):
        RedisLimitStore("redis://localhost")
