"""The contract of ``InstanceStore``, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wiseflow.core.instances import InstanceKind, Sign
from wiseflow.storage.sql.instances import SqlInstanceStore

SIGN = Sign(
    name="host/1", kind=InstanceKind.WORKER, host="host", version="1.2", capacity=4, running=0
)


@pytest.fixture
def store(stores) -> SqlInstanceStore:
    return SqlInstanceStore(stores.database)


async def test_a_sign_of_life_reads_back_and_the_last_one_holds(store):
    await store.beat(SIGN)
    (first,) = await store.instances(alive_s=60)
    await store.beat(replace(SIGN, running=3))

    (last,) = await store.instances(alive_s=60)

    assert (first.sign, first.alive) == (SIGN, True)
    assert last.sign == replace(SIGN, running=3)
    assert last.started_at == first.started_at
    assert last.seen_at >= first.seen_at > 1_700_000_000


async def test_who_was_not_seen_lately_is_shown_as_dead_and_then_forgotten(store):
    await store.beat(SIGN)

    (dead,) = await store.instances(alive_s=-1)
    assert not dead.alive
    assert await store.prune(unseen_s=60) == 0
    assert await store.prune(unseen_s=-1) == 1

    assert await store.instances(alive_s=60) == []


async def test_who_ends_in_order_is_not_known_any_more(store):
    await store.beat(SIGN)
    await store.beat(replace(SIGN, name="host/2", kind=InstanceKind.SERVE))

    await store.leave("host/1")

    assert [one.sign.name for one in await store.instances(alive_s=60)] == ["host/2"]
