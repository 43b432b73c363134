"""What cannot be: a clear error with what to do about it, and the engine goes on."""

from __future__ import annotations

import asyncio
import math
import threading
import time

import pytest

from wiseflow.core.errors import Conflict, InvalidInput, NotFound, WorkerError
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import TaskManager

LIMIT_S = 30.0


@pytest.fixture
async def tasks():
    async with asyncio.timeout(LIMIT_S), TaskManager(max_processes=1) as manager:
        yield manager
        assert await manager.result(manager.register_task("next", double, (3,))) == 6


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


class Unsendable(Exception):
    def __init__(self):
        super().__init__("it holds a lock")
        self.lock = threading.Lock()


def raise_unsendable() -> None:
    raise Unsendable


def give_unsendable() -> object:
    return threading.Lock()


async def test_tasks_in_a_circle_are_refused_with_the_circle_named(tasks):
    ring = [
        TaskRequest(name=name, func=double, args=(1,), task_id=name, dependencies=[needed])
        for name, needed in [("a", "b"), ("b", "c"), ("c", "a")]
    ]

    with pytest.raises(InvalidInput, match=r"circle: \w → \w → \w → \w\. Take one of these"):
        tasks.register_tasks(ring)

    assert tasks.pending_tasks == []


async def test_an_error_that_cannot_be_sent_is_told_in_words(tasks):
    task_id = tasks.register_task("bad", raise_unsendable, cpu_bound=True)

    with pytest.raises(WorkerError, match=r"raise_unsendable raised .*it holds a lock.*pickles"):
        await tasks.result(task_id)


async def test_a_result_that_cannot_be_sent_is_told(tasks):
    task_id = tasks.register_task("bad", give_unsendable, cpu_bound=True)

    with pytest.raises(InvalidInput, match=r"result of .*give_unsendable cannot be sent back"):
        await tasks.result(task_id)


async def test_an_argument_that_others_gave_and_cannot_be_sent_fails_the_task_only(tasks):
    async def lock() -> object:
        return threading.Lock()

    first = tasks.register_task("first", lock)
    second = tasks.register_task(
        "second", dict, cpu_bound=True, dependencies=[first], results_as="found"
    )

    with pytest.raises(InvalidInput, match=r"argument 'found'.*cannot be sent"):
        await tasks.result(second)


async def test_a_task_that_does_not_yield_is_named_in_the_log(caplog):
    async def greedy() -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - what it should not do

    async with TaskManager(blocked_s=0.05) as tasks:
        await tasks.result(tasks.register_task("greedy", greedy))
        await tasks.result(tasks.register_task("next", double, (1,)))

    told = [record for record in caplog.records if "does not yield" in record.getMessage()]
    assert len(told) == 1
    assert "greedy" in str(vars(told[0]))


@pytest.mark.parametrize("blocked_s", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_of_the_watch_that_makes_no_sense_is_refused(blocked_s):
    with pytest.raises(InvalidInput, match=r"blocked_s is .* Give seconds above 0"):
        TaskManager(blocked_s=blocked_s)


async def test_an_id_is_taken_once_also_after_its_task_has_ended(tasks):
    await tasks.result(tasks.register_task("a", double, (1,), task_id="a"))

    for again in (["a"], ["b", "b"]):
        with pytest.raises(Conflict, match=r"registered already\. Give another id"):
            tasks.register_tasks(
                TaskRequest(name="x", func=double, args=(1,), task_id=one) for one in again
            )


async def test_of_tasks_registered_together_all_are_taken_or_none(tasks):
    good = TaskRequest(name="good", func=double, args=(1,), task_id="good")
    bad = TaskRequest(name="bad", func=double, args=(1,), dependencies=["nobody"])

    with pytest.raises(InvalidInput, match="depends on 'nobody'"):
        tasks.register_tasks([good, bad])

    with pytest.raises(NotFound):
        tasks.record("good")


async def test_after_shutdown_nothing_is_taken_on():
    tasks = TaskManager()
    await tasks.initialize()
    await tasks.shutdown()

    with pytest.raises(Conflict, match="does not take on tasks"):
        tasks.register_task("late", double, (1,))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_concurrent_tasks": 0}, "0 slots"),
        ({"max_concurrent_tasks": 1.5}, "1.5 slots"),
        ({"max_concurrent_tasks": math.nan}, "nan slots"),
        ({"max_thread_workers": "two"}, "'two' slots"),
        ({"max_processes": -1}, "-1 slots"),
        ({"pools": {"branches": 0}}, "0 slots"),
        ({"pools": {"nowhere": 1}}, "no pool 'nowhere'"),
    ],
)
async def test_limits_that_leave_no_room_are_refused_and_none_is_changed(tasks, limits, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        tasks.resize(**limits)

    assert refused.value.cure


async def test_one_id_where_several_are_meant_is_named(tasks):
    with pytest.raises(InvalidInput, match="'abc' is one id, where several are meant"):
        await tasks.wait("abc")
