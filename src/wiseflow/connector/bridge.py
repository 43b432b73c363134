"""A synchronous front for scripts: one bridge for any object with asynchronous methods."""

from __future__ import annotations

import asyncio
import atexit
import functools
import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakSet

from wiseflow.core.errors import Conflict

T = TypeVar("T")
STOP_S = 30.0
_open_ones: WeakSet[Synchronous] = WeakSet()


class Synchronous:
    """Calls an object's methods on an event loop of its own, and waits for what they give.

    For scripts without an event loop: ``Synchronous(ResearchConnector()).research("…")``. What
    lasts longer than a call is used as a context manager::

        with Synchronous(TaskManager()) as tasks:
            first = tasks.register_task("read", read, ("a.txt",))
            print(tasks.result(first))

    The loop runs on a thread of its own from the first call on; it ends with the block, with
    ``close``, or with the program.

    Args:
        target: the object. All of it is used on that thread.
    """

    def __init__(self, target: object) -> None:
        self._target = target
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        enter = getattr(self._target, "__aenter__", None)
        if enter is not None:
            self._call(enter)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        leave = getattr(self._target, "__aexit__", None)
        try:
            if leave is not None:
                self._call(leave, kind, error, traceback)
        finally:
            self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by Python itself, as when it is copied
            raise AttributeError(name)
        member = self._call(getattr, self._target, name)
        if not callable(member):
            return member

        @functools.wraps(member)
        def wait(*args: Any, **kwargs: Any) -> Any:
            return self._call(member, *args, **kwargs)

        return wait

    def close(self) -> None:
        """End the loop and its thread; what still runs there is cancelled."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_S)

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        loop = self._running()
        if threading.current_thread() is self._thread:
            raise Conflict(
                "a synchronous front is called on its own event loop, and would wait for itself",
                cure="Use the object behind it there, with await",
            )
        over = threading.Event()

        async def call() -> Any:
            try:
                result = function(*args, **kwargs)
                return await result if inspect.isawaitable(result) else result
            finally:
                over.set()

        future = asyncio.run_coroutine_threadsafe(call(), loop)
        try:
            return future.result()
        except BaseException:  # Ctrl-C, too: what was begun ends before this returns
            if future.cancel():
                over.wait(STOP_S)
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="synchronous front", daemon=True
                )
                self._thread.start()
                _open_ones.add(self)
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=STOP_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@atexit.register
def _close_all() -> None:
    for one in list(_open_ones):
        one.close()
