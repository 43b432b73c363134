"""Watches the machine: readings at intervals, more often as memory gets scarce, judged as room."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from wiseflow.core.clock import Clock, SystemClock
from wiseflow.engine.machine import Machine, Reading
from wiseflow.engine.room import Need, ResourceLimits, Room, by_others, room, share_of
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

# The shortest waits. Memory is read in some 0.3 ms, so four times a second is a thousandth of a
# core; what is going on takes 2 to 3 ms, as each child process is looked at, hence once a second.
MEMORY_FLOOR_S = 0.25
CPU_FLOOR_S = 1.0
LOOK_FLOOR_S = 0.05  # between two looks at memory that the engine asks for
# The longest nap of the watch: so soon it heeds what a look has found, or changed limits.
NAP_S = 1.0
# Up to this share of a limit the full interval is kept; from there on it shrinks.
CALM_SHARE = 0.5


class SmartResourceManager:
    """Watches the machine and says what there is room for.

    Args:
        limits: what may be used, and how often to look.
        machine: what is read; nobody else may take rates from it.
        clock: tells time and sleeps.
    """

    def __init__(
        self,
        limits: ResourceLimits | None = None,
        *,
        machine: Machine | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._limits = limits or ResourceLimits()
        self._machine = machine or Machine()
        self._clock = clock or SystemClock()
        self._reading: Reading | None = None
        self._activity_at = -math.inf
        self._knows_rates = False  # they take two readings
        self._held = False

    @property
    def reading(self) -> Reading | None:
        """The last reading; ``None`` before the first."""
        return self._reading

    def change(self, limits: ResourceLimits) -> None:
        """Go by other limits, from the next look on."""
        self._limits = limits

    async def watch(
        self, tell: Callable[[Room], None], needs: Callable[[], Iterable[Need]] = tuple
    ) -> None:
        """Look at intervals, sooner under pressure, until cancelled.

        Args:
            tell: is told the room after each look.
            needs: what running tasks are predicted to take, asked at each look.
        """
        while True:
            now = self._clock.monotonic()
            memory, activity = now >= self._memory_due(), now >= self._activity_due()
            if memory or activity:
                tell(self._judge(self._read(now, memory=memory, activity=activity), needs()))
            due = min(self._memory_due(), self._activity_due())
            await self._clock.sleep(min(due - now, NAP_S))

    def look(self, needs: Iterable[Need] = ()) -> Room:
        """The room now, for work that is to be started now.

        Asked more often than each ``LOOK_FLOOR_S``, it judges by the reading it has, and keeps room
        for what was started since.

        Args:
            needs: what running tasks are predicted to take.
        """
        now = self._clock.monotonic()
        old = self._reading is None or now - self._reading.at >= LOOK_FLOOR_S
        idle = now - self._activity_at >= CPU_FLOOR_S
        return self._judge(self._read(now, memory=old, activity=idle), needs)

    def _read(self, now: float, *, memory: bool, activity: bool) -> Reading:
        if self._reading is None:
            self._reading = self._machine.read(now)
            self._activity_at = now
            return self._reading
        if memory:
            self._reading = replace(self._reading, at=now, memory=self._machine.memory())
        if activity:
            self._reading = replace(self._reading, activity=self._machine.activity(now))
            self._activity_at, self._knows_rates = now, True
        return self._reading

    def _judge(self, reading: Reading, needs: Iterable[Need]) -> Room:
        found = room(reading, self._limits, needs, held_before=self._held)
        if found.held and not self._held:
            _log.warning("Nothing new is started", reason=found.held)
        elif self._held and not found.held:
            _log.info("Work goes on", free_bytes=found.memory_bytes)
        self._held = bool(found.held)
        return found

    def _memory_due(self) -> float:
        """When the memory is to be read again; asked anew, as a look may have found it scarce."""
        if self._reading is None:
            return -math.inf
        if self._held:
            return self._reading.at + MEMORY_FLOOR_S
        use = max(map(share_of, self._reading.memory)) * 100 / self._limits.max_memory_percent
        return self._reading.at + next_look_s(use, self._limits.memory_interval_s, MEMORY_FLOOR_S)

    def _activity_due(self) -> float:
        """By what others use: own work may keep all cores busy for hours, and that is as meant."""
        if self._reading is None or not self._knows_rates:
            return self._activity_at + CPU_FLOOR_S
        activity, most = self._reading.activity, self._limits.max_cpu_percent / 100
        use = max(by_others(one, activity) / one.cores for one in activity.cpu) / most
        return self._activity_at + next_look_s(use, self._limits.cpu_interval_s, CPU_FLOOR_S)


def next_look_s(use: float, interval_s: float, floor_s: float) -> float:
    """When to look again: the nearer the limit, the sooner.

    It falls with the square of what is left, as what is left may be taken at once.

    Args:
        use: as a share of its limit; 1 is at the limit.
        interval_s: what is kept up to ``CALM_SHARE`` of the limit.
        floor_s: the least, which is kept at the limit and over it.
    """
    left = min(1.0, max(0.0, 1 - use) / (1 - CALM_SHARE))
    return max(floor_s, interval_s * left * left)
