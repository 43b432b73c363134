from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from wiseflow.core.errors import (
    Conflict,
    DocumentError,
    InvalidInput,
    WiseflowError,
    WorkerCrashed,
    WorkerError,
    WorkerLimit,
    WorkerTimeout,
)
from wiseflow.engine import processes
from wiseflow.engine.processes import ProcessLimits, ProcessPool

FOREVER = "sum(iter(int, 1))"  # inside C code, never letting another thread run


# An exception of a module that only the worker has.
GHOST = """
import sys, types
ghost = sys.modules["ghost"] = types.ModuleType("ghost")
exec("class Ghost(Exception): pass", ghost.__dict__)
ghost.Ghost.__module__ = "ghost"
raise ghost.Ghost
"""


async def works(pool: ProcessPool) -> bool:
    return await pool.run(math.sqrt, 9.0) == 3.0


async def shrunk(pool: ProcessPool, most: int) -> None:
    """Return when the pool has at most so many processes."""
    async with asyncio.timeout(20):
        while len(pool.pids) > most:  # noqa: ASYNC110 - it tells nobody when one ends
            await asyncio.sleep(0.01)


async def gone(pid: int, *, within_s: float = 20.0) -> bool:
    """Whether the process ends in time; it may stay a zombie when nobody collects orphans."""
    async with asyncio.timeout(within_s):
        while psutil.pid_exists(pid):
            try:
                if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                    return True
            except psutil.NoSuchProcess:
                break
            await asyncio.sleep(0.02)
    return True


async def test_a_function_runs_in_another_process(pool: ProcessPool):
    assert await pool.run(os.getpid) not in {os.getpid(), 0}
    assert await pool.run(sorted, [3, 1, 2], reverse=True) == [3, 2, 1]


async def test_a_worker_serves_many_calls(pool: ProcessPool):
    pids = {await pool.run(os.getpid) for _ in range(5)}

    assert len(pids) == 1


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("__import__('os')._exit(3)", "exit code 3"),
        ("__import__('os').kill(__import__('os').getpid(), 9)", "SIGKILL"),
        ("__import__('ctypes').string_at(0)", "SIGSEGV"),
        ("__import__('os').abort()", "SIGABRT"),
        ("__import__('sys').exit(4)", "exit code 4"),
        ("__import__('os').kill(__import__('os').getpid(), 40)", "signal 40"),
    ],
)
async def test_a_crash_costs_its_own_call_only(pool: ProcessPool, code: str, named: str):
    with pytest.raises(WorkerCrashed, match=r"builtins\.eval") as caught:
        await pool.run(eval, code)

    assert named in caught.value.message
    assert caught.value.retryable
    assert await works(pool)


async def test_a_call_that_takes_too_long_is_ended_and_named():
    async with ProcessPool(workers=1, name="test", timeout_s=1.5) as pool:
        with pytest.raises(WorkerTimeout, match=r"time\.sleep took longer than 1\.5 s"):
            await pool.run(time.sleep, 600)

        assert await works(pool)


async def test_a_memory_bomb_goes_off_in_its_worker(pool: ProcessPool):
    with pytest.raises(WorkerLimit, match="memory limit"):
        await pool.run(bytearray, 900_000_000)

    assert await works(pool)


async def test_an_argument_over_the_memory_limit_is_the_callers_fault_only():
    limits = ProcessLimits(memory_bytes=50_000_000)
    async with ProcessPool(workers=1, name="test", timeout_s=60, limits=limits) as pool:
        with pytest.raises(WorkerLimit, match="memory limit"):
            await pool.run(len, b"x" * 90_000_000)

        assert await works(pool)


async def test_an_argument_that_does_not_fit_when_it_is_rebuilt():
    limits = ProcessLimits(memory_bytes=60_000_000)
    async with ProcessPool(workers=1, name="test", timeout_s=60, limits=limits) as pool:
        with pytest.raises(WorkerLimit, match="memory limit"):
            await pool.run(len, b"x" * 40_000_000)


async def test_a_result_over_the_memory_limit_is_the_calls_fault_only():
    limits = ProcessLimits(memory_bytes=60_000_000)
    async with ProcessPool(workers=1, name="test", timeout_s=60, limits=limits) as pool:
        with pytest.raises(WorkerLimit, match="memory limit"):
            await pool.run(bytes, 40_000_000)

        assert await works(pool)


async def test_a_worker_that_keeps_much_memory_is_replaced(pool: ProcessPool):
    before = await pool.run(os.getpid)
    await pool.run(exec, "import builtins; builtins.kept = bytearray(300_000_000)")

    assert await pool.run(os.getpid) != before


async def test_a_call_over_its_cpu_time_is_ended_even_inside_c_code():
    limits = ProcessLimits(cpu_s=1)
    async with ProcessPool(workers=1, name="test", timeout_s=60, limits=limits) as pool:
        with pytest.raises(WorkerLimit, match="took more than 1 s of CPU time"):
            await pool.run(eval, FOREVER)

        assert await works(pool)


async def test_large_arguments_and_results_pass_whole(pool: ProcessPool):
    data = os.urandom(50_000_000)

    limits_free = ProcessPool(workers=1, name="large", timeout_s=60)
    async with limits_free as free:
        assert await free.run(bytes, data) == data


async def test_prints_and_child_processes_do_not_disturb_the_answers(pool: ProcessPool):
    await pool.run(print, "x" * 100_000, flush=True)
    await pool.run(subprocess.check_call, ["sh", "-c", "echo from a child; cat"])

    assert await works(pool)


async def test_an_exception_travels_as_itself(pool: ProcessPool):
    with pytest.raises(ValueError, match="math domain error") as caught:
        await pool.run(math.sqrt, -1.0)

    assert any("In a worker process" in note for note in caught.value.__notes__)
    assert await works(pool)


async def test_an_error_of_ours_keeps_its_cure(pool: ProcessPool):
    code = "from wiseflow.core.errors import DocumentError; raise DocumentError('a', cure='b')"

    with pytest.raises(DocumentError) as caught:
        await pool.run(exec, code)

    assert (caught.value.message, caught.value.cure) == ("a", "b")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("class Odd(Exception): pass\nraise Odd('strange')", "Odd: strange"),
        ("class Mute(Exception):\n def __str__(self): raise ValueError\nraise Mute", "Mute"),
        (GHOST, "cannot be rebuilt: ModuleNotFoundError"),
    ],
)
async def test_an_exception_that_cannot_travel_is_told(pool: ProcessPool, code: str, named: str):
    with pytest.raises(WorkerError, match=named):
        await pool.run(exec, code, {"__name__": "odd"})

    assert await works(pool)


async def test_what_does_not_pickle_is_refused_with_the_cure(pool: ProcessPool):
    with pytest.raises(InvalidInput, match="cannot be sent to a worker process"):
        await pool.run(lambda: 1)
    with pytest.raises(InvalidInput, match=r"result of _?io\.open cannot be sent back"):
        await pool.run(open, os.devnull)

    assert await works(pool)


async def test_a_function_the_worker_cannot_find_is_refused(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
):
    module = type(sys)("only_here")
    exec("def function(): pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)

    with pytest.raises(InvalidInput, match=r"cannot rebuild only_here\.function"):
        await pool.run(module.function)

    assert await works(pool)


async def test_a_function_of_the_running_script_is_refused_with_the_cure(pool: ProcessPool):
    def function() -> None: ...

    function.__module__, function.__qualname__ = "__main__", "function"

    with pytest.raises(InvalidInput, match="Move it into a module"):
        await pool.run(function)


async def test_cancelling_the_caller_ends_the_worker(pool: ProcessPool):
    pid = await pool.run(os.getpid)
    call = None
    async with asyncio.TaskGroup() as group:
        call = group.create_task(pool.run(eval, FOREVER), name="call")
        await asyncio.sleep(0)
        call.cancel()

    assert call.cancelled()
    assert await gone(pid)
    assert await works(pool)


async def test_cancelling_a_caller_that_waits_harms_nobody(pool: ProcessPool):
    async with asyncio.TaskGroup() as group:
        first = group.create_task(pool.run(time.sleep, 0.2), name="first")
        await asyncio.sleep(0)
        second = group.create_task(pool.run(time.sleep, 600), name="second")
        third = group.create_task(works(pool), name="third")
        await asyncio.sleep(0)
        second.cancel()

    assert (first.done(), second.cancelled(), third.result()) == (True, True, True)


async def test_many_calls_at_once_give_each_its_own_result():
    async with ProcessPool(workers=3, name="test", timeout_s=60) as pool:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(pool.run(abs, -n), name=f"{n}") for n in range(500)]

        assert [call.result() for call in calls] == list(range(500))
        assert len(pool.pids) == 3


async def test_workers_start_before_they_are_needed_when_asked_to():
    async with ProcessPool(workers=2, name="test", timeout_s=60, preload=["json.tool"]) as pool:
        await pool.start()

        assert len(pool.pids) == 2
        assert await pool.run(eval, "'json.tool' in __import__('sys').modules")


async def test_resize_while_running():
    async with ProcessPool(workers=1, name="test", timeout_s=60) as pool:
        assert await works(pool)
        pool.resize(3)
        await pool.start()
        assert (pool.workers, len(pool.pids)) == (3, 3)

        pool.resize(1)
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(works(pool), name=f"call {number}")
        await shrunk(pool, 1)


async def test_a_pool_has_at_least_one_worker(pool: ProcessPool):
    with pytest.raises(InvalidInput, match="0 worker processes"):
        pool.resize(0)


async def test_a_worker_that_died_while_idle_is_replaced(pool: ProcessPool):
    pid = await pool.run(os.getpid)
    os.kill(pid, signal.SIGKILL)
    await shrunk(pool, 0)

    assert await works(pool)


async def test_close_waits_for_running_calls_and_refuses_waiting_ones():
    pool = ProcessPool(workers=1, name="test", timeout_s=60)
    outcomes: list[object] = []

    async def call(seconds: float) -> None:
        try:
            outcomes.append(await pool.run(time.sleep, seconds))
        except WiseflowError as error:
            outcomes.append(type(error))

    async with asyncio.TaskGroup() as group:
        group.create_task(call(0.5), name="runs")
        await asyncio.sleep(0)
        group.create_task(call(0.5), name="waits")
        await asyncio.sleep(0)
        await pool.close(grace_s=30)

    assert sorted(map(str, outcomes)) == [str(Conflict), "None"]
    assert pool.pids == []
    with pytest.raises(Conflict, match="closed"):
        await works(pool)
    await pool.start()
    assert pool.pids == []


async def test_close_ends_calls_that_do_not_end_in_time():
    pool = ProcessPool(workers=1, name="test", timeout_s=60)
    pid = await pool.run(os.getpid)

    async def call() -> None:
        with pytest.raises(WorkerCrashed, match="SIGKILL"):
            await pool.run(eval, FOREVER)

    async with asyncio.TaskGroup() as group:
        group.create_task(call(), name="runs")
        await asyncio.sleep(0)
        await pool.close(grace_s=0.1)

    assert await gone(pid)


async def test_an_error_in_the_block_does_not_wait_for_calls():
    pool = ProcessPool(workers=1, name="test", timeout_s=60)

    async def fail() -> None:
        async with pool:
            assert await works(pool)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert pool.pids == []


async def test_a_worker_that_cannot_start_says_why():
    async with ProcessPool(workers=1, name="test", timeout_s=60, preload=["no_such"]) as pool:
        with pytest.raises(WorkerCrashed, match="could not start: ModuleNotFoundError"):
            await works(pool)


async def test_an_interpreter_that_cannot_start_is_named():
    environment = {"PYTHONHASHSEED": "not a number"}
    async with ProcessPool(workers=1, name="test", timeout_s=60, environment=environment) as pool:
        with pytest.raises(WorkerCrashed, match="could not start"):
            await works(pool)


async def test_a_worker_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "START_TIMEOUT_S", 0.001)
    async with ProcessPool(workers=1, name="test", timeout_s=60) as pool:
        with pytest.raises(WorkerTimeout, match="was not ready"):
            await works(pool)


async def test_workers_use_one_thread_and_see_added_variables():
    async with ProcessPool(
        workers=1, name="test", timeout_s=60, environment={"EXTRA_THING": "yes"}
    ) as pool:
        assert await pool.run(os.getenv, "OPENBLAS_NUM_THREADS") == "1"
        assert await pool.run(os.getenv, "EXTRA_THING") == "yes"


async def test_workers_leave_interrupts_to_the_pool(pool: ProcessPool):
    pid = await pool.run(os.getpid)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)

    assert await pool.run(os.getpid) == pid


async def test_a_limit_the_system_lacks_is_named_once(
    pool: ProcessPool, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        pool._tell_missing(["memory"])
        pool._tell_missing(["memory"])

    assert [record.levelname for record in caplog.records] == ["WARNING"]


SCRIPT = """
import asyncio, os, time
from wiseflow.engine.processes import ProcessPool

async def main():
    async with ProcessPool(workers=2, name="t", timeout_s=600) as pool:
        print(await pool.run(os.getpid), flush=True)
        await pool.run(time.sleep, 600)

asyncio.run(main())
"""


async def test_when_the_parent_is_killed_its_workers_end_in_mid_call():
    # A script without a main guard, as people write them.
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert parent.stdout is not None
        pid = int(await parent.stdout.readline())
    finally:
        parent.kill()
        await parent.communicate()

    assert await gone(pid)
