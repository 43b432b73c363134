"""What all instances come to, read when somebody asks: not often, and not for long.

However many ask, the database is read once at a time, and no more than a twentieth of the time: a
large history makes the numbers older, never the database slower.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from wiseflow.core.clock import Clock
from wiseflow.core.errors import WiseflowError
from wiseflow.core.figures import FiguresReader, JobFigures
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

FRESH_S: Final = 1.0
LONGEST_S: Final = 2.0
# So many times as long as reading took, what was read is told again.
REST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read.

    Args:
        figures: of all instances; ``None`` when the database did not answer in time.
        took_s: how long it took to read, or to give up.
        until: it is told until then, in monotonic seconds.
    """

    figures: JobFigures | None = None
    took_s: float = 0.0
    until: float = float("-inf")


class Truth:
    """Reads figures for all who ask.

    Args:
        reader: where they are.
        clock: the time.
    """

    def __init__(self, reader: FiguresReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._turn = asyncio.Lock()
        self._read = Read()

    async def read(self) -> Read:
        """What was read not long ago, or now; it raises nothing."""
        async with self._turn:
            if self._clock.monotonic() >= self._read.until:
                self._read = await self._anew(was_there=self._read.figures is not None)
            return self._read

    async def _anew(self, *, was_there: bool) -> Read:
        begun = self._clock.monotonic()
        figures: JobFigures | None = None
        try:
            async with asyncio.timeout(LONGEST_S):
                figures = await self._reader.figures()
        except (WiseflowError, TimeoutError) as error:
            if was_there:  # once, not at each scrape
                _log.warning("The database does not tell what metrics ask", error=str(error))
        now = self._clock.monotonic()
        took_s = now - begun
        return Read(figures=figures, took_s=took_s, until=now + max(FRESH_S, REST * took_s))
