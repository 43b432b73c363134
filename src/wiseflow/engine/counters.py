"""Counters of the system turned into rates. psutil is loaded with this module, and only here."""

from __future__ import annotations

import math
import os
from pathlib import Path

import psutil

Refused = (OSError, NotImplementedError, RuntimeError, psutil.Error)
"""What a counter raises that this system does not have, or does not show to this process."""

# CPU time is counted in ticks of 10 ms: over less than ten of them a share is mostly chance.
LEAST_SPAN_S = 0.1
_NOT_BUSY = frozenset({"idle", "iowait", "guest", "guest_nice"})  # guests are in user and nice
_BYTES_PER_MEGABIT = 1_000_000 / 8


class Rates:
    """Turns numbers that only grow into rates."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float, float]] = {}  # total, moment, rate

    def per_s(self, name: str, total: float, now: float) -> float:
        """How fast a number grew since the last call for it; 0 at the first.

        Asked again within ``LEAST_SPAN_S``, it gives what it gave before.

        Args:
            name: of the number.
            total: what it is.
            now: in seconds of a monotonic clock.
        """
        before, at, rate = self._last.get(name, (total, -math.inf, 0.0))
        if now - at >= LEAST_SPAN_S:
            rate = max(0.0, total - before) / (now - at)  # a counter may begin anew
            self._last[name] = (total, now, rate)
        return rate


class Counters:
    """What the system counts. Each method raises one of ``Refused`` where it does not.

    Args:
        rates: where the last values are kept.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    def busy_cores(self, now: float) -> float:
        """How many of the cores this process may be put on are busy, with anybody's work."""
        counted = psutil.cpu_times(percpu=True)
        cores = affinity()
        if max(cores) >= len(counted):  # some cores are off: numbers and places do not agree
            cores = set(range(len(counted)))
        busy_s = sum(
            spent_s
            for core in cores
            for state, spent_s in counted[core]._asdict().items()
            if state not in _NOT_BUSY
        )
        return min(self._rates.per_s("cpu", busy_s, now), float(len(cores)))

    def own_cores(self, now: float) -> float:
        """How many cores this process and its children keep busy."""
        own = psutil.Process()
        total_s = _with_ended_s(own)
        for child in own.children(recursive=True):
            try:
                total_s += _with_ended_s(child)
            except psutil.Error:  # it ended between the look at the tree and this one
                continue
        return self._rates.per_s("own", total_s, now)

    def disk(self, now: float) -> tuple[float, float]:
        """Bytes a second on all disks, and the share of time, 0 to 1, the busiest had work."""
        total = psutil.disk_io_counters()
        if total is None:
            raise OSError("no disk is counted")
        busy = [  # macOS and Windows do not count the time
            self._rates.per_s(f"busy {name}", getattr(disk, "busy_time", 0) / 1000, now)
            for name, disk in psutil.disk_io_counters(perdisk=True).items()
        ]
        bytes_per_s = self._rates.per_s("disk", total.read_bytes + total.write_bytes, now)
        return bytes_per_s, min(1.0, max(busy, default=0.0))

    def network(self, now: float) -> tuple[float, float]:
        """Bytes a second on all links, and the share of its speed, 0 to 1, the busiest carries.

        Speed is of one direction. What the machine sends to itself is left out.
        """
        links = psutil.net_io_counters(pernic=True)
        if not links:
            raise OSError("no network link is counted")
        states = psutil.net_if_stats()
        total, busiest = 0.0, 0.0
        for name, link in links.items():
            if name in {"lo", "lo0"} or name.startswith("Loopback"):
                continue
            sent = self._rates.per_s(f"sent {name}", link.bytes_sent, now)
            received = self._rates.per_s(f"received {name}", link.bytes_recv, now)
            total += sent + received
            speed = states[name].speed * _BYTES_PER_MEGABIT if name in states else 0
            if speed > 0:  # many virtual links tell none
                busiest = max(busiest, max(sent, received) / speed)
        return total, min(1.0, busiest)


def machine_memory() -> tuple[int, int]:
    """The machine's bytes of memory, and how many of them cannot be had without swapping."""
    memory = psutil.virtual_memory()
    return memory.total, memory.total - memory.available


def free_bytes(folder: Path) -> int:
    """What is free on the disk of a folder, which need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return psutil.disk_usage(str(folder)).free


def affinity() -> set[int]:
    """The cores this process may be put on."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _with_ended_s(process: psutil.Process) -> float:
    """CPU seconds of a process and of those of its children that have ended."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system
