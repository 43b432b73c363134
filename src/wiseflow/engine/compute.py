"""Work in worker processes and in parallel branches, as tasks of the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import NamedTuple, ParamSpec, TypeVar, cast

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.holding import Holding
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import BRANCHES, TaskManager

P = ParamSpec("P")
T = TypeVar("T")


class _Whose(NamedTuple):
    run: str = ""
    priority: TaskPriority = TaskPriority.NORMAL


_NOBODY = _Whose()
_whose: ContextVar[_Whose] = ContextVar("whose_work", default=_NOBODY)


def on_behalf_of(run: str, priority: TaskPriority) -> AbstractContextManager[None]:
    """Have the tasks that are made inside belong to a run, and have its priority."""
    return Holding(_whose, _Whose(run, priority))


class TaskCompute:
    """Runs functions in a pool of worker processes as tasks; satisfies ``core.ports.Compute``.

    Args:
        tasks: the engine.
        pool: the name of one of its pools.
    """

    def __init__(self, tasks: TaskManager, pool: str) -> None:
        self._tasks = tasks
        self._pool = pool

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args, **kwargs)`` in a worker process; cancelling the caller ends it.

        Raises:
            WorkerError: the worker died, took too long, or went over a limit.
            InvalidInput: the function, an argument or the result does not pickle.
            Exception: whatever the function raised.
        """
        run, priority = _whose.get()
        request = TaskRequest(
            name=getattr(function, "__name__", "call"),
            func=function,
            args=args,
            kwargs=kwargs,
            cpu_bound=True,
            priority=priority,
            run=run,
            pool=self._pool,
        )
        return cast("T", await self._tasks.call(request))


class TaskBranches:
    """Runs the parallel parts of a piece of work as tasks; satisfies ``core.ports.Branches``.

    Args:
        tasks: the engine.
    """

    def __init__(self, tasks: TaskManager) -> None:
        self._tasks = tasks

    async def all(self, name: str, parts: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """What the parts give, in their order. When one fails, the others are cancelled.

        Args:
            name: what people call such a part.
            parts: asynchronous functions.

        Raises:
            Exception: what the first part that failed raised.
        """
        run, priority = _whose.get()
        return await self._tasks.call_all(
            TaskRequest(name=name, func=part, run=run, priority=priority, pool=BRANCHES)
            for part in parts
        )
