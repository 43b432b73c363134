"""Runs workloads on the engine and on the plain executor, in turn, and tells how they compare."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wiseflow.bench.engine_executor import EngineExecutor
from wiseflow.bench.figures import Figure
from wiseflow.bench.plain_executor import PlainExecutor
from wiseflow.bench.spinning import rounds_a_second
from wiseflow.bench.workload_bounds import bound_of, cpu_work_s, interactive
from wiseflow.bench.workload_figures import Measured, Outcome, Round, figures_of, machine_figures
from wiseflow.bench.workload_pieces import Execution
from wiseflow.bench.workloads import Piece, Workload, load_workloads, pieces_of, scaled
from wiseflow.core.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPlan:
    """What to measure.

    Args:
        names: which workloads; all when empty.
        rounds: how often each is executed on the engine. On the plain executor it is twice that,
            before and after, so that what drifts is not taken for a difference.
        scale: by what all times of a workload are multiplied.
    """

    names: tuple[str, ...] = ()
    rounds: int = 3
    scale: float = 1.0


def measure_workloads(plan: WorkloadPlan) -> list[Figure]:
    """How the engine compares with the plain executor and with what is possible.

    Both have the same slots and warm processes, and one executor each serves all rounds of a
    workload, so what the engine learns in one round it knows in the next.

    Raises:
        NotFound: there is no workload of a name.
    """
    workloads = _chosen(plan.names)
    speed = rounds_a_second()
    measured = [asyncio.run(_measured(workload, plan, speed)) for workload in workloads]
    return [*machine_figures(measured, _cores()), *figures_of(measured)]


def _chosen(names: Sequence[str]) -> list[Workload]:
    known = {workload.name: workload for workload in load_workloads()}
    for name in names:
        if name not in known:
            raise NotFound(f"there is no workload {name!r}", cure=f"There are: {', '.join(known)}")
    return [known[name] for name in names or known]


def _cores() -> int:
    return os.cpu_count() or 1


async def _measured(workload: Workload, plan: WorkloadPlan, speed: float) -> Measured:
    pieces = scaled(pieces_of(workload), plan.scale)
    cores = _cores() if cpu_work_s(pieces) else 0
    slots = max(workload.slots, cores + 1)
    async with (
        # The processes are slots, too, so that many fewer are left for what waits.
        PlainExecutor(workers=slots - cores, cores=cores, speed=speed) as plain,
        EngineExecutor(slots=slots, cores=cores, speed=speed) as ours,
    ):
        comparison = _Comparison(pieces=pieces, slots=slots, plain=plain, ours=ours)
        return Measured(
            name=workload.name, rounds=[await comparison.round() for _ in range(plan.rounds)]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    pieces: Sequence[Piece]
    slots: int
    plain: PlainExecutor
    ours: EngineExecutor

    async def round(self) -> Round:
        """The plain executor, the engine, and the plain executor again, in bare measurements."""
        before = await self._speed_up()
        first = await self.plain.run(self.pieces)
        ours = await self.ours.run(self.pieces)
        again = await self.plain.run(self.pieces)
        # What disturbs a bare measurement makes it slower only, so the better one is nearer to it.
        speed_up = max(before, await self._speed_up())
        bound = bound_of(self.pieces, cores=speed_up or 1, slots=self.slots)
        done_s = min(one.completion_s for one in (first, ours, again))
        return Round(
            plain=self._outcome(first),
            ours=self._outcome(ours),
            again=self._outcome(again),
            # What was done was possible, whatever the bare processes met with before and after.
            bound=replace(bound, completion_s=min(bound.completion_s, done_s)),
            speed_up=speed_up,
        )

    async def _speed_up(self) -> float:
        """How many times as much CPU work all cores do now as one did at its best; 0 for none.

        Not more than there are cores: then that one's best was no real one.
        """
        work_s = cpu_work_s(self.pieces)
        return min(work_s / await self.plain.bare(work_s), _cores()) if work_s else 0.0

    def _outcome(self, execution: Execution) -> Outcome:
        return Outcome(
            completion_s=execution.completion_s,
            utilisation=execution.busy_s / (self.slots * execution.completion_s),
            response_s=_median(execution.responses_s(self.pieces)),
            interactive_s=_median(execution.responses_s(interactive(self.pieces))),
        )


def _median(values: Iterable[float]) -> float:
    """0 for none."""
    return statistics.median_low(list(values) or [0.0])
