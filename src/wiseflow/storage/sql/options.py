"""How a database is to be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Synchronous(StrEnum):
    """How far SQLite waits for the disk. Source: https://www.sqlite.org/pragma.html#pragma_synchronous.

    In every setting the database stays whole after the program crashes or is killed, and what was
    committed is there. After a loss of power or a crash of the operating system:

    - ``FULL`` and ``EXTRA``: the same; each commit waits for the disk.
    - ``NORMAL``: the database is whole, but the last commits may be undone, so a step that was
      finished then runs again.
    - ``OFF``: the database may be damaged.
    """

    OFF = "off"
    NORMAL = "normal"
    FULL = "full"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How to use a database.

    Args:
        synchronous: SQLite only, how far a commit waits for the disk.
        busy_timeout_s: SQLite only, how long to wait for another process that writes.
        readers: SQLite only, connections for reading.
        write_wait_s: SQLite only, how long a write waits for its turn in this process.
        pool_size, max_overflow: PostgreSQL only, connections kept, and how many more at a peak.
        pool_timeout_s: how long to wait for a free connection.
        connect_timeout_s: PostgreSQL only, how long to wait for the server.
    """

    synchronous: Synchronous = Synchronous.NORMAL
    busy_timeout_s: float = 5.0
    readers: int = 4
    write_wait_s: float = 60.0
    pool_size: int = 10
    max_overflow: int = 10
    pool_timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
