"""Functions as tasks: where they run, what comes of them, and what bad input meets."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import threading

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Cancelled, Conflict, InvalidInput, NotFound, TimeLimit, WorkerError
from wiseflow.core.tasks import FailurePolicy, TaskEvent, TaskKind, TaskState
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import TaskManager
from wiseflow.engine.threads import asked_to_stop

LIMIT_S = 30.0


@pytest.fixture
async def tasks():
    async with asyncio.timeout(LIMIT_S), TaskManager(max_processes=1) as manager:
        yield manager


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def pid() -> int:
    return os.getpid()


def crash() -> None:
    os._exit(7)


class Gate:
    """An asynchronous function that waits, and notes who came."""

    def __init__(self):
        self.came: list[object] = []
        self.someone = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, name: object = None) -> object:
        self.came.append(name)
        self.someone.set()
        await self.open.wait()
        return name


async def test_a_script_of_five_lines_has_its_results():
    async with TaskManager() as tasks:
        ids = [tasks.register_task("double", double, (number,)) for number in range(5)]
        assert [await tasks.result(task_id) for task_id in ids] == [0, 2, 4, 6, 8]


async def test_plain_functions_run_on_threads_and_cpu_bound_ones_in_processes(tasks):
    here = tasks.register_task("loop", double, (1,))
    thread = tasks.register_task("thread", threading.get_ident)
    process = tasks.register_task("process", pid, cpu_bound=True)

    assert await tasks.result(here) == 2
    assert await tasks.result(thread) != threading.get_ident()
    assert await tasks.result(process) != os.getpid()
    assert [tasks.record(one).kind for one in (here, thread, process)] == [
        TaskKind.ASYNC,
        TaskKind.THREAD,
        TaskKind.PROCESS,
    ]


async def test_a_partial_and_an_object_with_an_asynchronous_call_run_on_the_loop(tasks):
    gate = Gate()
    gate.open.set()

    assert await tasks.result(tasks.register_task("p", functools.partial(double, 4))) == 8
    assert await tasks.result(tasks.register_task("o", gate, ("x",))) == "x"


async def test_a_task_gets_the_results_of_those_it_depends_on(tasks):
    async def broken():
        raise ValueError("no")

    async def total(found: dict[str, int]) -> int:
        return sum(found.values())

    ids = tasks.register_tasks(
        [
            TaskRequest(
                name="total",
                func=total,
                task_id="total",
                dependencies=["a", "b", "broken"],
                results_as="found",
                on_failure=FailurePolicy.RUN_ANYWAY,
            ),
            TaskRequest(name="a", func=double, args=(1,), task_id="a"),
            TaskRequest(name="b", func=double, args=(2,), task_id="b"),
            TaskRequest(name="broken", func=broken, task_id="broken"),
        ]
    )

    assert await tasks.result(ids[0]) == 6


async def test_an_error_is_raised_as_it_was_and_reaches_those_that_depend_on_it(tasks):
    async def broken():
        raise ValueError("the file is not there")

    base = tasks.register_task("base", broken)
    after = tasks.register_task("after", double, (1,), dependencies=[base])
    skipped = tasks.register_task("skipped", double, (1,), dependencies=[base], on_failure="skip")

    for one in (base, after):
        with pytest.raises(ValueError, match="the file is not there"):
            await tasks.result(one)
    with pytest.raises(Cancelled, match="'skipped' was skipped"):
        await tasks.result(skipped)
    assert tasks.record(after).cause == base


async def test_a_failed_attempt_is_tried_again(tasks):
    left = [ValueError("once"), ValueError("twice")]

    async def flaky() -> str:
        if left:
            raise left.pop()
        return "done"

    task_id = tasks.register_task("flaky", flaky, retries=2, retry_delay_s=0.001)

    assert await tasks.result(task_id) == "done"
    assert tasks.record(task_id).attempts == 3


async def test_a_task_that_takes_too_long_is_ended_and_named(tasks):
    task_id = tasks.register_task("sleeper", asyncio.sleep, (LIMIT_S * 10,), timeout=0.01)

    with pytest.raises(TimeLimit, match=r"'sleeper' took longer than 0\.01 s"):
        await tasks.result(task_id)
    assert tasks.record(task_id).state is TaskState.TIMED_OUT


async def test_a_thread_is_asked_to_stop_and_keeps_its_slot_until_it_has(tasks):
    begun, seen = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        while not asked_to_stop():
            seen.wait(0.001)
        seen.set()

    task_id = tasks.register_task("work", work)
    await asyncio.to_thread(begun.wait, LIMIT_S)
    tasks.cancel(task_id)
    with pytest.raises(Cancelled, match="'work' was cancelled"):
        await tasks.result(task_id)

    assert seen.is_set()
    assert not asked_to_stop()


async def test_a_crashed_process_costs_its_own_task_only(tasks):
    bad = tasks.register_task("crash", crash, cpu_bound=True)
    good = tasks.register_task("good", pid, cpu_bound=True)

    with pytest.raises(WorkerError, match="crash"):
        await tasks.result(bad)
    assert await tasks.result(good) != os.getpid()


async def test_a_task_may_wait_for_those_it_registers_although_there_is_one_slot():
    async with asyncio.timeout(LIMIT_S), TaskManager(max_concurrent_tasks=1) as tasks:

        async def tree(depth: int) -> int:
            if not depth:
                return 1
            ids = [tasks.register_task("branch", tree, (depth - 1,)) for _ in range(2)]
            return sum([await tasks.result(task_id) for task_id in ids])

        root = tasks.register_task("root", tree, (5,))

        assert await tasks.result(root) == 32


async def test_branches_of_a_task_may_wait_for_different_tasks_at_once():
    async with asyncio.timeout(LIMIT_S), TaskManager(max_concurrent_tasks=1) as tasks:

        async def branches() -> list[int]:
            ids = [tasks.register_task("double", double, (number,)) for number in range(4)]
            async with asyncio.TaskGroup() as group:
                found = [group.create_task(tasks.result(task_id)) for task_id in [*ids, ids[0]]]
            last = await tasks.result(tasks.register_task("double", double, (4,)))
            return [*(one.result() for one in found), last]

        root = tasks.register_task("branches", branches)

        assert await tasks.result(root) == [0, 2, 4, 6, 0, 8]
        assert tasks.active_tasks == []


async def test_a_task_that_gives_a_wait_up_has_its_slot_again():
    gate = Gate()
    async with asyncio.timeout(LIMIT_S), TaskManager(max_concurrent_tasks=2) as tasks:

        async def impatient() -> TaskState:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await tasks.result("gate")
            return tasks.record("impatient").state

        tasks.register_task("gate", gate, task_id="gate")
        task_id = tasks.register_task("impatient", impatient, task_id="impatient")

        assert await tasks.result(task_id) is TaskState.RUNNING
        gate.open.set()


async def test_what_outlives_its_task_may_still_wait_for_others(tasks):
    outliving = []

    async def leaves_a_branch() -> None:
        outliving.append(asyncio.create_task(tasks.result("later")))

    gate = Gate()
    tasks.register_task("later", gate, ("x",), task_id="later")
    await tasks.result(tasks.register_task("leaves", leaves_a_branch))
    gate.open.set()

    assert await outliving[0] == "x"


async def test_a_listener_that_fails_disturbs_no_task(caplog):
    def broken(_event: TaskEvent) -> None:
        raise ZeroDivisionError

    async with TaskManager(on_event=broken) as tasks:
        assert await tasks.result(tasks.register_task("double", double, (1,))) == 2

    assert "listener of task events failed" in caplog.text


async def test_another_thread_is_told_how_to_reach_the_engine(tasks):
    def from_a_thread() -> str:
        return tasks.register_task("double", double, (1,))

    with pytest.raises(Conflict, match=r"from another thread.*run_coroutine_threadsafe"):
        await tasks.result(tasks.register_task("thread", from_a_thread))


async def test_an_engine_that_was_shut_down_cannot_be_used_again():
    tasks = TaskManager()
    await tasks.initialize()
    await tasks.initialize()
    await tasks.shutdown()

    with pytest.raises(Conflict, match=r"was shut down\. Make a new TaskManager"):
        await tasks.initialize()


async def test_cancelling_reaches_those_that_a_task_registered(tasks):
    gate = Gate()

    async def parent():
        tasks.register_task("child", gate, ("child",), task_id="child")
        await tasks.result("child")

    root = tasks.register_task("parent", parent)
    await gate.someone.wait()
    tasks.cancel(root)

    for one in (root, "child"):
        with pytest.raises(Cancelled):
            await tasks.result(one)


async def test_waiting_for_oneself_is_refused_and_the_engine_goes_on(tasks):
    async def selfish():
        await tasks.result("selfish")

    tasks.register_task("selfish", selfish, task_id="selfish")

    with pytest.raises(Conflict, match="selfish → selfish"):
        await tasks.result("selfish")
    assert await tasks.result(tasks.register_task("next", double, (3,))) == 6


async def test_every_change_is_told_in_order_with_its_times():
    told: list[TaskEvent] = []
    async with TaskManager(max_concurrent_tasks=1, on_event=told.append) as tasks:

        async def outer() -> int:
            return await tasks.result(tasks.register_task("inner", double, (1,), task_id="i"))

        await tasks.result(tasks.register_task("outer", outer, task_id="o"))
        record = tasks.record("i")

    def states(task_id: str) -> list[TaskState]:
        return [event.state for event in told if event.task_id == task_id]

    running = [TaskState.PENDING, TaskState.RUNNING]
    assert states("i") == [*running, TaskState.COMPLETED]
    assert states("o") == [
        *running,
        TaskState.SUSPENDED,
        TaskState.PENDING,
        TaskState.RUNNING,
        TaskState.COMPLETED,
    ]
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert record.started_at is not None
    assert record.ended_at is not None
    assert record.run_s == record.ended_at - record.started_at >= 0
    assert record.queue_s >= 0


async def test_limits_may_change_while_tasks_run():
    gate = Gate()
    async with asyncio.timeout(LIMIT_S), TaskManager(max_concurrent_tasks=1) as tasks:
        for number in range(3):
            tasks.register_task("gate", gate, (number,), priority=TaskPriority.LOW)
        await gate.someone.wait()
        assert (len(tasks.active_tasks), len(tasks.pending_tasks)) == (1, 2)

        tasks.resize(max_concurrent_tasks=2, max_thread_workers=3, max_processes=2)

        assert (len(tasks.active_tasks), len(tasks.pending_tasks)) == (2, 1)
        with pytest.raises(InvalidInput, match="0 slots"):
            tasks.resize(max_concurrent_tasks=0)
        gate.open.set()


async def test_at_shutdown_what_runs_may_end_and_what_waits_is_handed_back():
    gate = Gate()
    tasks = TaskManager(max_concurrent_tasks=1)
    await tasks.initialize()
    running = tasks.register_task("running", gate, ("a",))
    waiting = tasks.register_task("waiting", gate, ("b",))
    await gate.someone.wait()

    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        closing = group.create_task(tasks.shutdown(timeout_s=LIMIT_S))
        await asyncio.sleep(0)
        with pytest.raises(Conflict, match="does not take on tasks"):
            tasks.register_task("late", double, (1,))
        gate.open.set()

    assert [one.task_id for one in closing.result()] == [waiting]
    assert tasks.record(running).state is TaskState.COMPLETED


async def test_what_does_not_end_within_the_limit_is_cancelled_and_named():
    gate = Gate()
    tasks = TaskManager()
    await tasks.initialize()
    running = tasks.register_task("running", gate)
    await gate.someone.wait()

    left = await tasks.shutdown(timeout_s=0.01)

    assert [one.task_id for one in left] == [running]
    assert tasks.record(running).state is TaskState.CANCELLED


def numbers():
    yield 1


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (7, {}, "7 cannot be called"),
        (numbers, {}, "numbers is a generator"),
        (double, {"cpu_bound": True}, "is asynchronous, so it cannot run in a process"),
        (lambda: 1, {"cpu_bound": True}, "the function of the task 'x' cannot be sent"),
        (pid, {"cpu_bound": True, "args": (threading.Lock(),)}, "argument 1 of the task 'x'"),
        (pid, {"cpu_bound": True, "kwargs": {"a": open}, "colour": 1}, "no such field: 'colour'"),
        (double, {"timeout": -1.0}, "timeout of the task"),
        (double, {"timeout": 0.0}, "timeout of the task"),
        (double, {"retries": -1}, "-1 retries"),
        (double, {"priority": "urgent"}, "'urgent' is no TaskPriority. Give one of: critical"),
        (double, {"on_failure": "shrug"}, "'shrug' is no FailurePolicy"),
        (double, {"timeout": math.nan}, "timeout of the task 'x#1' is nan s"),
        (double, {"timeout": math.inf}, "is inf s.* None for no bound"),
        (double, {"timeout": "3"}, "timeout of the task 'x#1' is '3' s"),
        (double, {"retries": "many"}, "'many' retries"),
        (double, {"retries": 1.5}, "1.5 retries"),
        (double, {"retries": None}, "None retries"),
        (double, {"retry_delay_s": math.nan}, "after nan s"),
        (double, {"dependencies": ["nobody"]}, "depends on 'nobody'"),
        (double, {"dependencies": "nobody"}, "cannot be 'nobody'.*a list of ids, also for"),
        (double, {"dependencies": None}, "dependencies of the task 'x' cannot be None"),
        (double, {"kwargs": [1]}, r"kwargs of the task 'x' cannot be \[1\]"),
        (double, {"kwargs": {1: 2}}, "kwargs of the task 'x' cannot be {1: 2}"),
        (double, {"args": "abc"}, r"args of the task 'x' cannot be 'abc'.*\(it,\)"),
        (double, {"args": 3}, "args of the task 'x' cannot be 3"),
        (double, {"task_id": 7}, "task_id of the task 'x' cannot be 7"),
        (double, {"results_as": 7}, "results_as of the task 'x' cannot be 7"),
        (double, {"size": "big"}, "size of the task 'x' cannot be 'big'"),
        (double, {"pool": "nowhere"}, "cannot run in the pool 'nowhere'"),
        (pid, {"pool": "nowhere", "cpu_bound": True}, "cannot run in the pool 'nowhere'"),
        (double, {"pool": "process"}, "cannot run in the pool 'process'"),
    ],
)
async def test_what_cannot_be_run_is_refused_and_the_engine_goes_on(
    tasks, function, options, words
):
    with pytest.raises(InvalidInput, match=words) as refused:
        tasks.register_task("x", function, **options)

    assert refused.value.cure
    assert await tasks.result(tasks.register_task("next", double, (3,))) == 6


async def test_an_unknown_task_and_an_id_that_is_taken_are_told(tasks):
    tasks.register_task("a", double, (1,), task_id="a")

    with pytest.raises(NotFound, match="'nobody'"):
        await tasks.result("nobody")
    with pytest.raises(NotFound, match="'nobody'"):
        tasks.cancel("nobody")
    with pytest.raises(Conflict, match="'a' is registered already"):
        tasks.register_task("a", double, (1,), task_id="a")


async def test_before_it_is_initialised_nothing_is_taken_on():
    with pytest.raises(Conflict, match="not initialised"):
        TaskManager().register_task("x", double, (1,))


async def test_an_error_in_the_block_cancels_what_runs():
    gate = Gate()
    tasks = TaskManager()

    async def block() -> None:
        async with tasks:
            tasks.register_task("running", gate, task_id="running")
            await gate.someone.wait()
            raise LookupError

    with pytest.raises(LookupError):
        await block()

    assert tasks.record("running").state is TaskState.CANCELLED


async def test_a_run_that_is_over_its_time_ends_with_all_its_tasks_and_takes_on_no_more(tasks):
    tasks.resize(max_concurrent_tasks=1)
    at_work = tasks.register_task("long", asyncio.sleep, (60,), run="r", retries=3)
    waiting = tasks.register_task("next", asyncio.sleep, (60,), run="r")
    other = tasks.register_task("other", double, (2,), run="s")

    tasks.limit_run("r", 0.01)

    for task_id in (at_work, waiting):
        with pytest.raises(TimeLimit, match="the run 'r' is over its time"):
            await tasks.result(task_id)
        assert tasks.record(task_id).state is TaskState.TIMED_OUT
    assert tasks.record(at_work).attempts == 1
    assert await tasks.result(other) == 4
    with pytest.raises(Conflict, match="takes on no tasks"):
        tasks.register_task("late", double, (1,), run="r")
    tasks.limit_run("r", None)
    assert await tasks.result(tasks.register_task("again", double, (1,), run="r")) == 2


async def test_the_time_of_a_run_has_to_be_above_nothing(tasks):
    with pytest.raises(InvalidInput, match="time of the run"):
        tasks.limit_run("r", 0.0)
    tasks.limit_run("r", 60.0)
    tasks.limit_run("r", 30.0)  # the later one holds
    assert await tasks.result(tasks.register_task("in time", double, (1,), run="r")) == 2


async def test_runs_may_weigh_differently(tasks):
    with pytest.raises(InvalidInput, match="weight"):
        tasks.weigh("r", 0.0)
    tasks.weigh("r", 2.0)
    assert await tasks.result(tasks.register_task("heavy", double, (1,), run="r")) == 2


async def test_worker_processes_may_be_started_before_they_are_needed(tasks):
    await tasks.warm()
    assert await tasks.result(tasks.register_task("pid", pid, cpu_bound=True)) != os.getpid()
    with pytest.raises(InvalidInput, match="no pool 'x'"):
        await tasks.warm("x")
