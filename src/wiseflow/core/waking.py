"""What wakes a worker when there may be work, so that it need not look all the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Look = Callable[[], Awaitable[None]]


class WakeUps(Protocol):
    """Brings the word that jobs came to those who run them.

    A wake-up tells nothing but that it is time to look: the jobs are the truth, and a worker that
    looks now and then by itself finds those whose wake-up was lost.
    """

    async def deliver(self, look: Look) -> None:
        """Call ``look`` whenever jobs may have come, until cancelled; raises nothing else.

        Args:
            look: looks for work, and returns once it did so with a place free.
        """
        ...
