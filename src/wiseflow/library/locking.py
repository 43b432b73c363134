"""One change of a collection at a time, also between processes."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from wiseflow.core.errors import Conflict, StorageError
from wiseflow.library.scanning import reason_of

_POLL_S = 0.1


@asynccontextmanager
async def collection_lock(lock: Path, *, collection: str, wait_s: float) -> AsyncGenerator[None]:
    """Hold the right to change a collection; a process that dies gives it up.

    Raises:
        Conflict: another held it for ``wait_s`` seconds.
        StorageError: the lock's file cannot be made.
    """
    with _opened(lock) as file:
        try:
            async with asyncio.timeout(wait_s):
                # The system wakes nobody who waits without a thread, so it is asked now and then.
                while not _locked(file):  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise Conflict(
                f"the collection {collection!r} is being changed by another command",
                cure="Wait for it to end, then run this one again",
            ) from None
        yield


def _opened(lock: Path) -> IO[str]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"the data folder {lock.parent} cannot be written: {reason_of(error)}",
            cure="Check its permissions, or choose another data folder",
        ) from error


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
