"""Simulated time: seconds that may be shorter, or longer, than those of the wall."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from wiseflow.core.errors import InvalidInput


class ScaledClock:
    """Counts simulated seconds from its start, and sleeps them.

    Args:
        scale: how many real seconds a simulated one takes: at 0.1 ten minutes are proven in one.
        monotonic: real seconds since an arbitrary point.

    Raises:
        InvalidInput: the scale is not a number above 0.
    """

    def __init__(
        self, scale: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if not 0 < scale < math.inf:
            raise InvalidInput(f"{scale:g} is no time scale", cure="Give a number above 0")
        self.scale = scale
        self._monotonic = monotonic
        self._start = monotonic()

    def elapsed(self) -> float:
        """Simulated seconds since the start."""
        return (self._monotonic() - self._start) / self.scale

    def real(self, seconds: float) -> float:
        """How many real seconds so many simulated ones take: what goes into answers' headers."""
        return seconds * self.scale

    async def sleep(self, seconds: float) -> None:
        """Return after so many simulated seconds."""
        if seconds > 0:
            await asyncio.sleep(seconds * self.scale)
