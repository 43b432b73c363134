"""Turns: how many may be inside at once, and whose work it is that asks."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from contextvars import ContextVar

from wiseflow.core.errors import WiseflowError
from wiseflow.core.holding import Holding

_begun: ContextVar[int] = ContextVar("begun", default=0)
_beginnings = itertools.count(1)

KEPT_HOMES = 10_000


def in_order_of_beginning() -> AbstractContextManager[None]:
    """Have the tasks made inside count as those of one piece of work that begins now.

    Served call by call, many equal pieces of work go in step: all come to their ends, where few
    calls are made, at the same time. Served in the order they began, the oldest end first while
    the younger ones fill the gaps.
    """
    return Holding(_begun, next(_beginnings))


def begun() -> int:
    """When the piece of work that asks began, as a number that grows; 0 outside of any."""
    return _begun.get()


class Turns:
    """Lets at most ``limit`` callers in, each at a place of its own; the others wait.

    Places are numbered from 0. A piece of work (see ``in_order_of_beginning``) is at home where it
    was last, as what was kept there from its calls before may serve it again. Those who wait are
    served as they came: which call is worth making next is decided before, by who makes it.

    Unlike a semaphore its limit can change while callers wait, and its queue is bounded.

    Args:
        limit: how many may be inside at once, at least 1.
        max_waiting: how many may wait.
        refusal: gives the error for a caller that finds the queue full.
        prefer: gives the best of some free places, the one used last being the last of them, for
            work whose home is the other argument, or ``None``.
    """

    def __init__(
        self,
        limit: int,
        *,
        max_waiting: int,
        refusal: WiseflowError,
        prefer: Callable[[Sequence[int], int | None], int],
    ) -> None:
        self.limit = limit
        self._prefer = prefer
        self._max_waiting = max_waiting
        self._refusal = refusal
        self._inside: set[int] = set()
        # The place that was used last is on top.
        self._free = list(reversed(range(limit)))
        self._homes: OrderedDict[int, int] = OrderedDict()
        # Their turns, with the work each belongs to.
        self._waiting: OrderedDict[asyncio.Future[int], int] = OrderedDict()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def inside(self) -> int:
        """How many are inside now."""
        return len(self._inside)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[int]:
        """The number of a place, for the time of the block.

        Raises:
            WiseflowError: the refusal, or what those who wait are sent away with.
        """
        place = self._entered(begun()) if self._room() else await self._wait()
        try:
            yield place
        finally:
            self.give_back(place)

    @property
    def free(self) -> list[int]:
        """The places where nobody is now."""
        return list(self._free)

    def home(self, work: int) -> int | None:
        """The place where a piece of work (see ``begun``) was last, or ``None``."""
        return self._homes.get(work)

    def take(self, place: int) -> None:
        """Take a free place, to be given back."""
        self._free.remove(place)
        self._inside.add(place)
        self._empty.clear()

    def give_back(self, place: int) -> None:
        """Make a place free for the next."""
        self._inside.discard(place)
        if place < self.limit:
            self._free.append(place)
        self._admit()
        if not self._inside:
            self._empty.set()

    def resize(self, limit: int) -> None:
        """Change how many may be inside; those inside stay."""
        self.limit = limit
        known = [place for place in self._free if place < limit]
        new = [place for place in range(limit) if place not in {*known, *self._inside}]
        self._free = [*reversed(new), *known]
        self._admit()

    def refuse_waiting(self, error: WiseflowError) -> None:
        """Send everyone who waits away with ``error``."""
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():
                turn.set_exception(error)

    async def empty(self) -> None:
        """Return when nobody is inside."""
        await self._empty.wait()

    def _room(self) -> bool:
        return bool(self._free) and self.inside < self.limit

    def _entered(self, work: int) -> int:
        """The place that is best for a piece of work, which is inside and at home there now."""
        place = self._prefer(self._free, self.home(work))
        self.take(place)
        if work:
            self._homes[work] = place
            self._homes.move_to_end(work)
            if len(self._homes) > KEPT_HOMES:
                self._homes.popitem(last=False)
        return place

    async def _wait(self) -> int:
        if len(self._waiting) >= self._max_waiting:
            raise self._refusal
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = begun()
        try:
            return await turn
        except asyncio.CancelledError:
            self._waiting.pop(turn, None)
            if not turn.cancelled() and turn.exception() is None:
                self.give_back(turn.result())  # it came together with the cancellation: pass it on
            raise

    def _admit(self) -> None:
        while self._waiting and self._room():
            turn, work = self._waiting.popitem(last=False)
            if not turn.done():  # else it was given up
                turn.set_result(self._entered(work))
