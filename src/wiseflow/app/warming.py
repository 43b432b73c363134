"""Gets ready in the background what the first research would wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from wiseflow.core.configuration import Configuration
from wiseflow.gateway.fronts import split_model
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)


class Warming:
    """Work that is begun early and that nobody waits for; what is left of it ends with the block.

    What fails here fails again, and is told, when it is needed.

    Args:
        start_reading: starts the worker processes that read pages.
        warm_model: loads what a model needs, by its provider and name.
    """

    def __init__(
        self,
        start_reading: Callable[[], Awaitable[None]],
        warm_model: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._start_reading = start_reading
        self._warm_model = warm_model
        # Not a task group: its failures are nobody's business, and its end cancels them.
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def begin(self, configuration: Configuration) -> None:
        """Get ready what researches of a configuration need; the second time it does nothing.

        The model is asked before a page is read, so it comes first: at once they would only take
        each other's cores.
        """
        wanted: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        for name in configuration.models:
            provider, model = split_model(name)
            wanted.append((provider, partial(self._warm_model, provider, model)))
        if configuration.on_web:
            wanted.append(("the reading of pages", self._start_reading))
        fresh = [(name, work) for name, work in wanted if name not in self._begun]
        self._begun.update(name for name, _ in fresh)
        if fresh:
            task = asyncio.get_running_loop().create_task(_done(fresh), name="warming")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _done(wanted: Sequence[tuple[str, Callable[[], Awaitable[None]]]]) -> None:
    for name, work in wanted:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a task's boundary: who needs it is told
            _log.debug("Getting ready failed", what=name, why=str(error))
