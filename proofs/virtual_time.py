"""An event loop whose time is a number: who sleeps is woken at once, and the number is set forward.

Nothing waits for real time, so that a day of sleeping tasks is over when their steps are made, and
a run is the same each time. When everything waits and no timer is left, nothing can ever happen any
more: that is an error here, where a real loop would stand still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from wiseflow.engine.cgroups import MemoryUse
from wiseflow.engine.machine import MACHINE, Activity, CpuUse, Machine

T = TypeVar("T")
MIB = 1 << 20


class StandsStill(Exception):
    """Everything waits, and nothing is left that could wake it."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time, which begins at 0.

    Args:
        most_steps: of the loop; more are taken for a program that goes round and round.
    """

    def __init__(self, most_steps: int = 50_000_000) -> None:
        self.now = 0.0
        self.steps_left = most_steps
        super().__init__(_Jumps(self))

    def time(self) -> float:
        return self.now

    def timers(self) -> list[str]:
        """The timers that are still set."""
        return [repr(timer) for timer in self._scheduled if not timer.cancelled()]


class _Jumps(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        loop = self._loop
        loop.steps_left -= 1
        if not loop.steps_left:
            raise StandsStill(f"the steps are used up after {loop.now:g} virtual seconds")
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            raise StandsStill(f"after {loop.now:g} virtual seconds")
        loop.now += timeout
        return []


class VirtualClock:
    """The time of the running loop; satisfies ``core.clock.Clock``."""

    def now(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScriptedMachine(Machine):
    """A machine of 1,000 MiB and four cores, whose use follows a script.

    Args:
        script: (from when on, per cent of the memory, cores that others keep busy), in order.
    """

    def __init__(self, script: list[tuple[float, float, float]]) -> None:
        super().__init__()
        self._script = script

    def _at(self, now: float) -> tuple[float, float, float]:
        return [row for row in self._script if row[0] <= now][-1]

    def memory(self) -> tuple[MemoryUse, ...]:
        percent = self._at(asyncio.get_running_loop().time())[1]
        used = int(10 * percent * MIB)
        return (MemoryUse(name=MACHINE, limit_bytes=1000 * MIB, used_bytes=used),)

    def activity(self, now: float) -> Activity:
        return Activity(cpu=(CpuUse(name=MACHINE, cores=4.0, used_cores=self._at(now)[2]),))


def run_virtually(main: Coroutine[Any, Any, T], *, limit_s: float) -> T:
    """What ``main`` gives on a virtual loop, which has nothing left to do then.

    Args:
        main: the program.
        limit_s: how much virtual time it may take.
    """
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_within(main, limit_s))
    finally:
        left = [task.get_name() for task in asyncio.all_tasks(loop)] + loop.timers()
        loop.close()
        assert not left, f"left behind: {left}"


async def _within(main: Coroutine[Any, Any, T], limit_s: float) -> T:
    async with asyncio.timeout(limit_s):
        return await main
