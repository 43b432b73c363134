"""While the memory is full nothing new begins, and all that has begun goes on to its end."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.tasks import TaskState
from wiseflow.engine.cgroups import MemoryUse
from wiseflow.engine.machine import MACHINE, Activity, CpuUse, Machine
from wiseflow.engine.prediction import Predictor
from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.room import ResourceLimits
from wiseflow.engine.tasks import TaskManager

LIMIT_S = 30.0
MIB = 1 << 20


class SetByHand(Machine):
    """A machine of 1,000 MiB whose use is set by hand, and which tells when it was read."""

    def __init__(self):
        super().__init__()
        self.percent = 10.0
        self._read = asyncio.Event()

    def memory(self) -> tuple[MemoryUse, ...]:
        self._read.set()
        used = int(10 * self.percent * MIB)
        return (MemoryUse(name=MACHINE, limit_bytes=1000 * MIB, used_bytes=used),)

    def activity(self, now: float) -> Activity:
        return Activity(cpu=(CpuUse(name=MACHINE, cores=4.0, used_cores=0.0),))

    async def use(self, percent: float):
        """Have so much used, and return when the watch has noticed."""
        self.percent = percent
        for _ in range(2):  # a reading that was begun before may not show it
            self._read.clear()
            await self._read.wait()
        await asyncio.sleep(0)


@pytest.fixture
async def machine() -> SetByHand:
    return SetByHand()


@pytest.fixture
async def tasks(machine):
    resources = SmartResourceManager(ResourceLimits(memory_interval_s=0.01), machine=machine)
    predictor = Predictor()
    for _ in range(20):
        predictor.observe("large", duration_s=1.0, memory_bytes=500 * MIB)
    async with (
        asyncio.timeout(LIMIT_S),
        TaskManager(resources=resources, predictor=predictor) as manager,
    ):
        yield manager


async def test_at_90_percent_new_work_waits_and_what_has_begun_goes_on(tasks, machine):
    gate = asyncio.Event()

    begun = asyncio.Event()

    async def parent() -> str:
        begun.set()
        await tasks.result("child")
        return "went on"

    tasks.register_task("child", gate.wait, task_id="child")
    task_id = tasks.register_task("parent", parent)
    await begun.wait()
    await machine.use(90)
    assert tasks.record(task_id).state is TaskState.SUSPENDED
    new = tasks.register_task("new", asyncio.sleep, (0, "new"))

    assert tasks.room is not None
    assert "90.0 % of the 1,000 MiB" in tasks.room.held
    gate.set()
    assert await tasks.result(task_id) == "went on"
    assert tasks.record(new).state is TaskState.PENDING

    machine.percent = 40
    assert await tasks.result(new) == "new"


async def test_what_is_predicted_to_need_more_memory_than_is_free_waits_for_it(tasks, machine):
    gate = asyncio.Event()
    tasks.register_task("other", gate.wait)
    await machine.use(50)  # of 80 % that may be used, 300 MiB are left
    large = tasks.register_task("large", asyncio.sleep, (0, "large"))

    assert tasks.record(large).state is TaskState.PENDING
    machine.percent = 10
    assert await tasks.result(large) == "large"
    gate.set()


async def test_without_a_watch_there_is_no_word_of_room():
    async with TaskManager() as tasks:
        assert tasks.room is None
