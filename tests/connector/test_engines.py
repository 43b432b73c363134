"""The engines for one's own work, by the settings."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.connector.engines import TaskManagerFront, ThreadPoolFront
from wiseflow.core.errors import Conflict


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAX_CONCURRENT_TASKS", "2")
    monkeypatch.setenv("MAX_THREAD_WORKERS", "3")


async def test_no_more_run_at_once_than_the_settings_allow():
    front, inside, most = TaskManagerFront(), 0, 0

    async def one() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    async with front as tasks:
        for _ in range(10):
            tasks.register_task("one", one)

    assert most == 2


def test_it_may_be_used_on_one_event_loop_after_another():
    front = TaskManagerFront()

    async def once() -> object:
        async with front as tasks:
            return await tasks.result(front.register_task("two", asyncio.sleep, (0, 2)))

    assert [asyncio.run(once()), asyncio.run(once())] == [2, 2]


async def test_it_is_shut_down_and_made_anew():
    front = TaskManagerFront()
    await front.initialize()
    task_id = front.register_task("one", asyncio.sleep, (0, 1))
    assert await front.result(task_id) == 1

    assert await front.shutdown() == []

    with pytest.raises(Conflict, match="not initialised"):
        front.register_task("one", asyncio.sleep, (0, 1))
    await front.initialize()
    await front.shutdown(timeout_s=0.0)


async def test_limits_change_while_it_runs():
    front = TaskManagerFront()
    async with front as tasks:
        front.resize(max_concurrent_tasks=8, max_thread_workers=5)
        gate = asyncio.Event()
        for _ in range(8):
            tasks.register_task("wait", gate.wait)
        assert len(front.active_tasks) == 8
        gate.set()


def test_threads_are_as_many_as_the_settings_allow():
    front = ThreadPoolFront()

    assert front.submit(pow, 2, 3).result() == 8
    assert front.metrics().workers <= 3
    front.resize(1)
    front.shutdown()
    with pytest.raises(AttributeError):
        _ = front._nothing
