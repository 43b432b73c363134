"""How long the tasks of a run may take together."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict

from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.engine.runner import Runner

# Runs whose time is over are remembered, so that they get no new tasks; so many of them.
MOST_EXPIRED = 10_000


class RunLimits:
    """Ends the tasks of runs that are over their time.

    Args:
        runner: of the engine.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._expired: OrderedDict[str, None] = OrderedDict()

    def limit(self, run: str, timeout_s: float | None) -> None:
        """Give a run so long from now on; ``None`` is no limit. Raises ``InvalidInput``."""
        if timeout_s is not None and not 0 < timeout_s < math.inf:
            raise InvalidInput(
                f"the time of the run {run!r} is {timeout_s:g} s",
                cure="Give seconds above 0, or None for no limit",
            )
        self._expired.pop(run, None)
        timer = self._timers.pop(run, None)
        if timer is not None:
            timer.cancel()
        if timeout_s is not None:
            loop = asyncio.get_running_loop()
            self._timers[run] = loop.call_later(timeout_s, self._expire, run)

    def check(self, run: str) -> None:
        """Raises ``Conflict`` when the run is over its time."""
        if run in self._expired:
            raise Conflict(
                f"the run {run!r} is over its time, so it takes on no tasks",
                cure="Give it more time by limit_run, or name another run",
            )

    def forget(self) -> None:
        """Forget all limits."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _expire(self, run: str) -> None:
        del self._timers[run]
        self._expired[run] = None
        if len(self._expired) > MOST_EXPIRED:
            self._expired.popitem(last=False)
        self._runner.act(self._runner.scheduler.expire_run(run, self._runner.time()))
