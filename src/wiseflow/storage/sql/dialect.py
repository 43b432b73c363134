"""The few things that SQLite and PostgreSQL say differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Double, Table, Text
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from wiseflow.storage.sql.connection import Connection

Upsert = SqliteInsert | PostgresqlInsert

# The Julian day of 1970-01-01T00:00:00Z. Source: https://www.sqlite.org/lang_datefunc.html
_EPOCH = "2440587.5"


class now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """Seconds since the epoch by the database's clock, as a double."""

    type: TypeEngine[float] = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return f"((julianday('now') - {_EPOCH}) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"


class _Member(FunctionElement[str]):
    """A text inside a column's JSON; its path is a constant of ours, never a value."""

    type: TypeEngine[str] = Text()
    inherit_cache = True
    name = "json_member"

    def __init__(self, column: ColumnElement[str], *path: str) -> None:
        super().__init__(column, *path)


@compiles(_Member, "sqlite")
def _sqlite_member(element: _Member, compiler: Any, **options: Any) -> str:
    column, *path = element.clauses
    steps = ".".join(one.value for one in path)
    return f"json_extract({compiler.process(column, **options)}, '$.{steps}')"


@compiles(_Member, "postgresql")
def _postgresql_member(element: _Member, compiler: Any, **options: Any) -> str:
    column, *path = element.clauses
    steps = ",".join(one.value for one in path)
    return f"(CAST({compiler.process(column, **options)} AS json) #>> '{{{steps}}}')"


def member_text(column: ColumnElement[str], *path: str) -> FunctionElement[str]:
    """The text under these names in a column of JSON objects."""
    return _Member(column, *path)


def upsert(connection: Connection, table: Table) -> Upsert:
    """An ``INSERT`` into ``table`` that can say what happens on a conflict."""
    return upsert_in(connection.dialect.name, table)


def upsert_in(dialect: str, table: Table) -> Upsert:
    """The same by the name of the dialect, for a statement that is built once."""
    return sqlite_insert(table) if dialect == "sqlite" else postgresql_insert(table)
