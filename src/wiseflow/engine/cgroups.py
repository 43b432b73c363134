"""What the control groups of this process allow it and have used: Linux' bounds of a container.

A process is in one group of each hierarchy, and every group on the way up to the root bounds it.
Version 2 is one hierarchy, version 1 one for each controller, and both may be mounted at once.

Source: the kernel's admin-guide/cgroup-v2 and admin-guide/cgroup-v1/memory, scheduler/sched-bwc,
and the manual page cgroups(7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)
T = TypeVar("T")

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")
NO_LIMIT_FROM = 1 << 60  # version 1 says "no limit" as the greatest multiple of a page in 63 bits
_US = 1e-6
_NS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """A bound on memory and what is used under it, in bytes.

    Args:
        name: whose bound, for people.
        limit_bytes, used_bytes: file cache that can be dropped at once is not in use.
    """

    name: str
    limit_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuQuota:
    """A bound on CPU time.

    Args:
        name: whose bound, for people.
        cores: how many may be kept busy.
        used_s: CPU seconds used under it so far; ``None`` when nothing counts them.
    """

    name: str
    cores: float
    used_s: float | None


class ControlGroups:
    """Reads the groups of this process anew at each call, as it may be moved.

    A file that is not there is no bound. One that cannot be read or understood is left out and
    told in the log once.

    Args:
        root: where the hierarchies are mounted.
        proc: where the process' own groups are told.
    """

    def __init__(self, root: Path = CGROUP_ROOT, proc: Path = PROC) -> None:
        self._root = root
        self._proc = proc
        self._told: set[Path] = set()

    def memory(self) -> list[MemoryUse]:
        """The bounds on memory, the process' own group first in each hierarchy."""
        groups = self._groups()
        found = [self._memory_2(level) for level in self._levels(self._unified(), groups.get(""))]
        levels = list(self._levels(self._mount("memory"), groups.get("memory")))
        found += [self._memory_1(level, own=level == levels[0]) for level in levels]
        return [one for one in found if one is not None]

    def cpu(self) -> list[CpuQuota]:
        """The bounds on CPU time, the process' own group first in each hierarchy."""
        groups = self._groups()
        found = [self._cpu_2(level) for level in self._levels(self._unified(), groups.get(""))]
        mount = self._mount("cpu")
        found += [self._cpu_1(level, mount) for level in self._levels(mount, groups.get("cpu"))]
        return [one for one in found if one is not None]

    def _groups(self) -> dict[str, str]:
        """The process' group by controller; version 2 is the controller ""."""
        listed = self._read(self._proc / "self/cgroup", _memberships)
        return listed or {}

    def _unified(self) -> Path:
        whole = (self._root / "cgroup.controllers").exists()
        return self._root if whole else self._root / "unified"

    def _mount(self, controller: str) -> Path:
        for name in (controller, "cpu,cpuacct", "cpuacct,cpu"):
            if controller in name.split(",") and (self._root / name).is_dir():
                return self._root / name
        return self._root / controller

    def _levels(self, mount: Path, group: str | None) -> Iterator[Path]:
        """The folders from the process' group up to the mounted root.

        A container may see its own group as the root while its path is told from the host's: then
        the longest end of the path that is there is meant.
        """
        if group is None or not mount.is_dir():
            return
        parts = [part for part in group.split("/") if part]
        if ".." in parts:  # outside of what this namespace may see
            parts = []
        while parts and not mount.joinpath(*parts).is_dir():
            parts = parts[1:]
        for count in range(len(parts), -1, -1):
            yield mount.joinpath(*parts[:count])

    def _memory_2(self, level: Path) -> MemoryUse | None:
        limits = (
            self._read(level / name, _number_or_max) for name in ("memory.max", "memory.high")
        )
        return self._memory_use(level, limits, "memory.current", "inactive_file")

    def _memory_1(self, level: Path, *, own: bool) -> MemoryUse | None:
        limits = [self._read(level / "memory.limit_in_bytes", int)]
        if own:  # tells of groups above that a container cannot see
            limits.append(self._table(level / "memory.stat").get("hierarchical_memory_limit"))
        return self._memory_use(level, limits, "memory.usage_in_bytes", "total_inactive_file")

    def _memory_use(
        self, level: Path, limits: Iterator[int | None] | list[int | None], used: str, cache: str
    ) -> MemoryUse | None:
        """Its working set: what is used without file cache that was not touched for a while.

        Source: "container_memory_working_set_bytes" of cAdvisor, by which Kubernetes evicts.
        """
        known = [limit for limit in limits if limit is not None and 0 < limit < NO_LIMIT_FROM]
        if not known:
            return None
        usage = self._read(level / used, int)
        if usage is None:
            return None
        idle = self._table(level / "memory.stat").get(cache, 0)
        name = self._name(level)
        return MemoryUse(name=name, limit_bytes=min(known), used_bytes=max(0, usage - idle))

    def _cpu_2(self, level: Path) -> CpuQuota | None:
        cores = self._read(level / "cpu.max", _cores_of_quota)
        used_us = self._table(level / "cpu.stat").get("usage_usec") if cores else None
        return self._quota(level, cores, None if used_us is None else used_us * _US)

    def _cpu_1(self, level: Path, mount: Path) -> CpuQuota | None:
        quota = self._read(level / "cpu.cfs_quota_us", int)
        period = self._read(level / "cpu.cfs_period_us", int)
        if not quota or not period or quota < 0 or period < 0:
            return None
        counted = level  # or, where the two controllers are apart, the group of the same name
        if not (level / "cpuacct.usage").exists():
            counted = self._mount("cpuacct") / level.relative_to(mount)
        used_ns = self._read(counted / "cpuacct.usage", int)
        return self._quota(level, quota / period, None if used_ns is None else used_ns * _NS)

    def _quota(self, level: Path, cores: float | None, used_s: float | None) -> CpuQuota | None:
        if cores is None or cores <= 0:
            return None
        return CpuQuota(name=self._name(level), cores=cores, used_s=used_s)

    def _name(self, level: Path) -> str:
        return f"control group {level.relative_to(self._root)}"

    def _table(self, path: Path) -> Mapping[str, int]:
        return self._read(path, _numbers_by_name) or {}

    def _read(self, path: Path, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(path.read_text(encoding="utf-8", errors="replace"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, ArithmeticError) as error:
            if path not in self._told:
                self._told.add(path)
                _log.warning(
                    "A file of the control groups is left out",
                    path=str(path),
                    reason=f"{type(error).__name__}: {error}",
                )
            return None


def _memberships(text: str) -> dict[str, str]:
    """Lines such as ``4:memory:/group`` and ``0::/group``. Raises ``ValueError``."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, group = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), group))
    return found


def _number_or_max(text: str) -> int:
    """A number of bytes, or "max". Raises ``ValueError``."""
    return NO_LIMIT_FROM if text.strip() == "max" else int(text)


def _cores_of_quota(text: str) -> float | None:
    """Such as "150000 100000" or "max 100000", in microseconds. Raises ``ValueError`` and more."""
    quota, period = text.split()
    return None if quota == "max" else int(quota) / int(period)


def _numbers_by_name(text: str) -> dict[str, int]:
    """Lines such as ``inactive_file 4096``. Raises ``ValueError``."""
    return {name: int(number) for name, number in (line.split() for line in text.splitlines())}
