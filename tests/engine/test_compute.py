"""Work in pools and in branches as tasks: whose they are, and what ends them."""

from __future__ import annotations

import asyncio
import os
from contextvars import Context, copy_context
from functools import partial

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput, NotFound
from wiseflow.core.tasks import TaskEvent, TaskRecord, TaskState
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.compute import TaskBranches, TaskCompute, on_behalf_of
from wiseflow.engine.processes import ProcessPool
from wiseflow.engine.tasks import TaskManager
from wiseflow.engine.turns import in_order_of_beginning

LIMIT_S = 30.0


class Told:
    """Notes events, and ends by task."""

    def __init__(self):
        self.events: list[TaskEvent] = []

    def __call__(self, event: TaskEvent):
        self.events.append(event)

    def ends(self) -> list[TaskState]:
        return [event.state for event in self.events if event.state.final]

    def completed(self) -> list[str]:
        return [event.name for event in self.events if event.state is TaskState.COMPLETED]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def tasks(told):
    async with (
        asyncio.timeout(LIMIT_S),
        TaskManager(max_concurrent_tasks=2, max_processes=1, on_event=told) as manager,
    ):
        yield manager


async def test_parts_are_done_at_once_and_give_in_their_order(tasks):
    left, all_here = [3], asyncio.Event()

    async def part(number: int) -> int:
        left[0] -= 1
        if not left[0]:
            all_here.set()
        await all_here.wait()  # more wait here than there are slots
        return number

    parts = [lambda number=number: part(number) for number in range(3)]
    with pytest.raises(InvalidInput, match="cannot run in the pool 'branches'"):
        await TaskBranches(tasks).all("part", parts)

    left[0] = 3
    found = await TaskBranches(tasks).all("part", [Part(part, number) for number in range(3)])

    assert found == [0, 1, 2]


class Part:
    def __init__(self, func, *args):
        self.func, self.args = func, args

    async def __call__(self):
        return await self.func(*self.args)


async def test_the_first_that_fails_cancels_the_others_and_is_raised(tasks, told):
    others = asyncio.Event()

    async def breaks() -> None:
        await others.wait()
        raise LookupError("the first")

    async def waits() -> None:
        others.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LookupError("the second") from None

    with pytest.raises(LookupError, match="the first"):
        await TaskBranches(tasks).all("part", [breaks, waits, waits])

    assert sorted(told.ends()) == ["cancelled", "cancelled", "failed"]
    assert tasks.active_tasks == tasks.pending_tasks == []


async def test_who_is_cancelled_returns_when_all_parts_have_ended(tasks):
    begun, may_end = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def slow_to_end() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            ended.append("ended")

    caller = asyncio.create_task(TaskBranches(tasks).all("part", [slow_to_end]))
    await begun.wait()
    caller.cancel()
    await asyncio.sleep(0)
    caller.cancel()  # once more, as an impatient one does
    await asyncio.sleep(0)
    assert not caller.done()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == ["ended"]


async def test_tasks_are_made_on_behalf_of_a_run_with_its_priority(tasks, told):
    records: list[TaskRecord] = []

    async def part() -> None:
        records.extend(tasks.active_tasks)

    compute = TaskCompute(tasks, "tools")
    async with ProcessPool(workers=1, name="tools", timeout_s=LIMIT_S) as pool:
        tasks.add_pool("tools", pool)
        with on_behalf_of("r1", TaskPriority.HIGH):
            assert await compute.run(os.getpid) in pool.pids
            await TaskBranches(tasks).all("part", [part])
            assert {event.run for event in told.events} == {"r1"}
        assert await compute.run(int, "7") == 7

        assert [(one.run, one.priority) for one in records] == [("r1", TaskPriority.HIGH)]
        assert told.events[-1].run == ""
        with pytest.raises(ValueError, match="invalid literal"):
            await compute.run(int, "seven")
        await tasks.remove_pool("tools")


async def test_a_pool_is_resized_and_removed_with_its_tasks(tasks):
    async with ProcessPool(workers=1, name="tools", timeout_s=LIMIT_S) as pool:
        tasks.add_pool("tools", pool)
        with pytest.raises(Conflict, match="lane 'tools' already"):
            tasks.add_pool("tools", pool)
        tasks.resize(pools={"tools": 3})
        assert pool.workers == 3

        task_id = tasks.register_task("work", os.getpid, cpu_bound=True, pool="tools")
        await tasks.remove_pool("tools")

        assert tasks.record(task_id).state is TaskState.CANCELLED
        with pytest.raises(InvalidInput, match="cannot run in the pool 'tools'"):
            tasks.register_task("work", os.getpid, cpu_bound=True, pool="tools")
        with pytest.raises(InvalidInput, match="no pool 'tools'"):
            tasks.resize(pools={"tools": 1})


def work_that_begins_now() -> Context:
    with in_order_of_beginning():
        return copy_context()


async def test_in_a_pool_goes_first_what_belongs_to_work_that_began_first(tasks, told):
    oldest, second, youngest = (work_that_begins_now() for _ in range(3))
    async with ProcessPool(workers=1, name="tools", timeout_s=LIMIT_S) as pool:
        tasks.add_pool("tools", pool)

        call = partial(tasks.register_task, func=os.getpid, cpu_bound=True, pool="tools")
        call("keeps the worker busy")
        for name, work in (("third", youngest), ("first", oldest), ("second", second)):
            work.run(call, name)
        second.run(call, "second again")
        await tasks.join()
        await tasks.remove_pool("tools")

    assert told.completed()[1:] == ["first", "second", "second again", "third"]


async def test_in_a_pool_goes_first_what_is_at_home_at_the_free_place(tasks, told):
    oldest, at_home = work_that_begins_now(), work_that_begins_now()
    async with ProcessPool(workers=1, name="tools", timeout_s=LIMIT_S) as pool:
        tasks.add_pool("tools", pool)

        call = partial(tasks.register_task, func=os.getpid, cpu_bound=True, pool="tools")
        at_home.run(call, "comes here")
        await tasks.join()
        call("keeps the worker busy")
        oldest.run(call, "new here")
        at_home.run(call, "at home")
        await tasks.join()
        await tasks.remove_pool("tools")

    assert told.completed()[2:] == ["at home", "new here"]


async def test_an_unknown_task_is_no_fault_of_those_that_wait_for_others(tasks):
    with pytest.raises(NotFound):
        await tasks.wait(["nobody"])


async def test_what_a_call_gave_is_not_kept(tasks, told):
    await tasks.call(TaskRequest(name="one", func=asyncio.sleep, args=(0, "much")))
    await tasks.call_all([TaskRequest(name="two", func=asyncio.sleep, args=(0, "more"))])

    for event in told.events:
        with pytest.raises(NotFound):
            tasks.record(event.task_id)


async def test_a_call_with_an_id_may_be_depended_on_later(tasks):
    request = TaskRequest(name="one", func=asyncio.sleep, args=(0, "much"), task_id="first")
    await tasks.call(request)

    assert await tasks.result("first") == "much"
    assert await tasks.result(tasks.register_task("two", int, dependencies=["first"])) == 0
