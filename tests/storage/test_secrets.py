"""The contract of ``SecretStore``, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wiseflow.core.sealed import SealedSecret, SecretStore
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.secrets import SqlSecretStore


@pytest.fixture
async def store(url) -> AsyncIterator[SecretStore]:
    database = await open_database(url)
    yield SqlSecretStore(database)
    await database.close()


def sealed(name: str, text: str) -> SealedSecret:
    return SealedSecret(name=name, key_id="k", sealed=text)


async def test_secrets_are_kept_by_name_and_the_last_one_stays(store):
    assert list(await store.all()) == []

    await store.put([sealed("B", "1"), sealed("A", "2")])
    await store.put([sealed("B", "3")])
    await store.put([])

    kept = await store.all()
    assert [(one.name, one.sealed) for one in kept] == [("A", "2"), ("B", "3")]
    assert all(one.set_at > 0 for one in kept)


async def test_an_erased_secret_is_gone(store):
    await store.put([sealed("A", "1")])

    assert await store.delete("A")
    assert not await store.delete("A")
    assert list(await store.all()) == []
