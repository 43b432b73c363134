"""Waiting for tasks; a task that does so holds no slot meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from wiseflow.core.errors import InvalidInput
from wiseflow.core.tasks import TaskState
from wiseflow.engine.decisions import Task
from wiseflow.engine.runner import STOP_S, Runner
from wiseflow.engine.work import Work


class Waiting:
    """Those who wait for tasks of an engine.

    Args:
        runner: of the engine.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._scheduler = runner.scheduler

    async def until_ended(self, task_ids: Iterable[str]) -> None:
        """Return when these tasks have ended.

        Raises:
            NotFound: there is no such task, or it ended too long ago.
            Conflict: one of them waits for the task that asks.
            InvalidInput: it is one id and not several.
        """
        if isinstance(task_ids, str):
            raise InvalidInput(
                f"{task_ids!r} is one id, where several are meant", cure="Give it in a list"
            )
        asked = map(self._scheduler.__getitem__, task_ids)
        awaited = [task for task in asked if not task.state.final]
        if not awaited:
            return
        asking = self._runner.asking()
        if asking is None:
            await _all_ended(awaited)
            return
        go = self._give_slot_up(asking, awaited)
        try:
            await _all_ended(awaited)
        finally:  # also when only this wait was given up, and the task goes on
            self._take_slot_again(asking, awaited, go)
        await go.wait()

    async def all_results(
        self, task_ids: Sequence[str], result: Callable[[str], Awaitable[Any]]
    ) -> list[Any]:
        """The results of tasks in their order. When one fails, the others are cancelled.

        Not by a task group: a failure in one leaves its caller marked as cancelled, and where
        ``asyncio.timeout`` does not reckon with that (Python 3.11.2 does not, 3.11.7 does) the
        caller's next one raises a cancellation.

        Raises:
            Exception: of the first that did not complete.
        """
        answers = [asyncio.ensure_future(result(task_id)) for task_id in task_ids]
        try:
            if answers:
                await asyncio.wait(answers, return_when=asyncio.FIRST_EXCEPTION)
            over = [one for one in answers if one.done() and not one.cancelled()]
            failed = [one for one in over if one.exception() is not None]
            return [answer.result() for answer in failed or answers]
        finally:
            for answer in answers:
                answer.cancel()
            await self.withdraw(task_ids, answers)

    async def withdraw(
        self, task_ids: Iterable[str], answers: Sequence[asyncio.Future[Any]] = ()
    ) -> None:
        """Cancel those of the tasks that have not ended, and return when they have.

        The caller may be cancelled meanwhile: what was begun for it still has to end first, as it
        would be at work with nobody to answer for it.

        Args:
            task_ids: the tasks.
            answers: cancelled already; they are to be over, too.
        """
        left = [task for task_id in task_ids if not (task := self._scheduler[task_id]).state.final]
        for task in left:
            decisions = self._scheduler.cancel(task.spec.task_id, self._runner.time())
            self._runner.act(decisions)
        waited = [*answers, *([asyncio.ensure_future(_all_ended(left))] if left else [])]
        cancelled = False
        deadline = self._runner.time() + STOP_S
        while any(not one.done() for one in waited) and self._runner.time() < deadline:
            try:
                await asyncio.wait(waited, timeout=deadline - self._runner.time())
            except asyncio.CancelledError:
                cancelled = True
        for one in waited:
            if one.done() and not one.cancelled():
                one.exception()  # looked at, as nobody else will
            one.cancel()
        if cancelled:
            raise asyncio.CancelledError

    def _give_slot_up(self, task: Task, awaited: Sequence[Task]) -> asyncio.Event:
        """A task waits for others: it holds no slot until the last of its waits is over.

        Returns:
            What is set while it may go on.
        """
        work: Work = task.work
        names = (*work.waits, *(other.spec.task_id for other in awaited))
        decisions = self._scheduler.suspend(task.spec.task_id, names, self._runner.time())
        work.waits = names
        work.go = work.go or asyncio.Event()
        self._runner.act(decisions)
        return work.go

    def _take_slot_again(self, task: Task, awaited: Sequence[Task], go: asyncio.Event) -> None:
        work: Work = task.work
        over = [other.spec.task_id for other in awaited]
        work.waits = tuple((Counter(work.waits) - Counter(over)).elements())
        if work.waits or not task.under_way:
            go.set()  # another branch of it still waits, so this one need not; or it has ended
            return
        go.clear()
        self._runner.act(self._scheduler.resume(task.spec.task_id, self._runner.time()))
        if task.state is TaskState.RUNNING:
            go.set()


async def _all_ended(tasks: Iterable[Task]) -> None:
    for task in tasks:
        if not task.state.final:  # it may have ended while another was awaited
            await task.work.ended()
