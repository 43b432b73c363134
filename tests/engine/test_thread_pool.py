"""Functions on threads: in order, counted, stopped in time, and never in the way of an exit."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, wait
from contextvars import ContextVar
from functools import partial

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput, WorkerError
from wiseflow.engine.stopping import asked_to_stop
from wiseflow.engine.thread_pool import ThreadPoolManager
from wiseflow.engine.thread_records import Call
from wiseflow.engine.threads import StoppableThreads

LIMIT_S = 30.0


class Gate:
    """A function that waits until it may go on, and notes who came."""

    def __init__(self):
        self.came: list[object] = []
        self._someone = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self, name: object = None) -> object:
        self.came.append(name)
        self._someone.release()
        assert self._open.wait(LIMIT_S)
        return name

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self._someone.acquire(timeout=LIMIT_S)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


def broken() -> None:
    raise ValueError("no")


def until_asked(begun: threading.Event) -> str:
    begun.set()
    pause = threading.Event()
    while not asked_to_stop():
        pause.wait(0.001)
    return "heeded"


def test_a_script_of_five_lines_has_its_results():
    with ThreadPoolManager(max_workers=4) as pool:
        calls = [pool.submit(divmod, number, 3) for number in range(100)]

    assert [call.result() for call in calls] == [divmod(number, 3) for number in range(100)]
    assert pool.metrics().workers == 0


def test_the_block_waits_for_its_calls_but_after_an_error_for_none(gate):
    calls: list[Call[object]] = []

    def block() -> None:
        with ThreadPoolManager(max_workers=1) as pool:
            calls.extend(pool.submit(gate) for _ in range(2))
            gate.wait_for(1)
            broken()

    with pytest.raises(ValueError, match="no"):
        block()
    assert [call.cancelled() for call in calls] == [False, True]
    assert not calls[0].done()


def test_calls_run_in_a_copy_of_the_callers_context():
    place = ContextVar("place", default="nowhere")
    place.set("here")

    def moved() -> str:
        found = place.get()
        place.set("there")
        return found

    with ThreadPoolManager(max_workers=1) as pool:
        assert [pool.submit(moved).result() for _ in range(2)] == ["here", "here"]
    assert place.get() == "here"


def test_more_urgent_calls_go_first_and_equal_ones_as_they_came(gate):
    with ThreadPoolManager(max_workers=1) as pool:
        first = pool.submit(gate, "first")
        gate.wait_for(1)
        for name, priority in (
            ("low", TaskPriority.LOW),
            ("a", TaskPriority.NORMAL),
            ("b", TaskPriority.NORMAL),
            ("critical", TaskPriority.CRITICAL),
        ):
            pool.submit(gate, name, priority=priority)
        assert pool.pending == 4
        gate.open()

    assert first.result() == "first"
    assert gate.came == ["first", "critical", "a", "b", "low"]


def test_a_call_that_waits_is_cancelled_and_whoever_waits_for_it_is_told(gate):
    with ThreadPoolManager(max_workers=1) as pool:
        pool.submit(gate)
        gate.wait_for(1)
        waiting = pool.submit(gate, "never")

        assert waiting.cancel()
        assert waiting.cancel()
        done, _ = wait([waiting], timeout=LIMIT_S)
        gate.open()

    assert done == {waiting}
    with pytest.raises(CancelledError):
        waiting.result()
    assert gate.came == [None]
    assert (pool.metrics().cancelled, pool.metrics().completed, pool.pending) == (1, 1, 0)


def test_a_call_that_runs_is_asked_to_stop():
    begun = threading.Event()
    with ThreadPoolManager() as pool:
        call = pool.submit(until_asked, begun)
        assert begun.wait(LIMIT_S)

        assert not call.cancel()
        assert call.result(LIMIT_S) == "heeded"
        assert pool.submit(asked_to_stop).result() is False


def test_a_call_cancelled_between_the_queue_and_its_thread_does_not_run():
    ran: list[int] = []
    with ThreadPoolManager(max_workers=2) as pool:
        for _ in range(200):
            call = pool.submit(ran.append, 1)
            call.cancel()
        pool.join()
        metrics = pool.metrics()

    assert len(ran) == metrics.completed
    assert metrics.completed + metrics.cancelled == 200


def test_what_runs_ended_and_failed_is_known(gate):
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    def mute() -> None:
        raise Mute

    with ThreadPoolManager(max_workers=2) as pool:
        pool.submit(gate)
        gate.wait_for(1)
        for function in (broken, partial(partial(divmod, 1), 1), mute):
            wait([pool.submit(function)], timeout=LIMIT_S)
        running, failed, completed = pool.running_tasks, pool.failed_tasks, pool.completed_tasks
        gate.open()

    assert [task.name for task in running] == ["Gate"]
    assert running[0].ended_at is None
    assert [task.task_id for task in (*running, *failed, *completed)] == [1, 2, 4, 3]
    assert [task.error for task in failed] == ["ValueError: no", "Mute: (it has no text)"]
    assert [task.name for task in completed] == ["divmod"]
    done = completed[0]
    assert done.started_at is not None
    assert done.ended_at is not None
    assert done.submitted_at <= done.started_at <= done.ended_at


def test_metrics_add_up(gate):
    with ThreadPoolManager(max_workers=2, name="crew") as pool:
        assert pool.metrics().utilisation == 0.0
        calls = [pool.submit(gate) for _ in range(3)]
        gate.wait_for(2)
        during = pool.metrics()
        gate.open()
        wait(calls, timeout=LIMIT_S)
        pool.submit(broken).exception()
    after = pool.metrics()

    assert during[:6] == (2, 2, 1, 0, 0, 0)
    assert 0 < during.utilisation <= 1
    assert after[:6] == (0, 0, 0, 3, 1, 0)
    assert after.mean_run_s > 0
    assert after.mean_queue_s > 0


def test_a_pool_grows_and_shrinks_while_it_works(gate):
    with ThreadPoolManager(max_workers=1) as pool:
        calls = [pool.submit(gate, number) for number in range(6)]
        gate.wait_for(1)
        pool.resize(3)
        gate.wait_for(2)
        assert pool.metrics()[:3] == (3, 3, 3)

        pool.resize(1)
        assert pool.metrics().busy == 3
        gate.open()
        wait(calls, timeout=LIMIT_S)
        pool.join()
        assert pool.metrics().workers == 1

        pool.resize(4)
        assert pool.submit(divmod, 1, 1).result() == (1, 0)
    assert sorted(map(str, gate.came)) == list("012345")


def test_idle_threads_above_a_new_limit_end():
    with ThreadPoolManager(max_workers=4) as pool:
        barrier = threading.Barrier(4)
        wait([pool.submit(barrier.wait, LIMIT_S) for _ in range(4)])
        pool.join()
        pool.resize(1)
        assert pool.metrics().workers == 1
        assert pool.submit(divmod, 1, 1).result() == (1, 0)


def test_an_idle_thread_ends_and_another_comes_when_it_is_needed():
    found: list[threading.Thread] = []
    with ThreadPoolManager(idle_s=0.001, name="crew") as pool:
        for _ in range(3):
            pool.submit(lambda: found.append(threading.current_thread())).result()
            found[-1].join(LIMIT_S)
            assert not found[-1].is_alive()
        assert pool.metrics().workers == 0
    assert {thread.name for thread in found} == {"crew-1"}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_several_threads_do_to_it_every_call_ends_and_is_counted_once(seed):
    # In a process of its own, so that nothing traces it: with coverage, Python 3.11.2 was seen to
    # turn without end where hundreds of threads come and go in milliseconds.
    untraced = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    subprocess.run([sys.executable, __file__, str(seed)], check=True, timeout=60, env=untraced)


def stress(seed: int) -> None:
    pool = ThreadPoolManager(max_workers=3, idle_s=0.001)
    calls: list[Call[int]] = []

    def hurry(chance: random.Random) -> None:
        for _ in range(300):
            call = pool.submit(chance.randint, 0, 9, priority=chance.choice(list(TaskPriority)))
            calls.append(call)
            if chance.random() < 0.2:
                chance.choice(calls).cancel()
            if chance.random() < 0.05:
                pool.resize(chance.randint(1, 6))

    callers = [
        threading.Thread(target=hurry, args=(random.Random(10 * seed + number),))
        for number in range(3)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LIMIT_S)
    assert pool.join(LIMIT_S)

    metrics = pool.metrics()
    cancelled = sum(call.cancelled() for call in calls)
    assert all(call.done() for call in calls)
    assert (metrics.cancelled, metrics.completed) == (cancelled, 900 - cancelled)
    assert (metrics.busy, metrics.pending, metrics.failed) == (0, 0, 0)
    assert pool.shutdown() == []


def test_shutting_down_gives_what_did_not_end_and_takes_on_nothing_more(gate):
    begun = threading.Event()
    pool = ThreadPoolManager(max_workers=2)
    heeding = pool.submit(until_asked, begun)
    pool.submit(gate)
    gate.wait_for(1)
    assert begun.wait(LIMIT_S)
    waiting = pool.submit(divmod, 1, 1)

    left = pool.shutdown(timeout_s=0.01)

    assert [task.name for task in left] == ["until_asked", "Gate", "divmod"]
    assert left[2].started_at is None
    assert waiting.cancelled()
    assert heeding.result(LIMIT_S) == "heeded"
    with pytest.raises(Conflict, match=r"shut down.*new ThreadPoolManager"):
        pool.submit(divmod, 1, 1)
    gate.open()
    assert pool.join(LIMIT_S)
    assert pool.shutdown() == []


def test_a_graceful_shutdown_lets_what_waits_run():
    pool = ThreadPoolManager(max_workers=1)
    calls = [pool.submit(divmod, number, 2) for number in range(50)]

    assert pool.shutdown(timeout_s=LIMIT_S) == []
    assert [call.result() for call in calls] == [divmod(number, 2) for number in range(50)]


def test_a_full_queue_refuses(gate):
    with ThreadPoolManager(1, 2, "small") as pool:
        pool.submit(gate)
        gate.wait_for(1)
        for _ in range(2):
            pool.submit(gate)
        with pytest.raises(WorkerError, match="2 calls wait for the thread pool 'small'"):
            pool.submit(gate)
        gate.open()
    assert len(gate.came) == 3


async def nap() -> None: ...


def numbers():
    yield 1


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda pool: pool.submit(3), "cannot be called"),
        (lambda pool: pool.submit(nap), "is asynchronous"),
        (lambda pool: pool.submit(numbers), "is a generator"),
        (lambda pool: pool.submit(divmod, 1, 1, priority="now"), "no priority.*critical"),
        (lambda pool: pool.resize(0), "cannot have 0 workers.*at least 1"),
        (lambda _: ThreadPoolManager(0), "cannot have 0 workers"),
        (lambda _: ThreadPoolManager(idle_s=0), "idle_s above 0"),
    ],
)
def test_wrong_input_gets_a_clear_error_and_the_pool_goes_on(wrong, match):
    with ThreadPoolManager(max_workers=1) as pool:
        with pytest.raises(InvalidInput, match=match):
            wrong(pool)
        assert pool.submit(divmod, 7, 2, priority=TaskPriority.HIGH).result() == (3, 1)


def test_threads_that_the_system_does_not_give_are_done_without(gate):
    pool = ThreadPoolManager(max_workers=3)
    usual = threading.stack_size()
    try:
        threading.stack_size(1 << 46)  # more than there is
        with pytest.raises(WorkerError, match="gives no thread"):
            pool.submit(divmod, 1, 1)
        threading.stack_size(usual)
        pool.submit(gate)
        gate.wait_for(1)
        threading.stack_size(1 << 46)
        waiting = pool.submit(divmod, 1, 1)
        pool.resize(4)
        assert pool.pending == 1
    finally:
        threading.stack_size(usual)
    gate.open()

    assert waiting.result(LIMIT_S) == (1, 0)
    assert pool.shutdown() == []


def test_a_future_that_is_kept_does_not_keep_the_arguments():
    class Large: ...

    gone = threading.Event()

    class Watched(Large):
        def __del__(self):
            gone.set()

    with ThreadPoolManager(max_workers=1) as pool:
        call = pool.submit(lambda _large: None, Watched())
        call.result()
        pool.join()
    assert gone.wait(LIMIT_S)


@pytest.mark.parametrize(
    "script",
    [
        "pool.submit(threading.Event().wait); begun.set()",
        "pool.submit(threading.Event().wait); pool.submit(print)",
        "pool.submit(until_asked, begun); begun.wait()",
    ],
)
def test_a_function_that_never_returns_does_not_hold_the_exit(script):
    lines = [
        "import threading",
        "from wiseflow.engine.stopping import asked_to_stop",
        "from wiseflow.engine.thread_pool import ThreadPoolManager",
        "begun = threading.Event()",
        "def until_asked(begun):",
        "    begun.set()",
        "    while not asked_to_stop(): threading.Event().wait(0.001)",
        "    print('heeded', flush=True)",
        "pool = ThreadPoolManager(max_workers=1, exit_s=0.2)",
        script,
        "print('over', flush=True)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=os.environ,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == (["over", "heeded"] if "until" in script else ["over"])
    assert done.stderr == ""


def test_the_end_of_a_program_waits_for_what_ends_soon():
    lines = [
        "from wiseflow.engine.thread_pool import ThreadPoolManager",
        "pool = ThreadPoolManager(max_workers=1)",
        "for number in range(3): pool.submit(print, number, flush=True)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        check=True,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.stdout.split() == ["0", "1", "2"]


async def test_a_task_on_a_thread_tells_which():
    threads = StoppableThreads()
    told: list[str] = []

    name = await threads.run(lambda: threading.current_thread().name, told.append)

    assert told == [name]
    assert name.startswith("task-")
    threads.close()


async def test_cancelling_a_task_on_a_thread_waits_until_it_has_stopped():
    threads = StoppableThreads()
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        until_asked(begun)
        ended.set()
        broken()

    task = asyncio.create_task(threads.run(work))
    await asyncio.to_thread(begun.wait, LIMIT_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended.is_set()
    threads.close()
    with pytest.raises(Conflict):
        await threads.run(work)


if __name__ == "__main__":
    stress(int(sys.argv[1]))
