"""From a command's synchronous function into the program's asynchronous one, and safely back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import TypeVar

from wiseflow.app import Application, open_application
from wiseflow.core.tasks import TaskEvent
from wiseflow.settings.loading import Settings

T = TypeVar("T")


def with_application(
    settings: Settings,
    action: Callable[[Application], Awaitable[T]],
    *,
    on_task: Callable[[TaskEvent], None] | None = None,
) -> T:
    """The result of ``action`` on an opened application, which is closed after it whatever happens.

    Ctrl-C and SIGTERM cancel the action; what it holds is given back before this raises.

    Args:
        settings: what holds.
        action: what to do.
        on_task: is told what happens to the tasks of the engine.

    Raises:
        KeyboardInterrupt: the command was interrupted.
    """

    async def body() -> T:
        async with open_application(settings, on_task=on_task) as application:
            return await action(application)

    with _terminate_as_interrupt():
        return asyncio.run(body())


@contextlib.contextmanager
def _terminate_as_interrupt() -> Generator[None]:
    """Let SIGTERM do what Ctrl-C does: `asyncio.run` turns that into a cancellation."""
    if sys.platform == "win32":
        yield
        return
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    signal.raise_signal(signal.SIGINT)
