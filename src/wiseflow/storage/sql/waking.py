"""Who is told that jobs can be claimed: in this process, where no server could carry the word."""

from __future__ import annotations

import asyncio
from typing import Protocol

from wiseflow.core.waking import Look, WakeUps
from wiseflow.storage.sql.connection import Connection


class Announcer(WakeUps, Protocol):
    """Where the queue says that jobs became claimable."""

    async def within(self, connection: Connection, count: int) -> None:
        """Say it in the transaction that makes so many claimable: both or neither."""
        ...

    def afterwards(self) -> None:
        """Say it once that transaction is committed."""
        ...


class LocalWakeUps:
    """Wakes the workers of this process; those of other processes look by themselves."""

    def __init__(self) -> None:
        self._bells: set[asyncio.Event] = set()

    async def within(self, connection: Connection, count: int) -> None:
        """Nothing: before the commit there is nothing to be seen."""

    def afterwards(self) -> None:
        """Wake all."""
        for bell in self._bells:
            bell.set()

    async def deliver(self, look: Look) -> None:
        """See ``WakeUps.deliver``."""
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            while True:
                await bell.wait()
                # Cleared before looking, so that what comes meanwhile is looked for again.
                bell.clear()
                await look()
        finally:
            self._bells.discard(bell)
