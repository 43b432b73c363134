"""Room for new work: what a reading allows, and how often the machine is looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.engine.cgroups import MemoryUse
from wiseflow.engine.machine import Activity, CpuUse, Machine, Reading
from wiseflow.engine.resources import (
    CPU_FLOOR_S,
    LOOK_FLOOR_S,
    MEMORY_FLOOR_S,
    SmartResourceManager,
    next_look_s,
)
from wiseflow.engine.room import Bottleneck, Need, ResourceLimits, Room, room

MIB = 1 << 20
UNTIMED = settings(deadline=None)
LIMITS = ResourceLimits()
IDLE = Activity(cpu=(CpuUse(name="the machine", cores=4.0, used_cores=0.0),))


def memory(limit: int, used: float, name: str = "the machine") -> MemoryUse:
    """In MiB."""
    return MemoryUse(name=name, limit_bytes=limit * MIB, used_bytes=int(used * MIB))


def make_reading(*bounds: MemoryUse, at: float = 100.0, activity: Activity = IDLE) -> Reading:
    return Reading(at=at, memory=bounds or (memory(1000, 100),), activity=activity)


def busy(cores: float, used: float, *, own: float = 0.0) -> Activity:
    return Activity(cpu=(CpuUse(name="the machine", cores=cores, used_cores=used),), own_cores=own)


# Memory.


def test_there_is_room_up_to_the_share_of_the_limit():
    assert room(make_reading(memory(1000, 100)), LIMITS).memory_bytes == 700 * MIB


def test_the_tightest_of_all_bounds_counts():
    inner, outer = memory(512, 100, "inner"), memory(1000, 750, "outer")

    assert room(make_reading(inner, outer), LIMITS).memory_bytes == 50 * MIB


def test_what_was_just_started_keeps_the_room_it_will_take():
    needs = [
        Need(memory_bytes=100 * MIB, started_at=99.5),  # half a second ago
        Need(memory_bytes=200 * MIB, started_at=100.3),  # after the reading
        Need(memory_bytes=400 * MIB, started_at=98.0),  # has taken what it needs
    ]

    assert room(make_reading(memory(1000, 100)), LIMITS, needs).memory_bytes == 400 * MIB


def test_room_is_never_negative():
    needs = [Need(memory_bytes=10**12, started_at=100.0)]

    assert room(make_reading(), LIMITS, needs).memory_bytes == 0


@pytest.mark.parametrize("used", [800, 900, 1000])
def test_at_the_limit_nothing_new_starts_and_the_reason_is_told(used: int):
    found = room(make_reading(memory(1000, used, "control group a")), LIMITS)

    assert found.memory_bytes == 0
    assert found.held == (
        f"{used / 10:.1f} % of the 1,000 MiB of memory of control group a are used, "
        "and MAX_MEMORY_PERCENT is 80"
    )
    assert found.bottleneck is Bottleneck.MEMORY


def test_any_bound_at_its_limit_holds_also_when_another_has_less_left():
    found = room(make_reading(memory(100, 50, "small"), memory(9000, 8000, "large")), LIMITS)

    assert "of large" in found.held


def test_held_work_goes_on_only_some_way_below_the_limit():
    near = make_reading(memory(1000, 790))

    assert room(near, LIMITS).held == ""
    assert "work goes on below 78 %" in room(near, LIMITS, held_before=True).held
    assert room(make_reading(memory(1000, 779)), LIMITS, held_before=True).held == ""


def test_a_very_low_limit_holds_no_work_for_ever():
    limits = ResourceLimits(max_memory_percent=1)

    assert room(make_reading(memory(1000, 9)), limits, held_before=True).held == ""


@UNTIMED
@given(
    st.lists(st.tuples(st.integers(1, 10**12), st.integers(0, 10**12)), min_size=1, max_size=4),
    st.floats(1, 100),
    st.lists(st.tuples(st.integers(0, 10**12), st.floats(90, 110)), max_size=5),
    st.booleans(),
)
def test_what_is_let_in_never_goes_over_any_share(bounds, percent, running, held_before):
    reading = make_reading(
        *(MemoryUse(name="b", limit_bytes=most, used_bytes=used) for most, used in bounds)
    )
    needs = [Need(memory_bytes=need, started_at=at) for need, at in running]
    limits = ResourceLimits(max_memory_percent=percent)

    found = room(reading, limits, needs, held_before=held_before)

    assert found.memory_bytes >= 0
    assert found.cores >= 1
    if found.memory_bytes:
        assert not found.held
        assert all(used + found.memory_bytes <= percent / 100 * most for most, used in bounds)
    if any(100 * used / most >= percent for most, used in bounds):
        assert found.held


# Cores.


@pytest.mark.parametrize(
    ("cores", "used", "own", "slots"),
    [
        (2, 0, 0, 2),
        (4, 0, 0, 4),
        (9, 0, 0, 9),
        (10, 0, 0, 9),  # one in ten is left
        (4, 4, 4, 4),  # all of it own work
        (4, 3, 1, 2),
        (4, 4, 0, 1),  # slower, and never stopped
        (0.5, 0, 0, 1),
        (2, 1, 1.5, 2),  # counted at moments that differ a little
    ],
)
def test_slots_are_the_cores_that_others_leave(cores: float, used: float, own: float, slots: int):
    assert room(make_reading(activity=busy(cores, used, own=own)), LIMITS).cores == slots


def test_a_share_of_whole_cores_is_not_rounded_up_further():
    limits = ResourceLimits(max_cpu_percent=70)

    assert room(make_reading(activity=busy(10, 0)), limits).cores == 7


def test_others_outside_a_quota_do_not_lower_what_it_allows():
    activity = Activity(
        cpu=(
            CpuUse(name="control group", cores=2.0, used_cores=0.5),
            CpuUse(name="the machine", cores=64.0, used_cores=40.0),
        ),
        own_cores=0.5,
    )

    assert room(make_reading(activity=activity), LIMITS).cores == 2


# The bottleneck.


@pytest.mark.parametrize(
    ("activity", "bottleneck"),
    [
        (IDLE, Bottleneck.NONE),
        (busy(4, 3.9), Bottleneck.CPU),
        (busy(4, 3.9, own=3.9), Bottleneck.CPU),
        (replace(IDLE, disk_busy=0.95), Bottleneck.DISK),
        (replace(IDLE, network_busy=0.9), Bottleneck.NETWORK),
        (replace(IDLE, stalled={"io": 0.3, "cpu": 0.4}), Bottleneck.DISK),
        (replace(IDLE, stalled={"memory": 0.2, "io": 0.3}), Bottleneck.MEMORY),
        (replace(IDLE, stalled={"cpu": 0.6}), Bottleneck.CPU),
        (replace(busy(4, 3.7), network_busy=0.99), Bottleneck.NETWORK),
    ],
)
def test_the_bottleneck_is_what_is_furthest_over_its_threshold(
    activity: Activity, bottleneck: Bottleneck
):
    assert room(make_reading(activity=activity), LIMITS).bottleneck is bottleneck


# Limits.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_memory_percent", 0),
        ("max_memory_percent", 101),
        ("max_cpu_percent", float("nan")),
        ("memory_interval_s", 0),
        ("cpu_interval_s", float("inf")),
    ],
)
def test_limits_that_make_no_sense_are_refused(name: str, value: float):
    with pytest.raises(InvalidInput, match=name):
        ResourceLimits(**{name: value})


# How often.


@UNTIMED
@given(st.floats(0, 2), st.floats(0, 2), st.floats(0.01, 600))
def test_the_nearer_the_limit_the_sooner_the_next_look(one: float, other: float, interval: float):
    low, high = sorted((one, other))
    soon, late = (next_look_s(use, interval, 0.25) for use in (high, low))

    assert 0.25 <= soon <= late <= max(interval, 0.25)


def test_the_interval_is_kept_while_there_is_room_and_the_floor_at_the_limit():
    assert next_look_s(0.5, 60.0, 0.25) == 60.0
    assert next_look_s(0.75, 60.0, 0.25) == 15.0
    assert next_look_s(1.0, 60.0, 0.25) == 0.25


class Stepped:
    """A clock that sleeps as often as it is told to, and notes for how long."""

    def __init__(self, sleeps: int = 0):
        self.time = 1000.0
        self.slept: list[float] = []
        self._left = sleeps
        self.before: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self._left:
            raise asyncio.CancelledError
        self.time += seconds
        self.before()


class Group:
    """A control group as files whose use of memory is set by hand; its limit is 1 MiB."""

    def __init__(self, folder: Path):
        self._folder = folder / "cgroup"
        self._folder.mkdir()
        (folder / "proc/self").mkdir(parents=True)
        (folder / "proc/self/cgroup").write_text("0::/")
        (self._folder / "cgroup.controllers").write_text("memory cpu")
        (self._folder / "memory.max").write_text(f"{MIB}")
        (self._folder / "cpu.max").write_text("100000 100000")
        self.seconds(0.0)
        self.use(0)
        self.machine = Machine(self._folder, folder / "proc")

    def use(self, percent: float):
        (self._folder / "memory.current").write_text(f"{int(MIB * percent / 100)}")

    def seconds(self, used: float):
        (self._folder / "cpu.stat").write_text(f"usage_usec {int(used * 1e6)}")


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """A group on a machine that has all its memory left, so that the group alone decides."""
    plenty = SimpleNamespace(total=10**12, available=10**12)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: plenty)
    return Group(tmp_path)


def make_limits(**others: float) -> ResourceLimits:
    return ResourceLimits(memory_interval_s=60, cpu_interval_s=30, **others)


async def watched(manager: SmartResourceManager, clock: Stepped) -> dict[float, Room]:
    """What was told, by the seconds since the beginning."""
    told: dict[float, Room] = {}
    with pytest.raises(asyncio.CancelledError):
        await manager.watch(lambda found: told.update({clock.time - 1000: found}))
    return told


async def test_the_watch_looks_at_the_intervals_while_there_is_room(group: Group):
    clock = Stepped(sleeps=125)
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    group.use(10)

    told = await watched(manager, clock)

    # The second look is for rates; then the CPU has its turn each 30 s, memory each 60 s.
    assert list(told) == [0, 1, 31, 60, 61, 91, 120, 121]
    assert not any(one.held for one in told.values())


async def test_near_the_limit_the_watch_looks_more_often_and_most_often_when_held(group: Group):
    clock = Stepped(sleeps=3)
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    group.use(79)
    clock.before = lambda: group.use(90)

    told = await watched(manager, clock)

    assert clock.slept == [MEMORY_FLOOR_S] * 3
    assert [bool(one.held) for one in told.values()] == [False, True, True]


async def test_others_that_take_the_cores_are_looked_at_more_often(group: Group):
    clock = Stepped(sleeps=4)
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)

    def go_on():
        group.seconds(clock.time - 1000)  # the one core of the group, all the time

    clock.before = go_on
    told = await watched(manager, clock)

    assert list(told) == [0, 1, 2, 3]
    assert told[3].cores == 1


async def test_the_watch_soon_tells_that_work_goes_on_which_a_look_had_held(group: Group):
    clock = Stepped(sleeps=12)
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)

    def step():
        if clock.time == 1004:
            group.use(90)
            assert manager.look().held
            group.use(10)

    clock.before = step
    told = await watched(manager, clock)

    assert list(told)[:3] == [0, 1, 4.25]
    assert not told[4.25].held


async def test_that_work_is_held_and_that_it_goes_on_is_told_once_each(
    group: Group, caplog: pytest.LogCaptureFixture
):
    clock = Stepped(sleeps=8)
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    group.use(79)
    uses = iter([90, 95, 79, 81, 70, 60, 50, 40])
    clock.before = lambda: group.use(next(uses))

    with caplog.at_level(logging.INFO, "wiseflow"):
        await watched(manager, clock)

    assert [record.getMessage() for record in caplog.records] == [
        "Nothing new is started",
        "Work goes on",
    ]


async def test_the_watch_asks_what_running_tasks_need(group: Group):
    clock = Stepped(sleeps=1)
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    told: list[Room] = []
    needs = [Need(memory_bytes=MIB // 2, started_at=clock.time)]

    with pytest.raises(asyncio.CancelledError):
        await manager.watch(told.append, lambda: needs)

    assert told[0].memory_bytes == int(0.8 * MIB) - MIB // 2


def test_a_look_reads_memory_anew_but_not_too_often(group: Group):
    clock = Stepped()
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    assert manager.reading is None
    assert not manager.look().held
    group.use(90)

    clock.time += LOOK_FLOOR_S / 2
    assert not manager.look().held
    clock.time += LOOK_FLOOR_S
    assert manager.look().held
    assert manager.reading is not None
    assert manager.reading.at == clock.time


def test_a_look_keeps_room_for_what_was_started_since_the_reading(group: Group):
    clock = Stepped()
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    manager.look()
    clock.time += LOOK_FLOOR_S / 2
    need = Need(memory_bytes=MIB // 4, started_at=clock.time)

    assert manager.look([need]).memory_bytes == int(0.8 * MIB) - MIB // 4


def test_a_look_takes_rates_anew_once_a_second(group: Group):
    clock = Stepped()
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    manager.look()
    group.seconds(1.0)

    clock.time += CPU_FLOOR_S / 2
    manager.look()
    assert manager.reading is not None
    assert manager.reading.activity.cpu[0].used_cores == 0.0
    clock.time += CPU_FLOOR_S / 2
    manager.look()
    assert manager.reading.activity.cpu[0].used_cores == 1.0


def test_changed_limits_hold_from_the_next_look_on(group: Group):
    clock = Stepped()
    manager = SmartResourceManager(make_limits(), machine=group.machine, clock=clock)
    group.use(60)
    assert not manager.look().held

    manager.change(make_limits(max_memory_percent=50))

    assert "MAX_MEMORY_PERCENT is 50" in manager.look().held


def test_the_manager_watches_this_machine_when_nothing_else_is_said():
    found = SmartResourceManager(ResourceLimits(max_memory_percent=100)).look()

    assert found.cores >= 1
    assert found.memory_bytes > 0
