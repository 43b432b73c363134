"""One writer at a time, also between processes."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from wiseflow.core.errors import Conflict

_POLL_S = 0.05


@contextmanager
def writer_lock(folder: Path, *, wait_s: float) -> Generator[None]:
    """Hold the right to write the index in ``folder``; a process that dies gives it up.

    Raises:
        Conflict: another writer held it for ``wait_s`` seconds.
    """
    with (folder / "lock").open("w") as file:
        deadline = time.monotonic() + wait_s
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise Conflict(
                    f"another process has been writing the index in {folder} for {wait_s:g} s",
                    cure="Wait for it to end, then run the command again",
                )
            # Called in worker processes and threads, never on the event loop.
            time.sleep(_POLL_S)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
