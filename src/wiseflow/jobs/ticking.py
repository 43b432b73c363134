"""What an instance looks after from time to time, beside its jobs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from wiseflow.core.clock import Clock
from wiseflow.core.errors import WiseflowError
from wiseflow.observability.logs import get_logger

# Instances do not all ask the database in the same instant.
SPREAD_S = 2.0

_log = get_logger(__name__)


class Tick(Protocol):
    """Something to look after."""

    @property
    def name(self) -> str:
        """What it is, for the log."""
        ...

    @property
    def every_s(self) -> float:
        """Seconds from one look to the next."""
        ...

    async def __call__(self) -> None:
        """Look after it once. Raises ``WiseflowError``."""
        ...


async def keep_ticking(ticks: Sequence[Tick], *, clock: Clock, stop: asyncio.Event) -> None:
    """Look after things until ``stop`` is set; a look that fails is logged, and tried again.

    Args:
        ticks: what to look after; each is looked after at the beginning, too.
        clock: tells which second of the minute it is: what is looked after each minute is so right
            after the minute begins, when most schedules are due.
        stop: ends it; a look that is under way is ended first.
    """
    async with asyncio.TaskGroup() as group:
        for tick in ticks:
            group.create_task(_keep(tick, clock, stop), name=f"looking after {tick.name}")


def wait_s(every_s: float, now: float, spread: float) -> float:
    """How long to wait for the next look: until the next whole multiple of its time, and a bit.

    Args:
        every_s: seconds from one look to the next.
        now: seconds since the epoch.
        spread: 0 to 1, another for each look.
    """
    return every_s - now % every_s + spread * min(SPREAD_S, every_s / 10)


async def _keep(tick: Tick, clock: Clock, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await tick()
        except WiseflowError as error:
            _log.warning(
                "Something could not be looked after now", what=tick.name, error=str(error)
            )
        seconds = wait_s(tick.every_s, clock.now(), random.random())  # noqa: S311 - no secret
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
