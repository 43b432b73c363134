"""How much new work there is room for by a reading of the machine, and what holds it back.

Pure: a reading, limits and what running tasks are about to take come in, room comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from wiseflow.core.errors import InvalidInput
from wiseflow.engine.cgroups import MemoryUse
from wiseflow.engine.machine import Activity, CpuUse, Reading

# A task has taken most of its memory by then: files read and arrays made come first. A shorter time
# would count none of what was just started, a longer one would count it twice.
SETTLING_S = 1.0
# Held work goes on below this share of the limit, 78 of 80 %: at the limit it would stop and go.
GO_ON_SHARE = 0.975

# From when on something is a bottleneck. Links and disks queue markedly from some 80 % on: at a
# load r, the mean time in a queue grows with 1 / (1 - r). Stalls are shares of time in which some
# process makes no progress. To lose a tenth to memory or a fifth to disks is chosen as what is
# felt: while this project's tests ran on two cores, 0 % and up to 5 % were seen. Waiting for a core
# is usual where there are more processes than cores (30 % then), hence half.
DISK_BUSY = 0.8
NETWORK_BUSY = 0.8
MEMORY_STALLED = 0.1
IO_STALLED = 0.2
CPU_STALLED = 0.5
_MIB = 1 << 20


class Bottleneck(StrEnum):
    """What holds work back most."""

    MEMORY = "memory"
    DISK = "disk"
    CPU = "cpu"
    NETWORK = "network"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLimits:
    """How much of the machine is used, and how often it is looked at.

    Args:
        max_memory_percent: of each bound on memory, from which on nothing new starts.
        max_cpu_percent: of the cores, that this process and others keep busy together.
        memory_interval_s, cpu_interval_s: between two looks while there is room.

    Raises:
        InvalidInput: a share is not in 1 to 100, or an interval not above 0.
    """

    max_memory_percent: float = 80.0
    max_cpu_percent: float = 90.0
    memory_interval_s: float = 60.0
    cpu_interval_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_memory_percent", "max_cpu_percent"):
            if not 1 <= getattr(self, name) <= 100:  # noqa: PLR2004 - per cent
                raise InvalidInput(
                    f"{name} is {getattr(self, name):g}", cure="Give a number from 1 to 100"
                )
        for name in ("memory_interval_s", "cpu_interval_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise InvalidInput(
                    f"{name} is {getattr(self, name):g}", cure="Give seconds above 0"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a running task is predicted to take.

    Args:
        memory_bytes: at most, at once.
        started_at: by the manager's monotonic clock, in seconds.
    """

    memory_bytes: int
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What new work may take.

    Args:
        memory_bytes: how much it may be predicted to need now; 0 when held.
        cores: how many tasks may keep a core busy at once, running ones included; at least 1.
        held: why nothing new may start, as a sentence; "" when it may.
        bottleneck: what holds work back most.
    """

    memory_bytes: int
    cores: int
    held: str
    bottleneck: Bottleneck


def room(
    reading: Reading,
    limits: ResourceLimits,
    running_needs: Iterable[Need] = (),
    *,
    held_before: bool = False,
) -> Room:
    """What new work may take by a reading.

    A task that was started after the reading, or shortly before, has not taken all of its memory
    in it, so all that it is predicted to need is kept for it.

    Args:
        reading: of the machine.
        limits: what may be used.
        running_needs: of the tasks at work.
        held_before: nothing was allowed to start so far; then it goes on a little below the limit.
    """
    to_come = sum(
        need.memory_bytes for need in running_needs if reading.at - need.started_at < SETTLING_S
    )
    share = limits.max_memory_percent / 100
    free = min(int(share * one.limit_bytes) - one.used_bytes for one in reading.memory)
    held = _held(reading.memory, limits.max_memory_percent, held_before=held_before)
    return Room(
        memory_bytes=0 if held else max(0, free - to_come),
        cores=_cores(reading.activity, limits.max_cpu_percent),
        held=held,
        bottleneck=_bottleneck(reading, limits),
    )


def share_of(memory: MemoryUse) -> float:
    """The share of a bound that is used; 1 is all."""
    return memory.used_bytes / memory.limit_bytes


def by_others(cpu: CpuUse, activity: Activity) -> float:
    """How many cores other processes keep busy under a bound."""
    return max(0.0, cpu.used_cores - activity.own_cores)


def _held(memory: Iterable[MemoryUse], most: float, *, held_before: bool) -> str:
    tightest = max(memory, key=share_of)
    percent = 100 * share_of(tightest)
    go_on = most * GO_ON_SHARE
    if percent < (go_on if held_before else most):
        return ""
    again = f"; work goes on below {go_on:g} %" if percent < most else ""
    return (
        f"{percent:.1f} % of the {tightest.limit_bytes / _MIB:,.0f} MiB of memory of "
        f"{tightest.name} are used, and MAX_MEMORY_PERCENT is {most:g}{again}"
    )


def _cores(activity: Activity, most: float) -> int:
    """The share of the cores that others leave, rounded up, so that a part of a core is used.

    At 90 %, all of up to nine cores are used when nothing else runs, and one in ten is left of
    more. There is always one: a machine that others keep busy slows work down and never stops it,
    as the system shares its time, while memory that is used up is shared with nobody.
    """
    left = min(one.cores * most / 100 - by_others(one, activity) for one in activity.cpu)
    return max(1, math.ceil(round(left, 6)))  # 10 cores * 70 % are 7, not a bit more


def _bottleneck(reading: Reading, limits: ResourceLimits) -> Bottleneck:
    """What is furthest over its threshold; memory goes first, as it alone holds work."""
    activity = reading.activity
    stalled = activity.stalled.get
    memory = max(map(share_of, reading.memory)) * 100 / limits.max_memory_percent
    cpu = activity.cpu_use * 100 / limits.max_cpu_percent
    strain = {
        Bottleneck.MEMORY: max(memory, stalled("memory", 0.0) / MEMORY_STALLED),
        Bottleneck.DISK: max(activity.disk_busy / DISK_BUSY, stalled("io", 0.0) / IO_STALLED),
        Bottleneck.CPU: max(cpu, stalled("cpu", 0.0) / CPU_STALLED),
        Bottleneck.NETWORK: activity.network_busy / NETWORK_BUSY,
    }
    worst = max(strain, key=strain.__getitem__)
    return worst if strain[worst] >= 1 else Bottleneck.NONE
