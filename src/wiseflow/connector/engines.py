"""The public engines for one's own work: lazy fronts, made by the settings when first used."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from wiseflow.app import engine
from wiseflow.engine.tasks import TaskManager
from wiseflow.engine.thread_pool import ThreadPoolManager
from wiseflow.settings.loading import Settings, load_settings


class TaskManagerFront:
    """The engine of this program, with the limits that the settings name; see ``TaskManager``.

    ``async with task_manager as tasks:``, or ``await task_manager.initialize()`` and, at the end,
    ``await task_manager.shutdown()``. After that, and on another event loop, it is made anew.
    """

    def __init__(self) -> None:
        self._tasks: TaskManager | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> TaskManager:
        return await self._made().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._made().__aexit__(kind, error, traceback)
        finally:
            self._tasks = None

    async def initialize(self) -> None:
        """Take on tasks from now on, on this event loop.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        await self._made().initialize()

    async def shutdown(self, **options: Any) -> Any:
        """See ``TaskManager.shutdown``."""
        try:
            return await self._made().shutdown(**options)
        finally:
            self._tasks = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._made(), name)

    def _made(self) -> TaskManager:
        loop = _running_loop()
        if self._tasks is None or (self._loop is not None and self._loop is not loop):
            self._tasks = engine(_settings())
        self._loop = loop
        return self._tasks


class ThreadPoolFront:
    """The threads of this program, as many as the settings name; see ``ThreadPoolManager``."""

    def __init__(self) -> None:
        self._pool: ThreadPoolManager | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._pool is None:
            self._pool = ThreadPoolManager(_settings().max_thread_workers)
        return getattr(self._pool, name)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _settings() -> Settings:
    return load_settings(environ=os.environ, dotenv=Path(".env"))


task_manager = TaskManagerFront()
thread_pool_manager = ThreadPoolFront()
