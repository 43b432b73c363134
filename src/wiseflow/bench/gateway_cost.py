"""What the stages of the gateway cost a call, against the bare adapter in the same run."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wiseflow.bench.bed import MODEL, Bed
from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.bench.streams import question
from wiseflow.bench.walls import warm_bed
from wiseflow.core.calls import RunContext
from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import Budget
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import JobRequest, JobStatus, Outcome
from wiseflow.gateway.ledger import Ledger
from wiseflow.jobs.context import JobContext
from wiseflow.jobs.submission import submit_or_resume
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.latency import Latency
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.world import MOST_TOPICS

KIND = "bench"
AT_ONCE = 10
PLENTY_OF_TOKENS = 10**12
# Answers at once, so that what is measured is the work and not the waiting.
OPTIONS = SimulatorOptions(
    topics=MOST_TOPICS, latencies={kind: Latency(mean_s=0.0) for kind in CallKind}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPlan:
    """What to measure.

    Args:
        calls: of each way in each round, ten at once.
        rounds: how often each way is measured, in turn.
    """

    calls: int = 100
    rounds: int = 9


async def measure_gateway_cost(plan: CostPlan) -> list[Figure]:
    """CPU time of calls through all stages, the journal on SQLite, and of the adapter's alone."""
    figures: list[Figure] = []
    async with warm_bed(OPTIONS) as bed:

        async def handle(run: JobContext) -> Outcome:
            figures.extend(await _measured(bed, run, plan))
            return Outcome(status=JobStatus.COMPLETED)

        request = JobRequest(kind=KIND, payload={})
        batch = await submit_or_resume(bed.app.queue, [request], name=f"bench-{new_id()}")
        worker = bed.app.worker(concurrency=1, handlers={KIND: handle})
        await worker.run(batch=batch.name, until_idle=True)
    return figures


async def _measured(bed: Bed, run: JobContext, plan: CostPlan) -> list[Figure]:
    numbers = itertools.count(1)
    outside = bed.app.outside
    adapter = outside.directory.chat("llm", MODEL)
    context = RunContext(
        run_id=run.job.job_id,
        journal=run.journal,
        spending=Ledger(Budget(tokens=PLENTY_OF_TOKENS), SystemClock()),
        tell=run.emit,
    )

    async def bare() -> None:
        await adapter.complete(question(f"{next(numbers)}"))

    async def through() -> None:
        number = next(numbers)
        await outside.models.complete(
            question(f"{number}"), model=f"llm:{MODEL}", context=context, step=f"step/{number}"
        )

    costs: dict[str, list[float]] = {"bare adapter": [], "through the gateway": []}
    for _ in range(plan.rounds):
        for name, way in zip(costs, (bare, through), strict=True):
            costs[name].append(await _cpu_ms(way, plan.calls))
    ratios = [
        gateway / alone
        for alone, gateway in zip(costs["bare adapter"], costs["through the gateway"], strict=True)
    ]
    return [
        *(spread_figure(name, "CPU ms a call", found) for name, found in costs.items()),
        spread_figure("a gateway call", "CPU ÷ the bare adapter's", ratios, most=1.5),
    ]


async def _cpu_ms(way: Callable[[], Awaitable[None]], calls: int) -> float:
    """CPU milliseconds of this process, all its threads, for a call."""

    async def caller() -> None:
        for _ in range(calls // AT_ONCE):
            await way()

    gc.collect()  # so that neither pays for the other
    begun = time.process_time()
    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(caller(), name=f"caller {number}")
    return (time.process_time() - begun) * 1e3 / (calls // AT_ONCE * AT_ONCE)
