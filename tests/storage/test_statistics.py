"""The contract of ``StatisticsStore``, on each database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command

from wiseflow.core.ports import StatisticsStore
from wiseflow.storage.sql import schema
from wiseflow.storage.sql.schema import check, open_database
from wiseflow.storage.sql.statistics import SqlStatisticsStore


@pytest.fixture
async def store(url) -> AsyncIterator[StatisticsStore]:
    database = await open_database(url)
    yield SqlStatisticsStore(database)
    await database.close()


async def test_nothing_is_kept_at_first(store):
    assert await store.load() == {}


async def test_what_was_saved_is_there_by_kind(store):
    await store.save({"parse": '{"samples": 3}', "größe → 1": "{}"})

    assert await store.load() == {"parse": '{"samples": 3}', "größe → 1": "{}"}


async def test_saving_again_replaces_a_kind_and_leaves_the_others(store):
    await store.save({"parse": "1", "index": "2"})

    await store.save({"parse": "3", "fetch": "4"})

    assert await store.load() == {"parse": "3", "index": "2", "fetch": "4"}


async def test_saving_nothing_changes_nothing(store):
    await store.save({"parse": "1"})

    await store.save({})

    assert await store.load() == {"parse": "1"}


async def test_saves_at_once_keep_all_kinds_and_one_of_the_values_of_each(store):
    kinds = [f"kind {number}" for number in range(20)]

    async with asyncio.TaskGroup() as group:
        for writer in range(5):
            order = kinds if writer % 2 else kinds[::-1]
            group.create_task(store.save(dict.fromkeys(order, str(writer))))

    kept = await store.load()
    assert sorted(kept) == sorted(kinds)
    assert set(kept.values()) <= {"0", "1", "2", "3", "4"}


async def test_a_name_of_five_hundred_wide_characters_is_kept(store):
    await store.save({"𝛼" * 500: "1"})

    assert await store.load() == {"𝛼" * 500: "1"}


async def test_a_database_from_before_there_were_statistics_is_brought_up_to_date(url):
    database = await open_database(url)

    async def unit(connection):
        await connection.run_sync(
            lambda sync: command.downgrade(schema.migration_config(sync), "0001")
        )

    await database.write(unit)
    assert (await check(database)).current == "0001"
    await database.close()

    database = await open_database(url)
    await SqlStatisticsStore(database).save({"parse": "1"})
    assert (await check(database)).problems == ()
    assert await SqlStatisticsStore(database).load() == {"parse": "1"}
    await database.close()
