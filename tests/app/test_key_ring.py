"""Whose a key is, and how soon a revoked one stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from wiseflow.app.key_ring import KNOWN_S, TOUCH_S, KeyRing
from wiseflow.core.access import Scope
from wiseflow.core.errors import Unauthenticated
from wiseflow.core.keys import KeyStore, NewKey, digest_of, key_id_of, new_key_text
from wiseflow.storage.sql.keys import SqlKeyStore
from wiseflow.storage.sql.schema import open_database


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self):
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[KeyStore]:
    database = await open_database(f"sqlite:///{tmp_path}/wiseflow.db")
    yield SqlKeyStore(database)
    await database.close()


@pytest.fixture
def ring(store, clock):
    return KeyRing(store, clock)


async def make(store: KeyStore, **fields) -> str:
    text = new_key_text()
    new = NewKey(name="ci", scope=Scope.RUN)
    await store.add(replace(new, **fields), key_id=key_id_of(text), digest=digest_of(text))
    return text


async def test_a_key_tells_who_asks(store, ring):
    text = await make(store, tenant="acme")

    asking = (await ring.key(text)).principal

    assert (asking.name, asking.tenant, asking.scope) == ("ci", "acme", Scope.RUN)
    assert asking.key_id == key_id_of(text)


async def test_a_wrong_secret_under_a_right_id_is_refused(store, ring):
    text = await make(store)
    other = new_key_text().rpartition("_")[2]

    with pytest.raises(Unauthenticated) as refused:
        await ring.key(f"wf_{key_id_of(text)}_{other}")

    assert other not in str(refused.value)


@pytest.mark.parametrize("text", ["", "wf_", "x" * 10_000, f"wf_{'a' * 12}_{'a' * 52}"], ids=len)
async def test_what_is_no_key_of_ours_is_refused(ring, text):
    with pytest.raises(Unauthenticated):
        await ring.key(text)


async def test_a_key_revoked_elsewhere_stops_within_the_time_that_it_is_known(store, ring, clock):
    text = await make(store)
    await ring.key(text)

    await store.end(key_id_of(text))

    await ring.key(text)  # still known
    clock.at += KNOWN_S
    with pytest.raises(Unauthenticated):
        await ring.key(text)
    with pytest.raises(Unauthenticated):
        await ring.by_id(key_id_of(text))


async def test_a_key_revoked_here_stops_at_once(store, ring):
    text = await make(store)
    await ring.key(text)

    await store.end(key_id_of(text))
    ring.forget()

    with pytest.raises(Unauthenticated):
        await ring.key(text)


async def test_an_expired_key_is_refused(store, ring):
    text = await make(store, expires_in_s=-1.0)

    with pytest.raises(Unauthenticated):
        await ring.key(text)


async def test_uses_are_noted_once_a_minute(store, ring, clock):
    text = await make(store)

    await ring.key(text)
    first = (await store.find(key_id_of(text))).key.last_used_at
    await ring.key(text)
    again = (await store.find(key_id_of(text))).key.last_used_at
    clock.at += TOUCH_S
    await ring.key(text)
    later = (await store.find(key_id_of(text))).key.last_used_at

    assert first is not None
    assert again == first
    assert later > first


async def test_the_first_key_is_noticed_and_is_never_unnoticed_again(store, ring, clock):
    assert not await ring.any_key()

    text = await make(store)
    clock.at += KNOWN_S
    assert await ring.any_key()

    await store.end(key_id_of(text))
    clock.at += KNOWN_S
    assert await ring.any_key()
