"""What metrics cost: each event that is counted, a task of the engine, and a scrape.

CPU time, and the best of some rounds each: other programs only ever add to it.

    python proofs/metrics_cost.py --jobs 100000
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable

from wiseflow.app import open_application
from wiseflow.app.metering.meter import Meter
from wiseflow.core.calls import CallKind, Usage
from wiseflow.core.jobs import JobRequest
from wiseflow.core.tasks import TaskEvent, TaskState
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import TaskManager
from wiseflow.gateway.recording import AttemptRecord
from wiseflow.research.handler import KIND
from wiseflow.settings.loading import load_settings

ROUNDS = 7
EVENTS = 20_000
TASKS = 5_000
CALL = AttemptRecord(
    kind=CallKind.MODEL, provider="openai", model="gpt-4", run_id="r", step="s", error="",
    latency_s=1.2, usage=Usage(input_tokens=900, output_tokens=300, cost=0.01),
)  # fmt: skip


def best_us(act: Callable[[], object], count: int) -> float:
    """The least microseconds of CPU that one of ``count`` took, of some rounds."""
    found: list[float] = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        act()
        found.append((time.process_time() - begun) / count * 1e6)
    return min(found)


def repeat(act: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(EVENTS):
            act()

    return run


def events(meter: Meter) -> None:
    states = (TaskState.PENDING, TaskState.RUNNING, TaskState.COMPLETED)
    changes = [TaskEvent(0.0, "t", "t", state, 1) for state in states]

    def task() -> None:
        for change in changes:
            meter.changed(change)

    def request() -> None:
        meter.answered("GET", "/api/v1/research/{research_id}", 200, 0.01)

    print(f"an attempt of a call: {best_us(repeat(lambda: meter.attempted(CALL)), EVENTS):.1f} µs")
    print(f"the three changes of a task: {best_us(repeat(task), EVENTS):.2f} µs")
    print(f"an answered request: {best_us(repeat(request), EVENTS):.1f} µs")


async def nothing() -> None:
    """A task."""


async def engine(meter: Meter | None) -> float:
    """The least microseconds of CPU of a task."""
    found: list[float] = []
    for _ in range(ROUNDS):
        async with TaskManager(on_event=meter.changed if meter else None, kept=0) as tasks:
            begun = time.process_time()
            tasks.register_tasks([TaskRequest(name="t", func=nothing) for _ in range(TASKS)])
            await tasks.join()
            found.append((time.process_time() - begun) / TASKS * 1e6)
    return min(found)


async def scrapes(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(environ={"WISEFLOW_DATA_DIR": folder}, dotenv=None)
        meter = Meter(settings)
        async with open_application(settings, meter=meter) as application:
            requests = [
                JobRequest(kind=KIND, payload={"text": "x" * 500}, title=f"Topic {number}")
                for number in range(jobs)
            ]
            ids = await application.queue.submit(requests)
            for job_id in ids[: int(jobs * 0.9)]:
                await application.queue.cancel(job_id)
            begun = time.perf_counter()
            figures = await meter.figures()
            read_ms = (time.perf_counter() - begun) * 1000
            begun = time.perf_counter()
            body, _ = await meter.exposition.text()
            text_ms = (time.perf_counter() - begun) * 1000
        assert figures is not None
        print(
            f"{figures.submitted(KIND):,} jobs, a tenth of them waiting: {read_ms:.1f} ms to read; "
            f"a scrape after that {text_ms:.1f} ms, {len(body):,} bytes"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000)
    given = parser.parse_args()
    meter = Meter(load_settings(environ={}, dotenv=None))
    events(meter)
    without, counted = asyncio.run(engine(None)), asyncio.run(engine(meter))
    print(f"a task of the engine: {without:.1f} µs without metrics, {counted:.1f} µs with them")
    asyncio.run(scrapes(given.jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
