"""Turns: how many may be inside at once, and who is next."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from wiseflow.core.errors import WiseflowError

_begun: ContextVar[int] = ContextVar("begun", default=0)
_beginnings = itertools.count(1)

_Waiter = tuple[int, int, "asyncio.Future[int]"]  # when its work began, its arrival, its turn
HOMELESS = -1
KEPT_HOMES = 10_000


@contextmanager
def in_order_of_beginning() -> Generator[None]:
    """Have the callers inside take their turns as those of one piece of work that begins now.

    Served call by call, many equal pieces of work go in step: all come to their ends, where few
    calls are made, at the same time. Served in the order they began, the oldest end first while
    the younger ones fill the gaps.
    """
    token = _begun.set(next(_beginnings))
    try:
        yield
    finally:
        _begun.reset(token)


def begun() -> int:
    """When the piece of work that asks began, as a number that grows; 0 outside of any."""
    return _begun.get()


class Turns:
    """Lets at most ``limit`` callers in, each at a place of its own; the others wait.

    Places are numbered from 0. A piece of work (see ``in_order_of_beginning``) is at home where it
    was last, as what was kept there from its calls before may serve it again. A place that comes
    free takes who is at home there, else work that is new, else who is at home elsewhere; of each
    kind the work that began first, and of that who came first.

    Unlike a semaphore its limit can change while callers wait, and its queue is bounded.

    Args:
        limit: how many may be inside at once, at least 1.
        max_waiting: how many may wait.
        refusal: gives the error for a caller that finds the queue full.
        prefer: gives the best of several free places, the one used last being the last of them, for
            work whose home is the other argument, or ``None``.
    """

    def __init__(
        self,
        limit: int,
        *,
        max_waiting: int,
        refusal: WiseflowError,
        prefer: Callable[[Sequence[int], int | None], int] | None = None,
    ) -> None:
        self.limit = limit
        self._prefer = prefer or _home_or_last_used
        self._max_waiting = max_waiting
        self._refusal = refusal
        self._inside: set[int] = set()
        # The place that was used last is on top.
        self._free = list(reversed(range(limit)))
        self._homes: OrderedDict[int, int] = OrderedDict()
        # Heaps by home. One who gave up stays until it comes up, or such are the most.
        self._queues: dict[int, list[_Waiter]] = {HOMELESS: []}
        self._arrivals = itertools.count()
        self._waiting = 0
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
        room = self._free and self.inside < self.limit
        place = self.take_free() if room else await self._wait()
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

    def take_free(self, wanted: int | None = None) -> int:
        """A free place, to be given back: the one wanted, or the one preferred."""
        known = wanted is not None and wanted in self._free
        place = wanted if known else self._prefer(self._free, self.home(_begun.get()))
        assert place is not None
        self._free.remove(place)
        self._enter(place, _begun.get())
        return place

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
        for queue in self._queues.values():
            for _, _, turn in queue:
                if not turn.done():
                    self._waiting -= 1
                    turn.set_exception(error)
            queue.clear()

    async def empty(self) -> None:
        """Return when nobody is inside."""
        await self._empty.wait()

    async def _wait(self) -> int:
        if self._waiting >= self._max_waiting:
            raise self._refusal
        work = _begun.get()
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(self._homes.get(work, HOMELESS), [])
        heapq.heappush(queue, (work, next(self._arrivals), turn))
        self._waiting += 1
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting -= 1
                self._forget_those_who_gave_up()
            elif turn.exception() is None:
                self.give_back(turn.result())  # it came together with the cancellation: pass it on
            raise

    def _enter(self, place: int, work: int) -> None:
        self._inside.add(place)
        self._empty.clear()
        if work:
            self._homes[work] = place
            self._homes.move_to_end(work)
            if len(self._homes) > KEPT_HOMES:
                self._homes.popitem(last=False)

    def _admit(self) -> None:
        while self._free and len(self._inside) < self.limit:
            home = self._next_home(self._free[-1])
            if home is None:
                return
            work, _, turn = heapq.heappop(self._queues[home])
            place = self._free.pop()
            self._waiting -= 1
            self._enter(place, work)
            turn.set_result(place)

    def _next_home(self, place: int) -> int | None:
        """The queue that the next for a free place is taken from; ``None``: nobody waits."""
        heads = {home: head for home in self._queues if (head := self._head(home))}
        for home in (place, HOMELESS):
            if home in heads:
                return home
        return min(heads, key=lambda home: heads[home][:2], default=None)

    def _head(self, home: int) -> _Waiter | None:
        queue = self._queues[home]
        while queue and queue[0][2].done():
            heapq.heappop(queue)
        return queue[0] if queue else None

    def _forget_those_who_gave_up(self) -> None:
        if sum(map(len, self._queues.values())) > 2 * self._waiting:
            for queue in self._queues.values():
                queue[:] = [waiter for waiter in queue if not waiter[2].done()]
                heapq.heapify(queue)


def _home_or_last_used(free: Sequence[int], home: int | None) -> int:
    return home if home is not None and home in free else free[-1]
