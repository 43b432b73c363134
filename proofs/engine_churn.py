"""Keeps the real engine at work for a simulated day, and measures whether its memory grows.

Tasks of thousands of names and runs come all the time on a virtual clock: alone, with parents and
children, with dependencies, failures, retries, time limits, cancellations, changed limits and
callers who give up. What Python has allocated is taken by ``tracemalloc`` after a collection, every
half hour: unlike the process's resident memory it neither hides growth in what the allocator keeps
nor shows its fragments as growth. Of tasks that have ended 2,000 are remembered, so that these are
as many as ever long before the first measure. The median of the last two hours has to be within
5 % of that of the hours 2 to 4.

    python proofs/engine_churn.py --hours 24 --tasks-per-hour 12000
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import random
import statistics
import sys
import time
import tracemalloc

from virtual_time import ScriptedMachine, VirtualClock, run_virtually

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.tasks import FailurePolicy, TaskEvent
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.tasks import TaskManager

HOUR_S = 3600.0
MOST_GROWTH = 0.05


class Churn:
    """The day.

    Args:
        hours: its length.
        per_hour: about how many tasks come in each.
        kept: how many that have ended the engine remembers.
        seed: of chance.
    """

    def __init__(self, hours: float, per_hour: int, kept: int, seed: int) -> None:
        self.hours = hours
        self.chance = random.Random(seed)
        self.pause_s = HOUR_S / (per_hour / 8)  # a round has some 8 tasks
        self.ended = 0
        self.rounds = 0
        self.sizes: list[tuple[float, int]] = []  # (hour, bytes)
        script = [(hour * HOUR_S + x, use, 0.0) for hour in range(int(hours) + 1)
                  for x, use in ((0.0, 30.0), (900.0, 85.0), (960.0, 40.0))]  # fmt: skip
        watch = SmartResourceManager(machine=ScriptedMachine(script), clock=VirtualClock())
        self.tasks = TaskManager(
            max_concurrent_tasks=16,
            max_processes=1,
            on_event=self._hear,
            resources=watch,
            blocked_s=1e6,
            kept=kept,
        )

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        next_measure = 0.5
        async with self.tasks:
            while loop.time() < self.hours * HOUR_S:
                await self._round()
                await asyncio.sleep(self.chance.expovariate(1 / self.pause_s))
                if loop.time() >= next_measure * HOUR_S:
                    gc.collect()
                    self.sizes.append((next_measure, tracemalloc.get_traced_memory()[0]))
                    next_measure += 0.5

    def _hear(self, event: TaskEvent) -> None:
        self.ended += event.state.final

    async def _round(self) -> None:
        self.rounds += 1
        chance, run = self.chance, f"run {self.rounds}"
        ids = [f"{self.rounds}/{number}" for number in range(chance.randint(1, 10))]
        requests = [self._request(ids, number, run) for number in range(len(ids))]
        if chance.random() < 0.2:
            with contextlib.suppress(TimeoutError, Exception):
                async with asyncio.timeout(chance.expovariate(1.0)):
                    await self.tasks.call_all(requests)
            return
        self.tasks.register_tasks(requests)
        if chance.random() < 0.1:
            self.tasks.cancel(chance.choice(ids))
        if chance.random() < 0.05:
            self.tasks.resize(max_concurrent_tasks=chance.randint(4, 32))

    def _request(self, ids: list[str], number: int, run: str) -> TaskRequest:
        chance = self.chance
        usual = chance.random() < 0.8
        return TaskRequest(
            name=f"kind {chance.randrange(40)}" if usual else f"one of a kind {self.rounds}",
            func=self._work,
            args=(chance.expovariate(2.0), chance.choice(["breaks", "parent", *[""] * 18])),
            task_id=ids[number],
            dependencies=[ids[chance.randrange(number)]]
            if number and chance.random() < 0.4
            else [],
            results_as="found",
            on_failure=chance.choice(list(FailurePolicy)),
            priority=chance.choice(list(TaskPriority)),
            run=run,
            timeout=chance.choice([None, 1.0, 300.0]),
            retries=chance.choice([0, 0, 2]),
            size=chance.choice([None, None, chance.random() * 100]),
        )

    async def _work(self, seconds: float, what: str, found: dict[str, bytes]) -> bytes:
        await asyncio.sleep(seconds)
        if what == "parent":
            requests = [TaskRequest(name="child", func=self._child) for _ in range(3)]
            ids = self.tasks.register_tasks(requests)
            await self.tasks.wait(ids[:2])
        if what == "breaks":
            raise ValueError(f"after {seconds}")
        return bytes(10 + len(found))

    async def _child(self) -> None:
        await asyncio.sleep(self.chance.expovariate(2.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--tasks-per-hour", type=int, default=12_000)
    parser.add_argument("--kept", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    churn = Churn(options.hours, options.tasks_per_hour, options.kept, options.seed)
    begun = time.monotonic()
    tracemalloc.start()
    run_virtually(churn.run(), limit_s=2 * options.hours * HOUR_S)
    for hour, size in churn.sizes:
        print(f"hour {hour:4.1f}: {size / 1e6:7.2f} MB")
    early = statistics.median(size for hour, size in churn.sizes if 2 <= hour <= 4)
    late = statistics.median(size for hour, size in churn.sizes if hour >= options.hours - 2)
    growth = late / early - 1
    print(
        f"{churn.ended} tasks ended in {options.hours:g} virtual hours "
        f"({time.monotonic() - begun:.0f} s); memory {growth:+.2%} from hours 2-4 to the last two"
    )
    sys.exit(0 if abs(growth) <= MOST_GROWTH else 1)


if __name__ == "__main__":
    main()
