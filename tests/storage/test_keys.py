"""The contract of ``KeyStore``, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wiseflow.core.access import Scope
from wiseflow.core.keys import KeyStore, NewKey, StoredKey, digest_of
from wiseflow.storage.sql.keys import SqlKeyStore
from wiseflow.storage.sql.schema import open_database


@pytest.fixture
async def store(url) -> AsyncIterator[KeyStore]:
    database = await open_database(url)
    yield SqlKeyStore(database)
    await database.close()


async def test_a_key_is_found_as_it_was_made(store):
    new = NewKey(name="ci", tenant="acme", scope=Scope.RUN, requests_per_minute=7)

    made = await store.add(new, key_id="a" * 12, digest=digest_of("text"))

    assert await store.find("a" * 12) == StoredKey(key=made, digest=digest_of("text"))
    assert (made.name, made.tenant, made.scope) == ("ci", "acme", Scope.RUN)
    assert (made.requests_per_minute, made.expires_at, made.last_used_at) == (7, None, None)
    assert made.live


async def test_a_key_that_is_not_there_is_not_found(store):
    assert await store.find("b" * 12) is None
    assert await store.end("b" * 12) is None
    await store.touch("b" * 12)
    assert not await store.any()


async def test_a_revoked_key_is_not_live_and_keeps_its_first_time(store):
    await store.add(NewKey(name="ci"), key_id="a" * 12, digest="1")

    first = await store.end("a" * 12)
    again = await store.end("a" * 12)

    assert first is not None
    assert not first.live
    assert first.revoked_at is not None
    assert again == first
    assert await store.any()


async def test_a_key_expires_by_the_databases_clock(store):
    await store.add(NewKey(name="past", expires_in_s=-1.0), key_id="a" * 12, digest="1")
    await store.add(NewKey(name="later", expires_in_s=60.0), key_id="b" * 12, digest="2")

    assert {key.name: key.live for key in await store.list()} == {"past": False, "later": True}


async def test_a_grace_never_makes_a_key_last_longer(store):
    made = await store.add(NewKey(name="x", expires_in_s=60.0), key_id="a" * 12, digest="1")

    later = await store.end("a" * 12, in_s=3600.0)
    sooner = await store.end("a" * 12, in_s=10.0)

    assert later is not None
    assert later.expires_at == made.expires_at
    assert sooner is not None
    assert sooner.expires_at is not None
    assert sooner.expires_at < made.created_at + 60.0
    assert sooner.live


async def test_a_use_is_noted(store):
    made = await store.add(NewKey(name="x"), key_id="a" * 12, digest="1")

    await store.touch("a" * 12)

    found = await store.find("a" * 12)
    assert found is not None
    assert found.key.last_used_at is not None
    assert found.key.last_used_at >= made.created_at


async def test_a_tenants_keys_are_listed_apart_and_the_newest_first(store):
    for number, tenant in enumerate(("", "acme", "acme")):
        await store.add(
            NewKey(name=str(number), tenant=tenant), key_id=str(number) * 12, digest=str(number)
        )

    assert [key.name for key in await store.list(tenant="acme")] == ["2", "1"]
    assert [key.name for key in await store.list()] == ["2", "1", "0"]
