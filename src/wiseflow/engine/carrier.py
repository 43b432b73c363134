"""The calls of one job, all made as tasks of the same name, priority and run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wiseflow.core.configuration import TaskPriority
from wiseflow.engine.calls import TaskRequest
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
        request = TaskRequest(
            name=self.name,
            func=func,
            args=args,
            cpu_bound=cpu_bound,
            priority=self.priority,
            run=self.run,
        )
        return await self.tasks.call(request)
