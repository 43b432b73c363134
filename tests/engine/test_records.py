"""What is known of a task afterwards, and what of its caller's context it sees."""

from __future__ import annotations

import asyncio
import os
import threading
from contextvars import ContextVar

import pytest

from wiseflow.core.errors import Cancelled, NotFound
from wiseflow.core.tasks import TaskState
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import TaskManager

LIMIT_S = 30.0
color: ContextVar[str] = ContextVar("color", default="none")


@pytest.fixture
async def tasks():
    async with asyncio.timeout(LIMIT_S), TaskManager(max_processes=1) as manager:
        yield manager


def busy() -> str:
    sum(number * number for number in range(20_000))
    return threading.current_thread().name


async def test_who_did_it_and_what_it_took_is_recorded(tasks):
    ids = [
        tasks.register_task("loop", asyncio.sleep, (0,)),
        tasks.register_task("thread", busy),
        tasks.register_task("process", os.getpid, cpu_bound=True),
    ]
    _, thread, pid = [await tasks.result(task_id) for task_id in ids]
    loop, on_thread, in_process = map(tasks.record, ids)

    assert (loop.worker, loop.cpu_s, loop.memory_bytes) == ("event loop", None, None)
    assert on_thread.worker == thread
    assert on_thread.cpu_s is not None
    assert on_thread.cpu_s > 0
    assert on_thread.memory_bytes is None
    assert in_process.worker == f"process {pid}"
    assert in_process.cpu_s is not None
    assert in_process.memory_bytes is None or in_process.memory_bytes > 1_000_000


async def test_what_never_began_has_no_worker_and_no_time(tasks):
    async def broken():
        raise ValueError

    base = tasks.register_task("base", broken)
    record = tasks.record(tasks.register_task("after", broken, dependencies=[base]))
    assert (record.state, record.worker, record.run_s) == (TaskState.WAITING, "", 0.0)
    assert record.started_at is None

    await tasks.wait([record.task_id])
    record = tasks.record(record.task_id)

    assert (record.attempts, record.cause, record.worker) == (0, base, "")


def paint() -> str:
    before = color.get()
    color.set("thread")
    return before


async def test_a_task_sees_the_variables_of_who_registered_it_and_changes_its_own_only(tasks):
    async def change() -> str:
        before = color.get()
        color.set("changed")
        await asyncio.sleep(0)
        inner = await tasks.result(tasks.register_task("inner", asks))
        return f"{before} {inner}"

    async def asks() -> str:
        return color.get()

    color.set("red")
    ids = tasks.register_tasks(
        [TaskRequest(name="one", func=one) for one in (change, change, paint, asks)]
    )
    color.set("blue")

    assert [await tasks.result(task_id) for task_id in ids] == [
        "red changed",
        "red changed",
        "red",
        "red",
    ]
    assert color.get() == "blue"


async def test_each_attempt_begins_with_the_variables_of_who_registered_it(tasks):
    seen: list[str] = []

    async def twice() -> None:
        seen.append(color.get())
        color.set("left by the first")
        if len(seen) == 1:
            raise ValueError

    color.set("red")
    await tasks.result(tasks.register_task("twice", twice, retries=1, retry_delay_s=0.0))

    assert seen == ["red", "red"]


async def test_all_are_waited_for_although_another_ends_meanwhile(tasks):
    first, second = asyncio.Event(), asyncio.Event()
    ids = [tasks.register_task("x", event.wait) for event in (first, second)]
    waiter = asyncio.create_task(tasks.wait(ids))
    await asyncio.sleep(0)

    second.set()
    await tasks.result(ids[1])
    assert not waiter.done()
    first.set()

    await waiter


async def test_a_task_that_was_cancelled_before_its_first_step_has_ended(tasks):
    task_id = tasks.register_task("x", asyncio.Event().wait)
    tasks.cancel(task_id)

    with pytest.raises(Cancelled):
        await tasks.result(task_id)


async def test_tasks_that_ended_long_ago_are_forgotten():
    async with TaskManager(kept=2) as tasks:
        ids = [tasks.register_task("x", asyncio.sleep, (0, number)) for number in range(4)]
        await tasks.join()

        assert await tasks.result(ids[3]) == 3
        with pytest.raises(NotFound, match="no task"):
            tasks.record(ids[0])
