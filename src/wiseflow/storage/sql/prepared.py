"""Statements of the hot path: compiled once, and on a file run by the driver itself.

To find a statement's compiled form and to wrap its result costs SQLAlchemy several times what
SQLite needs to run it. A server takes longer to answer than both, so there nothing is different.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

from wiseflow.storage.sql.connection import Connection, FileConnection

Values = Mapping[str, Any]


class Prepared:
    """A statement, built once.

    On a file its values go to SQLite and come from there as they are, so that a truth value comes
    as 0 or 1; columns that need more are not for it.

    Args:
        statement: with a named parameter for each value.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: _Compiled | None = None

    async def rows(self, connection: Connection, values: Values) -> Sequence[Any]:
        """All rows, with their columns by name."""
        if not isinstance(connection, FileConnection):
            return (await connection.execute(self._statement, values)).all()
        compiled = self._for(connection)
        found = connection.driver.execute(compiled.text, compiled.arguments(values)).fetchall()
        return [compiled.row(*row) for row in found]

    async def first(self, connection: Connection, values: Values) -> Any:
        """The first column of the first row, or ``None``."""
        if not isinstance(connection, FileConnection):
            return await connection.scalar(self._statement, values)
        compiled = self._for(connection)
        # All are fetched, as a statement that was not run to its end would stay open.
        found = connection.driver.execute(compiled.text, compiled.arguments(values)).fetchall()
        return found[0][0] if found else None

    async def changes(self, connection: Connection, values: Values) -> int:
        """How many rows it changed."""
        if not isinstance(connection, FileConnection):
            return (await connection.execute(self._statement, values)).rowcount
        compiled = self._for(connection)
        return connection.driver.execute(compiled.text, compiled.arguments(values)).rowcount

    async def each(self, connection: Connection, values: Sequence[Values]) -> None:
        """Run it once with each of these."""
        if not isinstance(connection, FileConnection):
            await connection.execute(self._statement, values)
            return
        compiled = self._for(connection)
        connection.driver.executemany(compiled.text, [compiled.arguments(one) for one in values])

    def _for(self, connection: FileConnection) -> _Compiled:
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = _Compiled(self._statement, connection.dialect)
        return compiled


class _Compiled:
    """A statement as text for SQLite.

    Args:
        statement: to be compiled.
        dialect: SQLite's, which numbers its parameters.
    """

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = cast("Any", statement).compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._constants = {name: compiled.params[name] for name in self._names}
        statement_made: Any = compiled.statement
        names: list[str] = [column.name for column in statement_made.exported_columns]
        make: Any = namedtuple  # noqa: PYI024 - its names are known at run time only
        self.row = make("Row", names)

    def arguments(self, values: Values) -> tuple[Any, ...]:
        """The values in their order, with the statement's own constants between them."""
        constants = self._constants
        return tuple([values[name] if name in values else constants[name] for name in self._names])
