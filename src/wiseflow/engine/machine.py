"""What this process may use and what is used: memory, cores, disk and network, as figures.

What bounds the process is every bound at once: the machine's, and that of each control group it is
in. Each is kept with what is used under it, as the tightest need not be the smallest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wiseflow.engine.cgroups import CGROUP_ROOT, PROC, ControlGroups, MemoryUse
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)
T = TypeVar("T")

MACHINE = "the machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuUse:
    """A bound on cores and how many of them were kept busy, since the reading before.

    Args:
        name: whose bound, for people.
        cores: how many there are.
        used_cores: by this process and by others.
    """

    name: str
    cores: float
    used_cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What went on since the reading before; all rates are 0 at the first one.

    Args:
        cpu: each bound on cores, with its use.
        own_cores: how many cores this process and its children kept busy.
        disk_bytes_per_s: read and written, on all disks.
        disk_busy: the share of time, 0 to 1, of the disk that was busy longest.
        disk_free_bytes: on the disk of the data folder.
        network_bytes_per_s: sent and received, but not to this machine itself.
        network_busy: the share of its speed, 0 to 1, that the busiest link carried one way.
        stalled: the share of the last 10 s, 0 to 1, in which some process waited for ``cpu``,
            ``memory`` or ``io``; empty where the system does not tell.
        missing: the figures this system does not give; they are 0 here.
    """

    cpu: tuple[CpuUse, ...]
    own_cores: float = 0.0
    disk_bytes_per_s: float = 0.0
    disk_busy: float = 0.0
    disk_free_bytes: int = 0
    network_bytes_per_s: float = 0.0
    network_busy: float = 0.0
    stalled: Mapping[str, float] = field(default_factory=dict[str, float])
    missing: tuple[str, ...] = ()

    @property
    def cores(self) -> float:
        """How many cores this process may keep busy."""
        return min(one.cores for one in self.cpu)

    @property
    def cpu_use(self) -> float:
        """The share, 0 to 1, of the bound on cores that is used most."""
        return max(one.used_cores / one.cores for one in self.cpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The state of the machine at one moment.

    Args:
        at: when its memory was read, in seconds of the caller's monotonic clock.
        memory: each bound on memory, with its use; the machine's own is the last.
        activity: what went on before.
    """

    at: float
    memory: tuple[MemoryUse, ...]
    activity: Activity

    @property
    def memory_limit_bytes(self) -> int:
        """The least of all bounds."""
        return self._least.limit_bytes

    @property
    def memory_used_bytes(self) -> int:
        """What is used under the least of all bounds."""
        return self._least.used_bytes

    @property
    def _least(self) -> MemoryUse:
        return min(self.memory, key=lambda one: one.limit_bytes)


class Machine:
    """Reads the figures. Each rate is taken since the reading before, so one reader has one of it.

    Args:
        cgroup_root: where control groups are mounted.
        proc: where the system tells of processes.
        data_folder: whose disk's free bytes count; it need not exist yet.
    """

    def __init__(
        self, cgroup_root: Path = CGROUP_ROOT, proc: Path = PROC, *, data_folder: Path = Path()
    ) -> None:
        from wiseflow.engine import counters  # noqa: PLC0415 - psutil is slow to load

        self._system = counters
        self._rates = counters.Rates()
        self._counters = counters.Counters(self._rates)
        self._groups = ControlGroups(cgroup_root, proc)
        self._proc = proc
        self._folder = data_folder.absolute()
        self._told: set[str] = set()

    def read(self, now: float) -> Reading:
        """All figures.

        Args:
            now: seconds of a monotonic clock, the same one at each call.
        """
        return Reading(at=now, memory=self.memory(), activity=self.activity(now))

    def memory(self) -> tuple[MemoryUse, ...]:
        """Each bound on memory, with its use; the machine's own is the last."""
        limit, used = self._system.machine_memory()
        whole = MemoryUse(name=MACHINE, limit_bytes=limit, used_bytes=used)
        return (*self._groups.memory(), whole)

    def activity(self, now: float) -> Activity:
        """What went on since the last call.

        Args:
            now: seconds of a monotonic clock, the same one at each call.
        """
        count = self._counters
        missing: list[str] = []
        own = self._figure("own CPU", 0.0, missing, lambda: count.own_cores(now))
        busy = self._figure("CPU", own, missing, lambda: count.busy_cores(now))
        disk = self._figure("disk", (0.0, 0.0), missing, lambda: count.disk(now))
        network = self._figure("network", (0.0, 0.0), missing, lambda: count.network(now))
        free = self._figure("free space", 0, missing, lambda: self._system.free_bytes(self._folder))
        cores = float(len(self._system.affinity()))
        return Activity(
            cpu=(
                *self._quotas(now, own),
                CpuUse(name=MACHINE, cores=cores, used_cores=min(busy, cores)),
            ),
            own_cores=own,
            disk_bytes_per_s=disk[0],
            disk_busy=disk[1],
            disk_free_bytes=free,
            network_bytes_per_s=network[0],
            network_busy=network[1],
            stalled=self._stalled(),
            missing=tuple(missing),
        )

    def _figure(self, name: str, otherwise: T, missing: list[str], read: Callable[[], T]) -> T:
        """What ``read`` gives; when the system refuses, ``otherwise``, told in the log once."""
        try:
            return read()
        except self._system.Refused as error:
            missing.append(name)
            if name not in self._told:
                self._told.add(name)
                _log.warning("This system does not tell a figure", figure=name, reason=str(error))
            return otherwise

    def _quotas(self, now: float, own_cores: float) -> list[CpuUse]:
        return [
            CpuUse(
                name=quota.name,
                cores=quota.cores,
                used_cores=own_cores
                if quota.used_s is None
                else self._rates.per_s(quota.name, quota.used_s, now),
            )
            for quota in self._groups.cpu()
        ]

    def _stalled(self) -> dict[str, float]:
        """The kernel's pressure stall information, where it has it.

        Source: the kernel's accounting/psi; the line "some", its average over 10 s, in per cent.
        """
        found: dict[str, float] = {}
        for name in ("cpu", "memory", "io"):
            try:
                text = (self._proc / "pressure" / name).read_text(encoding="utf-8")
                found[name] = float(text.partition("avg10=")[2].split()[0]) / 100
            except (OSError, ValueError, IndexError):  # older kernels, or switched off
                continue
        return found


def usable_cores(cgroup_root: Path = CGROUP_ROOT, proc: Path = PROC) -> int:
    """How many processes can compute at once here: affinity and quotas, rounded up, at least 1."""
    quotas = [quota.cores for quota in ControlGroups(cgroup_root, proc).cpu()]
    from wiseflow.engine.counters import affinity  # noqa: PLC0415 - psutil is slow to load

    return max(1, math.ceil(min([*quotas, len(affinity())])))


def memory_limit(cgroup_root: Path = CGROUP_ROOT, proc: Path = PROC) -> int:
    """How many bytes of memory this process and its like may use: the least of all bounds."""
    return min(one.limit_bytes for one in Machine(cgroup_root, proc).memory())
