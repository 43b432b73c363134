"""From a command's synchronous function into the program's asynchronous one, and safely back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, TypeVar

from wiseflow.app import Application, open_application
from wiseflow.core.news import OnNews
from wiseflow.core.tasks import TaskEvent
from wiseflow.settings.loading import Settings

if TYPE_CHECKING:  # slow to import, and short commands have none
    from wiseflow.app.metering.meter import Meter

T = TypeVar("T")


def with_application(
    settings: Settings,
    action: Callable[[Application], Awaitable[T]],
    *,
    on_task: Callable[[TaskEvent], None] | None = None,
    on_news: OnNews | None = None,
    stop: asyncio.Event | None = None,
    meter: Meter | None = None,
) -> T:
    """The result of ``action`` on an opened application, which is closed after it whatever happens.

    Ctrl-C and SIGTERM cancel the action; what it holds is given back before this raises. With
    ``stop``, the first of them sets that instead, for the action to end by itself.

    Args:
        settings: what holds.
        action: what to do.
        on_task: is told what happens to the tasks of the engine.
        on_news: is told who is asked, once, and who does not answer and is waited for.
        stop: tells an action that runs until it is told to end.
        meter: counts what happens, in a service.

    Raises:
        KeyboardInterrupt: the command was interrupted.
    """

    async def opened() -> T:
        async with open_application(
            settings, on_task=on_task, on_news=on_news, meter=meter
        ) as application:
            return await action(application)

    return until_stopped(opened, stop=stop)


def until_stopped(action: Callable[[], Awaitable[T]], *, stop: asyncio.Event | None = None) -> T:
    """The result of ``action``, which Ctrl-C and SIGTERM end; ``stop`` as for an application.

    Raises:
        KeyboardInterrupt: the command was interrupted.
    """
    stopped = False

    async def body() -> T:
        nonlocal stopped
        with _stopped_by_signals(stop) as asked:
            try:
                return await action()
            finally:
                stopped = asked.is_set()

    try:
        return asyncio.run(body())
    except asyncio.CancelledError:
        if stopped:
            raise KeyboardInterrupt from None
        raise


@contextlib.contextmanager
def _stopped_by_signals(first: asyncio.Event | None) -> Generator[asyncio.Event]:
    """Let SIGTERM cancel the current task, as Ctrl-C does; what is given tells whether it came.

    Not by way of SIGINT: a shell that starts a command in the background has it ignore that.

    Args:
        first: is set by the first signal, Ctrl-C included, in place of that.
    """
    asked = asyncio.Event()
    if sys.platform == "win32":
        yield asked
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop() -> None:
        if first is not None and not first.is_set():
            first.set()
            return
        asked.set()
        task.cancel()

    signals = [signal.SIGTERM] if first is None else [signal.SIGTERM, signal.SIGINT]
    for one in signals:
        loop.add_signal_handler(one, stop)
    try:
        yield asked
    finally:
        for one in signals:
            loop.remove_signal_handler(one)
