"""The version of a database's tables: read, checked, upgraded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import inspect, text

import wiseflow.storage.sql.access_tables  # noqa: F401 # pyright: ignore[reportUnusedImport] - its tables join `metadata`
from wiseflow.core.errors import SchemaMismatch
from wiseflow.storage.sql import schedule_tables, wake_schema
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.options import DatabaseOptions
from wiseflow.storage.sql.request_keys import request_keys
from wiseflow.storage.sql.service_tables import metadata  # with all tables
from wiseflow.storage.sql.tallies import job_tallies

if TYPE_CHECKING:
    from alembic.config import Config

# All revisions from the first to the newest; a test compares them with the migrations.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
HEAD = REVISIONS[-1]
VERSION_TABLE = "alembic_version"
# Whose tables are in ``metadata`` once they are imported.
MORE_TABLES = (schedule_tables, job_tallies, request_keys)
MIGRATIONS = Path(__file__).parent / "migrations"

# Any number that no other program takes on the same server: "wiseflow" in ASCII.
_UPGRADE_LOCK = int.from_bytes(b"wiseflow", "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """What version a database has.

    Args:
        current: its revision, or "" for a database without our tables.
        expected: the revision this program works with.
        problems: what is wrong, one sentence each; empty when all is well.
    """

    current: str
    expected: str
    problems: tuple[str, ...] = ()


async def open_database(
    url: str, options: DatabaseOptions | None = None, *, migrate: bool = True
) -> Database:
    """An open database with the tables this program works with.

    Args:
        url: see ``Database``.
        options: see ``Database``.
        migrate: whether missing tables are made and old ones brought up to date.

    Raises:
        SchemaMismatch: the database is newer than this program, or older and ``migrate`` is off.
        StorageError: it cannot be opened.
        ConfigurationError: the URL names no database that can be used.
    """
    database = Database(url, options)
    await database.open()
    try:
        current = await database.read(_current)
        if current != HEAD:
            _refuse(database, current, older_too=not migrate)
            await upgrade(database, afterwards=False)
    except BaseException:
        await database.close()
        raise
    return database


async def upgrade(database: Database, *, afterwards: bool = True) -> None:
    """Bring the database's tables up to date; two processes may do so at once.

    Args:
        database: open.
        afterwards: whether a server's tables for wake-ups are brought as far, too, as older
            programs that still run on it cannot bear.

    Raises:
        SchemaMismatch: the database is newer than this program.
        StorageError: the database refuses.
    """

    async def unit(connection: Connection) -> None:
        # SQLite's writer holds the database's one write lock already.
        if connection.dialect.name == "postgresql":
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK}
            )
        current = await _current(connection)
        _refuse(database, current, older_too=False)
        if current != HEAD:
            await connection.run_sync(_run_migrations)
        if connection.dialect.name == "postgresql":
            await wake_schema.bring_up_to_date(connection, afterwards=afterwards)

    await database.write(unit)


async def check(database: Database) -> SchemaState:
    """The version of the database's tables and what is wrong with them.

    Raises:
        StorageError: the database refuses.
    """

    async def unit(connection: Connection) -> SchemaState:
        current = await _current(connection)
        problems: list[str] = []
        if current and current not in REVISIONS:
            problems.append(str(_newer(database, current)))
        elif current != HEAD:
            problems.append(str(_older(database, current)))
        else:
            problems.extend(await connection.run_sync(_missing))
        return SchemaState(current=current, expected=HEAD, problems=tuple(problems))

    return await database.read(unit)


def migration_config(connection: SyncConnection) -> Config:
    """Alembic's configuration for the migrations in this package, on ``connection``."""
    from alembic.config import Config  # noqa: PLC0415 - slow, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _run_migrations(connection: SyncConnection) -> None:
    from alembic import command  # noqa: PLC0415 - slow, and seldom needed

    command.upgrade(migration_config(connection), "head")


async def _current(connection: Connection) -> str:
    """The database's revision, or ""."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table(VERSION_TABLE)):
        return ""
    revision = await connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return str(revision or "")


def _missing(connection: SyncConnection) -> list[str]:
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    problems: list[str] = []
    for table in metadata.sorted_tables:
        if table.name not in present:
            problems.append(f"the table {table.name} is missing")
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        problems += [
            f"the column {table.name}.{column.name} is missing"
            for column in table.columns
            if column.name not in columns
        ]
    return problems


def _refuse(database: Database, current: str, *, older_too: bool) -> None:
    if current and current not in REVISIONS:
        raise _newer(database, current)
    if older_too:
        raise _older(database, current)


def _newer(database: Database, current: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"the database {database.place} has version {current}, this program knows up to {HEAD}",
        cure="Install the newer version of wiseflow that wrote it, or name another database",
    )


def _older(database: Database, current: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"the database {database.place} has version {current or 'none'}, not {HEAD}",
        cure="Bring it up to date with: wiseflow db upgrade",
    )
