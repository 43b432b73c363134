"""Statements that are built once do the same on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, insert, select, update

from wiseflow.core.errors import InvalidInput, StorageError
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.prepared import Prepared
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.tables import collections

COLUMNS = ("collection_id", "name", "private")
ADD = Prepared(insert(collections).values(**{name: bindparam(name) for name in COLUMNS}))
NAMED = Prepared(
    select(collections.c.collection_id, collections.c.name, collections.c.private)
    .where(collections.c.name == bindparam("wanted"), collections.c.tenant == "")
    .order_by(collections.c.collection_id)
)
OPEN = Prepared(
    update(collections).where(collections.c.private.is_(True)).values(private=bindparam("now"))
)


def row(number: int, name: str) -> dict[str, object]:
    return {"collection_id": number, "name": name, "private": True}


@pytest.fixture
async def database(url):
    database = await open_database(url)
    yield database
    await database.close()


async def add(database: Database, *rows: dict[str, object]) -> None:
    async def unit(connection):
        await ADD.each(connection, rows)

    await database.write(unit)


async def test_rows_come_with_their_columns_by_name(database):
    await add(database, row(1, "bees"), row(2, "wasps"))

    async def unit(connection):
        return await NAMED.rows(connection, {"wanted": "wasps"})

    (found,) = await database.read(unit)
    assert (found.collection_id, found.name, bool(found.private)) == (2, "wasps", True)


async def test_the_first_value_is_none_where_there_is_no_row(database):
    await add(database, row(1, "bees"))

    async def unit(connection):
        names = ("bees", "wasps")
        return [await NAMED.first(connection, {"wanted": name}) for name in names]

    assert await database.read(unit) == [1, None]


async def test_changed_rows_are_counted(database):
    await add(database, row(1, "bees"), row(2, "wasps"))

    async def unit(connection):
        return [await OPEN.changes(connection, {"now": False}) for _ in range(2)]

    assert await database.write(unit) == [2, 0]


async def test_a_refusal_is_an_error_of_ours_and_nothing_is_kept(database):
    await add(database, row(1, "bees"))

    with pytest.raises(StorageError, match="the database") as raised:
        await add(database, row(2, "wasps"), row(3, "bees"))

    assert "INSERT" not in str(raised.value)
    await add(database, row(2, "wasps"))


async def test_a_text_that_cannot_be_stored_is_named(database):
    with pytest.raises(InvalidInput):
        await add(database, row(1, "\ud800"))
