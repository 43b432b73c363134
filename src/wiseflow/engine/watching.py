"""Names the task that holds up the event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback

from wiseflow.core.errors import InvalidInput
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)
LOOKS_PER_LIMIT = 4
SHOWN_FRAMES = 4


class LoopWatch:
    """A thread that asks the event loop for signs of life, and logs what it is busy with if not.

    A task that computes for seconds without an ``await`` looks, from inside, like a program that
    stands still; nothing on the loop can say so, as nothing on it runs.

    Args:
        limit_s: how long the loop may be silent, in seconds.

    Raises:
        InvalidInput: that is not above 0.
    """

    def __init__(self, limit_s: float) -> None:
        if not 0 < limit_s <= threading.TIMEOUT_MAX:
            raise InvalidInput(
                f"blocked_s is {limit_s:g}", cure="Give seconds above 0, a year for never"
            )
        self._limit_s = limit_s
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._heard = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the loop of this thread from now on; a second call does nothing."""
        if self._thread is not None:
            return
        self._loop, self._loop_thread = loop, threading.get_ident()
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="loop watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=self._limit_s)

    def _watch(self) -> None:
        told, asked = "", 0.0
        while not self._stopped.wait(self._limit_s / LOOKS_PER_LIMIT):
            silent_s = time.monotonic() - self._heard
            if self._heard >= asked:
                if told:
                    _log.warning("The event loop goes on", after=told)
                told, asked = "", time.monotonic()
                if not self._ask():
                    return
            elif silent_s > self._limit_s and not told:
                told = self._tell(silent_s)

    def _ask(self) -> bool:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # it is closed
            return False
        return True

    def _answer(self) -> None:
        self._heard = time.monotonic()

    def _tell(self, silent_s: float) -> str:
        """Say what the loop is busy with; the name of it."""
        task = asyncio.current_task(self._loop)
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no other way
        stack = traceback.extract_stack(frame)[-SHOWN_FRAMES:] if frame else []
        name = task.get_name() if task else "no task"
        _log.warning(
            "A task does not yield, so all others on the event loop wait; "
            "run it on a thread or in a process, or let it await now and then",
            task=name,
            silent_s=round(silent_s, 3),
            at=[f"{line.filename}:{line.lineno} {line.name}" for line in stack],
        )
        return name
