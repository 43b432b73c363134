"""What a task costs the engine, against a local ``dask.distributed`` in the same run."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import time
from typing import Any

from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.core.errors import WiseflowError
from wiseflow.engine.calls import TaskRequest
from wiseflow.engine.tasks import TaskManager

TASKS = 10_000
ROUNDS = 3
SLOTS = 100
MOST = 1 / 20


def measure_dask(*, tasks: int = TASKS, rounds: int = ROUNDS) -> list[Figure]:
    """The time of a task that does nothing, on both, and its ratio.

    Raises:
        WiseflowError: ``distributed`` is not installed.
    """
    distributed = _distributed()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        theirs.append(asyncio.run(_dask_s(distributed, tasks)) * 1e6 / tasks)
        ours.append(asyncio.run(_engine_s(tasks)) * 1e6 / tasks)
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return [
        spread_figure("dask.distributed, local", "µs a task", theirs),
        spread_figure("the engine", "µs a task", ours),
        spread_figure("the engine", "time ÷ dask.distributed", ratios, most=MOST),
    ]


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise WiseflowError(
            f"the comparison with Dask needs the package 'distributed': {error}",
            cure="Install the dependency group 'dev': uv sync --group dev; "
            "or: pip install distributed",
        ) from None


def _nothing(number: int) -> int:
    """A task that does nothing; its argument makes it another task for Dask."""
    return number


async def _dask_s(distributed: Any, tasks: int) -> float:
    """On Dask's own terms: scheduler and worker in this process, so nothing goes over a wire."""
    async with (
        distributed.LocalCluster(
            processes=False, asynchronous=True, dashboard_address=None, silence_logs=logging.ERROR
        ) as cluster,
        distributed.Client(cluster, asynchronous=True) as client,
    ):
        await client.gather(client.map(_nothing, range(100), pure=False))  # warm
        gc.collect()
        begun = time.perf_counter()
        await client.gather(client.map(_nothing, range(tasks), pure=False))
        return time.perf_counter() - begun


async def _engine_s(tasks: int) -> float:
    async with TaskManager(max_concurrent_tasks=SLOTS) as manager:
        gc.collect()
        begun = time.perf_counter()
        ids = manager.register_tasks(
            TaskRequest(name="nothing", func=asyncio.sleep, args=(0, number))
            for number in range(tasks)
        )
        await manager.join()
        for task_id in ids:
            await manager.result(task_id)
        return time.perf_counter() - begun
