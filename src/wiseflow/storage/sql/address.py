"""What a database URL means: the driver to use, and the place as errors name it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from wiseflow.core.errors import ConfigurationError

_SQLITE = "sqlite+pysqlite"
_POSTGRESQL = "postgresql+psycopg"
_DRIVERS = {
    "sqlite": _SQLITE,
    _SQLITE: _SQLITE,
    "sqlite+aiosqlite": _SQLITE,  # as other programs name it
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    _POSTGRESQL: _POSTGRESQL,
}
_EXAMPLES = (
    "Set DATABASE_URL to sqlite:///data/wiseflow.db or postgresql://user:password@host/database"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a database is.

    Args:
        url: with the name of the driver.
        path: the file of an SQLite database, else ``None``.
    """

    url: URL
    path: Path | None

    @property
    def place(self) -> str:
        """The database as an error names it: without user and password."""
        if self.path is not None:
            return str(self.path)
        host = self.url.host or self.url.query.get("host") or "the local socket"
        port = f":{self.url.port}" if self.url.port else ""
        return f"{host}{port}/{self.url.database or ''}"

    @property
    def conninfo(self) -> str:
        """The address of a server as libpq reads it, with the password: not for eyes or logs."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)


def parse(url: str) -> Address:
    """The address that ``url`` names.

    Raises:
        ConfigurationError: it is no URL of a database that this program can use. The URL itself is
            not repeated, as it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("the database URL cannot be read", cure=_EXAMPLES) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ConfigurationError(
            f"databases of the kind {parsed.drivername!r} cannot be used", cure=_EXAMPLES
        )
    if driver == _POSTGRESQL:
        return Address(url=parsed.set(drivername=driver), path=None)
    if parsed.database in {None, "", ":memory:"}:
        raise ConfigurationError("an SQLite database needs a file", cure=_EXAMPLES)
    return Address(url=parsed.set(drivername=driver), path=Path(str(parsed.database)))
