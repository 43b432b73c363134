"""What the writer's thread of an SQLite file does: run a group of units, commit it once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from wiseflow.core.errors import WiseflowError
from wiseflow.storage.sql.connection import FileConnection, Unit, run_on_thread
from wiseflow.storage.sql.failures import translated


@dataclass(frozen=True, slots=True)
class Written:
    """What a unit gave; it is committed."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """Why nothing of a unit was kept."""

    error: Exception


Outcome = Written | Failed


class FileWriter:
    """Runs units of writing one after the other on one connection, in groups.

    A group is one transaction. When a unit of it fails, the whole transaction is rolled back and
    each unit is run again in a transaction of its own, so that only the failing one fails. A unit
    may therefore run more than once and must do nothing but talk to its connection.

    Args:
        engine: gives the connection; its transactions begin with ``BEGIN IMMEDIATE``.
        place: the database as errors name it.
    """

    def __init__(self, engine: Engine, *, place: str) -> None:
        self._engine = engine
        self._place = place
        self._connection: Connection | None = None

    def commit(self, units: Sequence[Unit[Any]]) -> list[Outcome]:
        """What became of each unit, in their order."""
        try:
            with translated(self._place):
                self._connection = self._connection or self._engine.connect()
        except WiseflowError as error:
            return [Failed(error)] * len(units)
        return self._committed(self._connection, units)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _committed(self, connection: Connection, units: Sequence[Unit[Any]]) -> list[Outcome]:
        results: list[Any] = []
        begun = False
        try:
            with translated(self._place), connection.begin():
                begun = True
                file = FileConnection(connection)
                results.extend([run_on_thread(unit, file) for unit in units])
        except Exception as error:  # noqa: BLE001 - a boundary: it is the callers' to handle
            a_unit_failed = begun and not results
            _end_transaction(connection)
            if a_unit_failed and len(units) > 1:
                return [self._committed(connection, [unit])[0] for unit in units]
            return [Failed(error)] * len(units)
        return [Written(result) for result in results]


def _end_transaction(connection: Connection) -> None:
    """Roll back what a failed commit left open, which SQLAlchemy takes for ended."""
    with suppress(SQLAlchemyError, sqlite3.Error):
        connection.connection.rollback()
