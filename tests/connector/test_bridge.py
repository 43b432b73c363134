"""A synchronous front for anything asynchronous."""

from __future__ import annotations

import asyncio
import copy
import subprocess
import sys
import threading
import time

import pytest

from wiseflow import Synchronous, TaskManager
from wiseflow.core.errors import Conflict


class Counting:
    """Something with methods of both kinds."""

    def __init__(self) -> None:
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.value = 7
        self.cleaned = threading.Event()

    async def note(self) -> int:
        self.loops.append(asyncio.get_running_loop())
        return len(self.loops)

    def plain(self, number: int) -> int:
        return number + self.value

    async def fail(self) -> None:
        raise ValueError("as asked")

    async def call_front(self, front: Synchronous) -> int:
        return front.plain(1)

    async def last(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            self.cleaned.set()


def test_all_calls_share_one_event_loop():
    target = Counting()
    with Synchronous(target) as front:
        assert [front.note(), front.note(), front.plain(1), front.value] == [1, 2, 8, 7]

    assert target.loops[0] is target.loops[1]
    assert target.loops[0].is_closed()


def test_tasks_of_an_engine_are_registered_and_waited_for():
    with Synchronous(TaskManager()) as tasks:
        ids = [tasks.register_task("double", lambda n: 2 * n, (number,)) for number in range(3)]
        results = [tasks.result(task_id) for task_id in ids]

    assert results == [0, 2, 4]


def test_errors_come_through_and_the_front_goes_on():
    with Synchronous(Counting()) as front:
        with pytest.raises(ValueError, match="as asked"):
            front.fail()
        with pytest.raises(AttributeError):
            front.nothing()
        assert front.plain(1) == 8


def test_a_front_that_would_wait_for_itself_says_so():
    with Synchronous(Counting()) as front, pytest.raises(Conflict, match="wait for itself"):
        front.call_front(front)


def test_closing_cancels_what_still_runs_and_a_later_call_opens_anew():
    target = Counting()
    front = Synchronous(target)
    ended: list[BaseException] = []

    def call() -> None:
        try:
            front.last()
        except BaseException as error:  # noqa: BLE001 - a cancellation is none of Exception
            ended.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    while not target.loops:
        front.note()

    front.close()

    assert target.cleaned.wait(10)
    caller.join(10)
    assert len(ended) == 1
    assert front.plain(1) == 8
    front.close()
    front.close()


def test_python_may_ask_it_for_what_it_has_not():
    assert isinstance(copy.copy(Synchronous(Counting())), Synchronous)


def test_a_script_ends_although_its_front_was_never_closed():
    script = (
        "import asyncio\n"
        "from wiseflow import Synchronous\n"
        "class A:\n"
        "    async def one(self): return 1\n"
        "print(Synchronous(A()).one())\n"
    )
    begun = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )

    assert done.stdout == "1\n"
    assert time.monotonic() - begun < 60
