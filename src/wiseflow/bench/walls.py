"""How long researches take against what they depend on, one alone and many side by side."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wiseflow.bench.bed import Bed, Ran, open_bed
from wiseflow.bench.bounds import calls_in_a_row, lower_bound
from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.bench.processes import MIB
from wiseflow.core.configuration import TaskPriority
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import MOST_TOPICS

OPTIONS = SimulatorOptions(topics=MOST_TOPICS)  # model 1.3 s, search 0.6 s, page 0.4 s
MOST_IN_A_ROW = 4
WARM_UP = 2  # researches before anything is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class WallPlan:
    """What to measure.

    Args:
        rounds: how often one and a few are measured, in turn.
        few: how many run side by side then.
        many: how many run side by side in the measurement of many; 0 leaves it out.
        others: among how many an urgent one is measured; 0 leaves it out.
        scale: real seconds that a simulated one takes.
    """

    rounds: int = 3
    few: int = 10
    many: int = 100
    others: int = 200
    scale: float = 1.0


async def measure_walls(plan: WallPlan) -> list[Figure]:
    """One, ten and many researches, and one that is urgent."""
    few = plan.few
    async with warm_bed(replace(OPTIONS, time_scale=plan.scale)) as bed:
        ones: list[Ran] = []
        tens: list[Ran] = []
        shares: list[float] = []
        in_a_row: list[float] = []
        for _ in range(plan.rounds):
            ones.append(await _alone(bed))
            in_a_row.append(calls_in_a_row(bed.log(), "model"))
            tens.append(await _side_by_side(bed, few))
            shares.append(tens[-1].wall_s / plan.scale / lower_bound(bed.log()))
        return [
            spread_figure("1 research", "seconds", [one.wall_s for one in ones]),
            spread_figure("1 research", "model calls in a row", in_a_row, most=MOST_IN_A_ROW),
            spread_figure(f"{few} researches", "wall ÷ lower bound", shares, most=1.05),
            spread_figure(f"{few} ÷ 1", "wall", _ratios(tens, ones), most=1.05),
            spread_figure(f"{few} researches", "CPU seconds", [ten.cpu_s for ten in tens]),
            *await _many(bed, plan, ones),
            *await _urgent(bed, plan.others, ones),
        ]


@asynccontextmanager
async def warm_bed(options: SimulatorOptions = OPTIONS) -> AsyncGenerator[Bed]:
    """A bed on which researches have run already, so that processes and libraries are there."""
    with tempfile.TemporaryDirectory() as folder, SimulatorProcess(options) as sim:
        async with open_bed(sim, Path(folder)) as bed:
            await bed.run(bed.requests(WARM_UP))
            yield bed


async def _alone(bed: Bed) -> Ran:
    return await _side_by_side(bed, 1)


async def _side_by_side(bed: Bed, count: int, *, watch_memory: bool = False) -> Ran:
    bed.sim.reset()
    return await bed.run(bed.requests(count), watch_memory=watch_memory)


def _ratios(many: list[Ran], ones: list[Ran]) -> list[float]:
    return [ran.wall_s / one.wall_s for ran, one in zip(many, ones, strict=True)]


async def _many(bed: Bed, plan: WallPlan, ones: list[Ran]) -> list[Figure]:
    """Many at once; the bar allows for the work they are, on the cores there are."""
    count = plan.many
    if not count:
        return []
    before = await _side_by_side(bed, 1, watch_memory=True)
    ran = await _side_by_side(bed, count, watch_memory=True)
    one = sorted(one.wall_s for one in ones)[len(ones) // 2]
    cores = len(os.sched_getaffinity(0))
    work = ran.cpu_s / cores / one
    subject = f"{count} researches"
    more = (ran.memory_bytes - before.memory_bytes) / (count - 1) / MIB
    return [
        Figure(subject=subject, measure="not finished", value=count - ran.finished, most=0),
        Figure(subject=subject, measure="CPU seconds ÷ cores ÷ wall of 1", value=work),
        Figure(
            subject=f"{count} ÷ 1",
            measure="wall",
            value=ran.wall_s / one,
            most=max(1.3, 1.15 * work),
        ),
        Figure(
            subject=subject,
            measure="wall ÷ lower bound",
            value=ran.wall_s / plan.scale / lower_bound(bed.log()),
        ),
        Figure(subject=subject, measure="memory of each on top, MiB (PSS)", value=more, most=1.0),
    ]


async def _urgent(bed: Bed, others: int, ones: list[Ran]) -> list[Figure]:
    """A critical research that comes when many others run already, against alone."""
    if not others:
        return []
    alone = sorted(one.wall_s for one in ones)[len(ones) // 2]
    async with asyncio.TaskGroup() as group:
        rest = group.create_task(bed.run(bed.requests(others)), name="the others")
        await asyncio.sleep(alone / 2)
        urgent = await bed.run(bed.requests(1, priority=TaskPriority.CRITICAL))
        early = not rest.done()
    return [
        Figure(
            subject=f"a critical one among {others}",
            measure="wall ÷ alone",
            value=urgent.wall_s / alone,
            most=1.2,
        ),
        Figure(
            subject=f"a critical one among {others}",
            measure="ended before the others",
            value=float(early),
            bar=1,
        ),
    ]
