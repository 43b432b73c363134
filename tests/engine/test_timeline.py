"""What ran when, as a trace."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from wiseflow.core.tasks import TaskEvent, TaskState
from wiseflow.engine.tasks import TaskManager
from wiseflow.engine.timeline import Timeline, chrome_trace


def rows(trace: str, phase: str) -> list[dict[str, Any]]:
    return [row for row in json.loads(trace)["traceEvents"] if row["ph"] == phase]


async def test_tasks_of_each_kind_leave_their_spans_with_workers_and_runs():
    told = Timeline()
    async with TaskManager(on_event=told) as tasks:
        tasks.register_task("wait", asyncio.sleep, (0,), run="one")
        tasks.register_task("thread", os.getpid, run="two")
        tasks.register_task("process", os.getpid, run="two", cpu_bound=True)

    trace = told.trace()
    alone = {row["name"]: row for row in rows(trace, "X")}
    assert set(alone) == {"thread", "process"}
    assert all(row["dur"] >= 0 and row["args"]["then"] == "completed" for row in alone.values())
    lines = {row["args"]["name"] for row in rows(trace, "M")}
    assert {"one", "two"} < lines
    assert any(name.startswith("process ") for name in lines)
    begun = [(row["id"], row["cat"]) for row in rows(trace, "b")]
    assert ("wait#1", "running") in begun
    assert begun == [(row["id"], row["cat"]) for row in rows(trace, "e")]


async def test_a_trace_of_one_run_has_no_other():
    told = Timeline()
    async with TaskManager(on_event=told) as tasks:
        for run in ("one", "two"):
            tasks.register_task("wait", asyncio.sleep, (0,), run=run)

    names = [row["args"]["name"] for row in rows(told.trace("two"), "M")]
    assert names == ["two"]


def test_each_attempt_is_a_span_of_its_own():
    states = [
        (0.0, TaskState.PENDING, 0, ""),
        (1.0, TaskState.RUNNING, 1, ""),
        (2.0, TaskState.WAITING, 1, "task-1"),
        (3.0, TaskState.PENDING, 1, "task-1"),
        (3.5, TaskState.RUNNING, 2, "task-1"),
        (4.0, TaskState.COMPLETED, 2, "task-2"),
    ]

    trace = chrome_trace(
        TaskEvent(at, "t", "name", state, attempt, "", worker)
        for at, state, attempt, worker in states
    )

    assert [(row["ts"], row["dur"], row["args"]["attempt"]) for row in rows(trace, "X")] == [
        (1_000_000.0, 1_000_000.0, 1),
        (3_500_000.0, 500_000.0, 2),
    ]


def test_only_the_last_events_are_kept():
    told = Timeline(most_events=2)
    for number in range(5):
        told(TaskEvent(float(number), "t", "n", TaskState.PENDING, 0))

    assert [event.at for event in told.events()] == [3.0, 4.0]
