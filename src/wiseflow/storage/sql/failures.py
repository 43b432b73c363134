"""Errors of the drivers in the words of our error tree."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from wiseflow.core.errors import (
    ConfigurationError,
    InvalidInput,
    StorageError,
    StorageFull,
    WiseflowError,
)

_FREE_ROOM = "Free some room on the disk and run it again; nothing that was finished is lost"
_LOCKED = "Another process is writing to it; wait for it to finish, or end it, and try again"

# Primary result codes. Source: https://www.sqlite.org/rescode.html
_SQLITE_BY_CODE: dict[int, tuple[type[WiseflowError], str, str]] = {
    sqlite3.SQLITE_FULL: (StorageFull, "no room is left for the database {place}", _FREE_ROOM),
    sqlite3.SQLITE_READONLY: (
        StorageError,
        "the database {place} cannot be written to",
        "Let this user write to the file and its folder, or name another in DATABASE_URL",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StorageError,
        "the database {place} cannot be opened",
        "Check that it is a file that this user may read and write, or change DATABASE_URL",
    ),
    sqlite3.SQLITE_NOTADB: (
        StorageError,
        "{place} is not an SQLite database",
        "Name another file in DATABASE_URL, or move this one away",
    ),
    sqlite3.SQLITE_CORRUPT: (
        StorageError,
        "the database {place} is damaged",
        "Restore it from a backup, or save what is left with: sqlite3 FILE .recover",
    ),
    sqlite3.SQLITE_BUSY: (StorageError, "the database {place} is locked", _LOCKED),
    sqlite3.SQLITE_LOCKED: (StorageError, "the database {place} is locked", _LOCKED),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        "the disk refused to read or write the database {place}",
        "Check the disk's health and the room left on it",
    ),
}

# Classes and codes of SQLSTATE, the longest that fits wins.
# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_BY_STATE: dict[str, tuple[type[WiseflowError], str, str]] = {
    "53100": (StorageFull, "no room is left for the database at {place}", _FREE_ROOM),
    "28": (
        StorageError,
        "the database server refuses this user at {place}",
        "Check the user and the password in DATABASE_URL",
    ),
    "3D000": (
        StorageError,
        "there is no such database at {place}",
        "Create it with: createdb NAME",
    ),
    "42501": (
        StorageError,
        "this user may not do that in the database at {place}",
        "Grant it the rights, or name another user in DATABASE_URL",
    ),
    "25006": (
        StorageError,
        "the database at {place} cannot be written to",
        "Name the primary server in DATABASE_URL, not a replica",
    ),
    "40": (StorageError, "two writes got into each other's way at {place}", "Try again"),
    "55P03": (StorageError, "a row stayed locked in the database at {place}", "Try again"),
    "53": (
        StorageError,
        "the database server at {place} is out of resources",
        "Raise its limits, or use a smaller pool",
    ),
}


@contextmanager
def translated(place: str) -> Generator[None]:
    """Raises what the drivers raise inside as an error of our tree that names ``place``."""
    try:
        yield
    except SQLAlchemyError as error:
        raise translate(error, place) from error
    except sqlite3.Error as error:
        raise translate(_wrapped(error), place) from error
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"a text for the database {place} cannot be stored: "
            f"its character {error.start + 1:,} is {error.object[error.start]!a}",
            cure="Take that character out of the text, or save the text as UTF-8 and give it again",
        ) from error
    except ImportError as error:
        raise ConfigurationError(
            f"the database at {place} needs the extra 'postgres'",
            cure="Install it: pip install 'wiseflow[postgres]'",
        ) from error


def translate(error: SQLAlchemyError, place: str) -> WiseflowError:
    """The error of our tree for one of the drivers'."""
    if isinstance(error, PoolTimeout):
        return no_connection_came_free(place)
    if not isinstance(error, DBAPIError):
        return StorageError(f"the database {place} could not be used: {error}")
    if isinstance(error, DataError):
        return InvalidInput(
            f"the database {place} cannot hold a value: {_first_line(error)}",
            cure="Correct the text or the number that was given",
        )
    known = _sqlite(error.orig) or _postgresql(error.orig)
    if known is None:
        return StorageError(f"the database {place} refused: {_first_line(error)}")
    kind, message, cure = known
    return kind(message.replace("{place}", place), cure=cure)


def _wrapped(error: sqlite3.Error) -> DBAPIError:
    """What SQLAlchemy makes of an error of SQLite's, for a statement that it did not run."""
    kind = DataError if isinstance(error, sqlite3.DataError) else DBAPIError
    return kind(None, None, error)


def no_connection_came_free(place: str) -> StorageError:
    """The error for a caller that waited too long for a connection."""
    return StorageError(
        f"no connection to the database {place} came free in time",
        cure="Raise the pool's size or lower the number of jobs run at once",
    )


def _first_line(error: DBAPIError) -> str:
    # The driver's own words only: SQLAlchemy's text would add the statement and its values.
    return _words(error.orig)


def _words(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]


def _sqlite(error: BaseException | None) -> tuple[type[WiseflowError], str, str] | None:
    if not isinstance(error, sqlite3.Error):
        return None
    code: int = getattr(error, "sqlite_errorcode", 0)
    return _SQLITE_BY_CODE.get(code & 0xFF)


def _postgresql(error: BaseException | None) -> tuple[type[WiseflowError], str, str] | None:
    if error is None or not hasattr(error, "sqlstate"):
        return None
    state: str | None = getattr(error, "sqlstate", None)
    for length in (5, 2):
        if state and state[:length] in _POSTGRESQL_BY_STATE:
            return _POSTGRESQL_BY_STATE[state[:length]]
    unreachable = state is None or state[:2] in {"08", "57"}
    if unreachable and type(error).__name__ in _CONNECTION_ERRORS:
        return (
            StorageError,
            "the database server at {place} cannot be reached: " + _words(error),
            "Check that it runs and that host and port in DATABASE_URL are right",
        )
    return None


# psycopg is an extra, so its errors are told by their names.
_CONNECTION_ERRORS = {
    "OperationalError",
    "ConnectionTimeout",
    "ConnectionFailure",
    "AdminShutdown",
    "CrashShutdown",
    "CannotConnectNow",
    "SqlclientUnableToEstablishSqlconnection",
}
