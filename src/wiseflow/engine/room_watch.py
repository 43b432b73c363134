"""Lets the engine start no more than the machine has room for."""

from __future__ import annotations

import asyncio
import math

from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.room import Need, Room
from wiseflow.engine.runner import Runner

# While tasks begin and end the memory is looked at this often: what they take shows at once.
LOOK_S = 0.25


class RoomWatch:
    """Carries what the resource manager finds to the scheduler.

    Args:
        resources: watches the machine.
        runner: whose scheduler is told.
    """

    def __init__(self, resources: SmartResourceManager, runner: Runner) -> None:
        self._resources = resources
        self._runner = runner
        self._watching: asyncio.Task[None] | None = None
        self._looked_at = -math.inf
        self._again: asyncio.TimerHandle | None = None
        self.room: Room | None = None

    async def stop(self) -> None:
        """Watch no more."""
        if self._again is not None:
            self._again.cancel()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def look(self) -> None:
        """Look now, unless that was just done; called when tasks come and end.

        The first look begins the watch: who has no tasks needs none.
        """
        if self._watching is None:
            watch = self._resources.watch(self._tell, self._needs)
            loop = asyncio.get_running_loop()
            self._watching = loop.create_task(watch, name="resources of the machine")
        now = self._runner.time()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._tell(self._resources.look(self._needs()))

    def _tell(self, room: Room) -> None:
        self.room = room
        admission = self._runner.scheduler.admission
        admission.hold(held=bool(room.held))
        admission.room(cores=room.cores, memory_bytes=room.memory_bytes)
        self._runner.act(self._runner.scheduler.room_changed(self._runner.time()))
        if admission.short_of_memory and self._again is None:
            self._again = asyncio.get_running_loop().call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self.look()

    def _needs(self) -> list[Need]:
        return [
            Need(memory_bytes=task.spec.memory_bytes, started_at=task.started_at)
            for task in self._runner.attempts.values()
            if task.spec.memory_bytes
        ]
