"""Runs the real engine on a virtual clock under random programs of faults, and checks each of them.

A program is made from its seed: tasks with dependencies and children, retries, time limits,
failures, tasks that ignore being cancelled once, tasks that wait for others in several branches,
cancellations, callers who give up, changed limits, memory that comes and goes, listeners that
raise, and in some a shutdown with a limit. Then, by events and results alone:

- each task has reached exactly one final state, and nothing happened to it afterwards;
- none began before what it depends on had ended, and none began too often;
- no limit was exceeded, and nothing new began while the memory was full;
- what nobody cancelled ended as the program says, with the result that the program says;
- nothing is left: no asyncio task, timer, slot or waiter; nobody waited for ever.

    python proofs/engine_faults.py --simulations 500 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from virtual_time import MIB, ScriptedMachine, VirtualClock, run_virtually

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import NotFound, WiseflowError
from wiseflow.core.tasks import FailurePolicy, TaskEvent, TaskState
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.prediction import Predictor
from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.tasks import BRANCHES, TaskManager

LIMIT_S = 20_000.0  # virtual
CALM_S = 400.0  # from when on the memory is free
NAMES = {"short": 0.02, "long": 9.0, "large": 2.0, "new": None}  # and what is known of them, in s
LARGE_BYTES = 250 * MIB


class Broken(Exception):
    """What tasks of the programs raise."""


@dataclass(kw_only=True)
class Plan:
    """What a task does.

    Args:
        steps_s: how long each attempt takes of itself.
        fails: whether each attempt raises in the end.
        stubborn: whether it ignores that it is cancelled, once an attempt.
        children: that it registers in each attempt; ``waits`` says for how many it waits.
        branches: in how many branches it does so.
        others: tasks it waits for.
    """

    task_id: str
    request: TaskRequest
    steps_s: list[float]
    fails: list[bool]
    stubborn: bool
    waits: int
    branches: int
    children: list[Plan] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@dataclass
class Seen:
    """What the events tell of a task."""

    states: list[TaskState] = field(default_factory=list)
    begun: int = 0


class Program:
    """One random program, its run and what was seen of it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.plans: dict[str, Plan] = {}
        self.seen: dict[str, Seen] = defaultdict(Seen)
        self.parts: dict[str, int] = {}  # the sum of what each task got from others
        self.values: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.holding = Counter[str]()
        self.limit = self.chance.randint(1, 8)
        self.broken_listener = self.chance.random() < 0.25
        self.stops = self.chance.random() < 0.3
        self.stopped = False
        self.wrong: list[str] = []
        self.calls: list[asyncio.Task[Any]] = []
        self.tasks = self._make_engine()

    async def run(self) -> None:
        await self.tasks.initialize()
        for _ in range(self.chance.randint(3, 12)):
            self._register_some()
            await asyncio.sleep(self._spread(3.0))
            await self._disturb()
        if self.stops:
            self.stopped = True
            left = await self.tasks.shutdown(timeout_s=self._spread(5.0))
            self.cancelled |= {record.task_id for record in left}
        else:
            await self.tasks.join()
        for call in self.calls:
            await asyncio.wait([call])
            if not call.cancelled():
                call.exception()
        self._check()
        await self.tasks.shutdown()

    def _make_engine(self) -> TaskManager:
        chance, predictor = self.chance, Predictor(seed=1)
        for name, run_s in NAMES.items():
            for _ in range(10 if run_s else 0):
                memory = LARGE_BYTES if name == "large" else None
                predictor.observe(name, duration_s=run_s or 0.0, memory_bytes=memory)
        script = [(0.0, 20.0, 0.0)]
        for _ in range(chance.randint(0, 12)):
            at = script[-1][0] + self._spread(10.0)
            script.append((at, chance.choice([10.0, 50.0, 70.0, 79.0, 85.0, 95.0]), 0.0))
        script.append((max(CALM_S, script[-1][0]), 10.0, 0.0))
        resources = SmartResourceManager(machine=ScriptedMachine(script), clock=VirtualClock())
        return TaskManager(
            max_concurrent_tasks=self.limit,
            max_processes=1,
            on_event=self._hear,
            predictor=predictor,
            resources=resources if chance.random() < 0.6 else None,
            blocked_s=1e6,  # the clock of that watch is the real one
        )

    def _spread(self, mean_s: float) -> float:
        return self.chance.expovariate(1 / mean_s)

    # What is done.

    def _register_some(self) -> None:
        plans = [self._plan("") for _ in range(self.chance.randint(1, 6))]
        self.chance.shuffle(plans)
        self.tasks.register_tasks([plan.request for plan in plans])

    def _plan(self, parent: str, depth: int = 0) -> Plan:
        chance = self.chance
        known = [one for one in self.plans if "." not in one]
        task_id = f"{parent}.{len(self.plans)}" if parent else f"t{len(self.plans)}"
        retries = chance.choice([0, 0, 1, 3])
        needs = chance.sample(known, min(len(known), chance.choice([0, 0, 1, 3])))
        plan = Plan(
            task_id=task_id,
            request=TaskRequest(name="", func=self._perform),
            steps_s=[self._spread(1.5) for _ in range(retries + 1)],
            fails=[chance.random() < 0.3 for _ in range(retries + 1)],
            stubborn=chance.random() < 0.15,
            waits=chance.choice([0, 2, 4]),
            branches=chance.randint(1, 3),
        )
        plan.request = TaskRequest(
            name=chance.choice(list(NAMES)),
            func=self._perform,
            args=(plan,),
            task_id=task_id,
            dependencies=[] if parent else needs,
            results_as="found",
            on_failure=chance.choice(list(FailurePolicy)),
            priority=chance.choice(list(TaskPriority)),
            run=chance.choice("xyz"),
            timeout=chance.choice([None, None, None, self._spread(4.0) + 0.001]),
            retries=retries,
            retry_delay_s=chance.choice([0.0, 0.7]),
            pool=BRANCHES if chance.random() < 0.1 else "",
        )
        if not parent:
            plan.others = chance.sample(known, min(len(known), chance.choice([0, 0, 0, 2])))
        self.plans[task_id] = plan
        if depth < 2 and chance.random() < 0.3:
            plan.children = [self._plan(task_id, depth + 1) for _ in range(chance.randint(1, 4))]
        return plan

    async def _perform(self, plan: Plan, found: dict[str, int]) -> int:
        attempt = self.tasks.record(plan.task_id).attempts - 1
        await self._step(plan, plan.steps_s[attempt])
        parts = sum(found.values())
        if plan.children and attempt == 0:
            self.tasks.register_tasks([child.request for child in plan.children])
        awaited = [*plan.others, *(child.task_id for child in plan.children[: plan.waits])]
        async with asyncio.TaskGroup() as group:
            answers = [
                group.create_task(self._gathered(awaited[number :: plan.branches]))
                for number in range(plan.branches if awaited else 0)
            ]
        if plan.fails[attempt]:
            raise Broken(plan.task_id)
        self.parts[plan.task_id] = parts + sum(answer.result() for answer in answers)
        return 1 + self.parts[plan.task_id]

    async def _step(self, plan: Plan, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if not plan.stubborn:
                raise
            await asyncio.sleep(0.3)

    async def _gathered(self, task_ids: list[str]) -> int:
        total = 0
        for task_id in task_ids:
            with contextlib.suppress(Broken, WiseflowError):
                total += await self.tasks.result(task_id)
        return total

    async def _disturb(self) -> None:
        choice = self.chance.random()
        if choice < 0.3:
            self._cancel(self.chance.choice(list(self.plans)))
        elif choice < 0.5:
            self.limit = self.chance.randint(1, 8)
            self.tasks.resize(max_concurrent_tasks=self.limit)
        elif choice < 0.7:
            await self._call_and_give_up()
        elif choice < 0.8:
            with contextlib.suppress(NotFound, TimeoutError):
                async with asyncio.timeout(self._spread(2.0)):
                    await self.tasks.wait(self.chance.sample(list(self.plans), 1))

    async def _call_and_give_up(self) -> None:
        plans = [self._plan("") for _ in range(self.chance.randint(1, 3))]
        call = asyncio.create_task(self.tasks.call_all([plan.request for plan in plans]))
        self.calls.append(call)
        await asyncio.sleep(self._spread(2.0))
        call.cancel()
        self.cancelled |= {plan.task_id for plan in plans}  # also when one of them failed

    def _cancel(self, task_id: str) -> None:
        with contextlib.suppress(NotFound):  # a child whose parent has not registered it
            if not self.tasks.record(task_id).state.final:
                self.cancelled.add(task_id)
            self.tasks.cancel(task_id)

    # What is seen.

    def _hear(self, event: TaskEvent) -> None:
        one = self.seen[event.task_id]
        if one.states and one.states[-1].final:
            self.wrong.append(f"{event.task_id}: {event.state} after {one.states[-1]}")
        was_running = bool(one.states) and one.states[-1] is TaskState.RUNNING
        one.states.append(event.state)
        if not self.plans[event.task_id].request.pool:
            self.holding["running"] += (event.state is TaskState.RUNNING) - was_running
        if event.state is TaskState.RUNNING:
            self._check_start(event, one)
        if self.broken_listener and self.chance.random() < 0.2:
            raise Broken("a listener")

    def _check_start(self, event: TaskEvent, one: Seen) -> None:
        request = self.plans[event.task_id].request
        if not request.pool and self.holding["running"] > self.limit:
            self.wrong.append(f"{event.task_id} runs as number {self.holding['running']}")
        if event.attempt == one.begun:
            return
        one.begun = event.attempt
        if event.attempt > request.retries + 1:
            self.wrong.append(f"{event.task_id} runs for the {event.attempt}th time")
        if self.tasks.room is not None and self.tasks.room.held:
            self.wrong.append(f"{event.task_id} begins while {self.tasks.room.held}")
        for needed in request.dependencies:
            state = self.seen[needed].states[-1]
            anyway = request.on_failure is FailurePolicy.RUN_ANYWAY
            if not (state is TaskState.COMPLETED or (state.final and anyway)):
                self.wrong.append(f"{event.task_id} begins while {needed} is {state}")

    def _check(self) -> None:
        scheduler = self.tasks._scheduler  # noqa: SLF001 - no public way to see a slot that is held
        held = {lane: used for lane, used in scheduler.admission.used.items() if used}
        if held or len(scheduler) or self.tasks.active_tasks or self.holding["running"]:
            self.wrong.append(f"slots held at the end: {held}, tasks: {len(scheduler)}")
        if scheduler.next_due() is not None:
            self.wrong.append("a deadline is left")
        for task_id, one in self.seen.items():
            finals = [state for state in one.states if state.final]
            if len(finals) != 1:
                self.wrong.append(f"{task_id} ended {len(finals)} times")
            elif not self.stopped:
                self._check_end(self.plans[task_id], finals[0])

    def _check_end(self, plan: Plan, state: TaskState) -> None:
        by_others = self._reached_by_a_cancellation(plan.task_id)
        if state is TaskState.CANCELLED:
            if not by_others:
                self.wrong.append(f"{plan.task_id} was cancelled by nobody")
            return
        if not by_others and (expected := self._expected(plan)) not in {None, state}:
            self.wrong.append(f"{plan.task_id} is {state} and should be {expected}")
        if state is TaskState.COMPLETED:
            value = scheduler_value(self.tasks, plan.task_id)
            if value != 1 + self._sum_of_parts(plan):
                self.wrong.append(f"{plan.task_id} gave {value}")

    def _sum_of_parts(self, plan: Plan) -> int:
        """What it got of those it depends on; of those it waited for, what it noted itself."""
        needed = [one for one in plan.request.dependencies if self._completed(one)]
        direct = sum(scheduler_value(self.tasks, one) for one in needed)
        awaited = [*plan.others, *(child.task_id for child in plan.children[: plan.waits])]
        if self._reached_by_a_cancellation(plan.task_id) or plan.request.timeout is not None:
            return self.parts[plan.task_id]
        done = [one for one in awaited if self._completed(one)]
        return direct + sum(scheduler_value(self.tasks, one) for one in done)

    def _completed(self, task_id: str) -> bool:
        states = self.seen[task_id].states
        return bool(states) and states[-1] is TaskState.COMPLETED

    def _reached_by_a_cancellation(self, task_id: str) -> bool:
        """Whether it or one above it was cancelled, or one above it did not complete."""
        names = task_id.split(".")
        above = [".".join(names[: length + 1]) for length in range(len(names))]
        failed = any(not self._completed(one) for one in above[:-1])
        return failed or not self.cancelled.isdisjoint(above)

    def _expected(self, plan: Plan) -> TaskState | None:
        """How a task ends that nobody cancelled; ``None`` where that is a matter of time."""
        request = plan.request
        unmet = any(not self._completed(needed) for needed in request.dependencies)
        if unmet and request.on_failure is not FailurePolicy.RUN_ANYWAY:
            skips = request.on_failure is FailurePolicy.SKIP
            return TaskState.SKIPPED if skips else TaskState.FAILED
        if request.timeout is not None and (plan.children or plan.others):
            return None
        last = TaskState.FAILED
        for seconds, fails in zip(plan.steps_s, plan.fails, strict=True):
            late = request.timeout is not None and seconds > request.timeout
            if not fails and (not late or plan.stubborn):
                return TaskState.COMPLETED
            last = TaskState.TIMED_OUT if late else TaskState.FAILED
        return last


def scheduler_value(tasks: TaskManager, task_id: str) -> int:
    """The result of a task that has completed."""
    return tasks._scheduler[task_id].work.outcome.value  # noqa: SLF001 - without a wait


def simulate(seed: int) -> tuple[list[str], Counter[TaskState]]:
    """What is wrong with the program of a seed, and how its tasks ended."""
    program = Program(seed)
    try:
        run_virtually(program.run(), limit_s=LIMIT_S)
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is what is looked for
        program.wrong.append(repr(error))
    return program.wrong, Counter(one.states[-1] for one in program.seen.values() if one.states)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    begun, ends, faults = time.monotonic(), Counter[TaskState](), 0
    for seed in range(options.seed, options.seed + options.simulations):
        wrong, ended = simulate(seed)
        ends += ended
        faults += bool(wrong)
        for line in wrong[:5]:
            print(f"seed {seed}: {line}")
    told = ", ".join(f"{count} {state.value}" for state, count in ends.most_common())
    print(f"{options.simulations} simulations in {time.monotonic() - begun:.1f} s, {faults} wrong")
    print(f"{ends.total()} tasks: {told}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
