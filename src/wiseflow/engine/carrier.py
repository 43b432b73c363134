"""One call made as a task and waited for; who gives the wait up gives the task up, too."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import NotFound
from wiseflow.engine.tasks import TaskManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Has calls made by an engine.

    Args:
        tasks: the engine.
        name: of its tasks.
        priority, run: of its tasks, see ``TaskSpec``.
    """

    tasks: TaskManager
    name: str
    priority: TaskPriority = TaskPriority.NORMAL
    run: str = ""

    async def call(self, func: Callable[..., Any], *args: Any, cpu_bound: bool = False) -> Any:
        """What ``func(*args)`` gives, or its error raised. Cancelling cancels the task.

        Raises:
            Conflict: the engine does not take on tasks.
            Exception: whatever the function raised.
        """
        task_id = self.tasks.register_task(
            self.name, func, args, cpu_bound=cpu_bound, priority=self.priority, run=self.run
        )
        try:
            return await self.tasks.result(task_id)
        except asyncio.CancelledError:
            with contextlib.suppress(NotFound):  # it ended long ago
                self.tasks.cancel(task_id)
            raise


@contextlib.contextmanager
def lone_error() -> Generator[None]:
    """Raise the first error of a task group as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        raise error from None
