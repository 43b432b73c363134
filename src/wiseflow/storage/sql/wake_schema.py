"""The tables of procrastinate in a PostgreSQL database: made, and brought up to its version."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from wiseflow.storage.sql.connection import Connection

# Which of procrastinate's migrations the database has: it keeps no such record itself.
RECORD = "wake_up_migrations"
# In the name of a migration that old programs cannot work after.
# Source: procrastinate, "Migrate the database": pre-migrations go before new code, post after it.
_AFTERWARDS = "_post_"


async def bring_up_to_date(connection: Connection, *, afterwards: bool) -> None:
    """Make procrastinate's tables, or run its migrations that are missing; one at a time.

    Args:
        connection: in a transaction that holds the lock for upgrades.
        afterwards: whether those, too, that older programs on the same database cannot bear.
    """
    from procrastinate.schema import SchemaManager  # noqa: PLC0415 - slow, an extra

    await connection.execute(text(f"CREATE TABLE IF NOT EXISTS {RECORD} (name text PRIMARY KEY)"))
    known = {path.name: path for path in _migrations()}
    if not await connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")):
        await _run(connection, SchemaManager.get_schema())
        await _note(connection, list(known))
        return
    for name in missing_of(known, await _noted(connection), afterwards=afterwards):
        await _run(connection, known[name].read_text(encoding="utf-8"))
        await _note(connection, [name])


def missing_of(known: dict[str, Path], noted: set[str], *, afterwards: bool) -> list[str]:
    """The migrations to run, in order. Without a record somebody else keeps the tables: none.

    Args:
        known: to this version of procrastinate.
        noted: which ran.
        afterwards: see ``bring_up_to_date``.
    """
    missing = sorted(set(known) - noted) if noted else []
    return [name for name in missing if afterwards or _AFTERWARDS not in name]


def _migrations() -> list[Path]:
    from procrastinate.schema import SchemaManager  # noqa: PLC0415 - slow, an extra

    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


async def _noted(connection: Connection) -> set[str]:
    return set(await connection.scalars(text(f"SELECT name FROM {RECORD}")))  # noqa: S608


async def _note(connection: Connection, names: list[str]) -> None:
    rows = [{"name": name} for name in names]
    await connection.execute(text(f"INSERT INTO {RECORD} VALUES (:name)"), rows)  # noqa: S608


async def _run(connection: Connection, script: str) -> None:
    """Run a script of several statements, which only the bare driver takes at once."""
    raw = await cast("AsyncConnection", connection).get_raw_connection()
    assert raw.driver_connection is not None
    await raw.driver_connection.execute(script)
