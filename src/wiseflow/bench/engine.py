"""What the engine costs a task, against bare asyncio in the same run."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.tasks import TaskEvent, TaskKind, TaskSpec, TaskState
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.decisions import Action, Decision, Ending
from wiseflow.engine.state import Scheduler
from wiseflow.engine.tasks import TaskManager

SLOTS = 100
DEADLINE_S = 600.0
SAMPLED = 20_000
FAN = 100
FEW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """What to measure.

    Args:
        tasks: how many tasks of one ``await asyncio.sleep(0)``.
        pending: how many wait in the comparison of a short with a long queue: few, many.
        rounds: how often each way is measured, in turn.
    """

    tasks: int = 100_000
    pending: tuple[int, int] = (FEW, 1_000_000)
    rounds: int = 3


def measure_engine(plan: EnginePlan) -> list[Figure]:
    """All figures of the engine."""
    ways: dict[str, Callable[[int], Awaitable[None]]] = {
        "asyncio.TaskGroup": _bare,
        "TaskGroup, Semaphore, timeout": _bounded,
        "the engine": _engine,
        f"the engine, fan of {FAN}": _engine_graph,
    }
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(plan.rounds):
        for name, way in ways.items():
            costs[name].append(asyncio.run(_timed(way, plan.tasks)))
    return [
        *(spread_figure(name, "µs a task", found) for name, found in costs.items()),
        *_ratios(costs),
        _memory(),
        _long_queue(plan),
        _overtaken(plan.tasks),
    ]


def _ratios(costs: dict[str, list[float]]) -> Iterator[Figure]:
    bare, bounded, ours, graph = costs.values()
    for subject, measure, above, below, most in (
        ("the engine", "time ÷ TaskGroup", ours, bare, 3.0),
        ("the engine", "time ÷ TaskGroup, Semaphore, timeout", ours, bounded, 1.0),
        (f"a fan of {FAN}", "time ÷ independent tasks", graph, ours, 1.5),
    ):
        yield spread_figure(
            subject, measure, [a / b for a, b in zip(above, below, strict=True)], most=most
        )


async def _timed(way: Callable[[int], Awaitable[None]], tasks: int) -> float:
    """Microseconds a task."""
    gc.collect()  # so that no way pays for the one before
    begun = time.perf_counter()
    await way(tasks)
    return (time.perf_counter() - begun) * 1e6 / tasks


async def _bare(tasks: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(asyncio.sleep(0))


async def _bounded(tasks: int) -> None:
    slots = asyncio.Semaphore(SLOTS)

    async def one() -> None:
        async with slots, asyncio.timeout(DEADLINE_S):
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(one())


async def _engine(tasks: int) -> None:
    await _run(
        TaskRequest(
            name="nothing", func=asyncio.sleep, args=(0,), timeout=DEADLINE_S, priority=priority
        )
        for priority in itertools.islice(itertools.cycle(TaskPriority), tasks)
    )


async def _engine_graph(tasks: int) -> None:
    """Fans: one task, ``FAN`` that depend on it, one that depends on all of these; and so on."""
    await _run(_fans(tasks))


def _fans(tasks: int) -> Iterator[TaskRequest]:
    last: Sequence[str] = ()
    for fan in range(tasks // (FAN + 1)):
        knot = f"k{fan}"
        yield _nothing(knot, last)
        last = [f"{knot}/{number}" for number in range(FAN)]
        for name in last:
            yield _nothing(name, (knot,))


def _nothing(task_id: str, dependencies: Sequence[str]) -> TaskRequest:
    return TaskRequest(
        name="nothing",
        task_id=task_id,
        func=asyncio.sleep,
        args=(0,),
        timeout=DEADLINE_S,
        dependencies=dependencies,
    )


async def _run(requests: Iterator[TaskRequest]) -> None:
    """Run tasks with everything on: deadlines, priorities, events, statistics by state."""
    counted: dict[TaskState, int] = dict.fromkeys(TaskState, 0)

    def count(event: TaskEvent) -> None:
        counted[event.state] += 1

    async with TaskManager(max_concurrent_tasks=SLOTS, on_event=count) as tasks:
        tasks.register_tasks(requests)
        await tasks.join()


def _memory() -> Figure:
    """What a task takes while it waits, everything of it counted."""

    async def body() -> float:
        tasks = TaskManager(max_concurrent_tasks=1)
        await tasks.initialize()
        tasks.register_task("gate", asyncio.sleep, (DEADLINE_S,))
        gc.collect()
        tracemalloc.start()
        tasks.register_tasks(_nothing("", ()) for _ in range(SAMPLED))
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await tasks.shutdown(timeout_s=0.0)
        return taken / SAMPLED / 1024

    return Figure(
        subject=f"{SAMPLED} pending tasks",
        measure="KiB a task",
        value=asyncio.run(body()),
        most=1.5,
    )


def _long_queue(plan: EnginePlan) -> Figure:
    """What a task costs the scheduler behind many, against behind few."""
    few, many = plan.pending
    ratios = [_scheduled(many) / _scheduled(few) for _ in range(plan.rounds)]
    return spread_figure(f"{many} pending", f"time a task ÷ that at {few}", ratios, most=1.3)


def _scheduled(pending: int) -> float:
    """Seconds a task when ``SAMPLED`` tasks are taken on and run behind so many that wait."""
    scheduler = _scheduler(slots=SLOTS)
    scheduler.submit((TaskSpec(task_id=f"p{number}") for number in range(pending)), 0.0)
    running = [f"p{number}" for number in range(SLOTS)]
    gc.collect()
    begun = time.perf_counter()
    for number in range(SAMPLED):
        decisions = scheduler.submit([TaskSpec(task_id=f"n{number}")], 1.0)
        decisions += scheduler.ended(running[number % SLOTS], Ending.COMPLETED, 1.0)
        for action, task in decisions:
            if action is Action.START:
                running[number % SLOTS] = task.spec.task_id
    return (time.perf_counter() - begun) / SAMPLED


def _overtaken(tasks: int) -> Figure:
    """How many less urgent tasks start before a critical one submitted behind them."""
    scheduler = _scheduler(slots=1)
    scheduler.submit((TaskSpec(task_id=f"n{number}") for number in range(tasks)), 0.0)
    critical = TaskSpec(task_id="critical", priority=TaskPriority.CRITICAL)
    scheduler.submit([critical], 1.0)
    started, running = 0, "n0"
    while running != "critical":
        decisions: Sequence[Decision] = scheduler.ended(running, Ending.COMPLETED, 2.0)
        running = next(one.task.spec.task_id for one in decisions if one.action is Action.START)
        started += running != "critical"
    return Figure(
        subject=f"a critical task behind {tasks}",
        measure="less urgent ones started before it",
        value=started,
        most=0,
    )


def _scheduler(*, slots: int) -> Scheduler:
    return Scheduler(slots={kind.value: slots for kind in TaskKind}, total=slots)
