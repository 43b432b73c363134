"""Making, checking and upgrading the tables."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from wiseflow.core.errors import SchemaMismatch, StorageError
from wiseflow.storage.sql import schema, wake_schema
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.schema import HEAD, SchemaState, check, open_database, upgrade
from wiseflow.storage.sql.tables import metadata


async def make(url: str):
    await (await open_database(url)).close()


async def run(database: Database, statement: str):
    async def unit(connection):
        await connection.execute(text(statement))

    await database.write(unit)


async def test_an_empty_database_is_made_ready(empty_url):
    database = await open_database(empty_url)

    assert await check(database) == SchemaState(current=HEAD, expected=HEAD)
    await database.close()


async def test_without_leave_to_migrate_an_empty_database_is_refused(empty_url):
    with pytest.raises(SchemaMismatch, match="wiseflow db upgrade"):
        await open_database(empty_url, migrate=False)


async def test_the_check_of_an_empty_database_says_how_to_make_it_ready(empty_url):
    async with Database(empty_url) as database:
        state = await check(database)

    assert (state.current, state.expected) == ("", HEAD)
    assert "wiseflow db upgrade" in state.problems[0]


async def test_a_newer_database_is_refused_with_what_to_do(url):
    database = await open_database(url)
    await run(database, "UPDATE alembic_version SET version_num = '9999'")

    assert "version 9999" in (await check(database)).problems[0]
    with pytest.raises(SchemaMismatch, match="Install the newer version"):
        await upgrade(database)
    await database.close()
    with pytest.raises(SchemaMismatch, match="9999") as raised:
        await open_database(url)
    assert not raised.value.retryable


async def test_the_check_names_what_is_missing(url):
    database = await open_database(url)
    await run(database, "DROP TABLE report_sources")
    await run(database, "ALTER TABLE steps RENAME COLUMN at TO moment")

    problems = (await check(database)).problems

    assert set(problems) == {
        "the table report_sources is missing",
        "the column steps.at is missing",
    }
    await database.close()


async def test_upgrades_at_once_are_safe(empty_url):
    async with asyncio.TaskGroup() as group:
        opened = [group.create_task(open_database(empty_url)) for _ in range(4)]

    for task in opened:
        assert (await check(task.result())).problems == ()
        await task.result().close()


def ours(_object, name, kind, _reflected, _compared) -> bool:
    """Whether a table is not of procrastinate, nor the record of its migrations."""
    return kind != "table" or not name.startswith(("procrastinate_", wake_schema.RECORD))


async def test_the_migrations_make_the_tables_as_they_are_written(url):
    database = await open_database(url)

    async def unit(connection):
        return await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"include_object": ours}), metadata
            )
        )

    assert await database.read(unit) == []
    await database.close()


async def test_the_first_migration_can_be_undone(url):
    database = await open_database(url)

    async def unit(connection):
        await connection.run_sync(
            lambda sync: command.downgrade(schema.migration_config(sync), "base")
        )

    await database.write(unit)
    assert (await check(database)).current == ""
    await upgrade(database)
    assert (await check(database)).problems == ()
    await database.close()


async def to_revision(database: Database, revision: str):
    async def unit(connection):
        await connection.run_sync(
            lambda sync: command.downgrade(schema.migration_config(sync), revision)
        )

    await database.write(unit)


OLD_SOURCE = (
    "INSERT INTO sources (source_id, collection, document_id, path, title, url, published,"
    " language, sha256, index_state, passage_count, text) VALUES"
    " ('s1', 'c', 'd', '/p', 'T', '', '2024', 'en', '0', 'indexed', 0, 'Bees dance.')"
)


async def test_sources_of_an_earlier_version_are_kept_with_nobody_known(url):
    database = await open_database(url)
    await to_revision(database, "0004")
    await run(database, OLD_SOURCE)
    assert (await check(database)).current == "0004"

    await upgrade(database)

    source = await SqlDocumentStore(database).source("s1")
    assert (source.text, source.authors, source.site) == ("Bees dance.", (), "")
    assert (await check(database)).problems == ()
    await to_revision(database, "0004")
    await run(database, OLD_SOURCE.replace("'s1'", "'s2'"))
    await upgrade(database)
    assert set(await SqlDocumentStore(database).sources(["s1", "s2"])) == {"s1", "s2"}
    await database.close()


def test_the_revisions_are_those_of_the_migrations():
    scripts = ScriptDirectory(str(schema.MIGRATIONS))
    revisions = [script.revision for script in scripts.walk_revisions()]

    assert tuple(reversed(revisions)) == schema.REVISIONS


def test_opening_an_up_to_date_database_does_not_load_alembic(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    asyncio.run(make(url))
    program = (
        "import asyncio, sys\n"
        "from wiseflow.storage.sql.schema import open_database\n"
        "async def main():\n"
        "    await (await open_database(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, url],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "False"


async def test_a_database_that_cannot_be_opened_leaves_nothing_open(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no database" * 100)

    with pytest.raises(StorageError, match="is not an SQLite database"):
        await open_database(f"sqlite:///{tmp_path}/x.db")
