"""Talks to the store by which instances share limits; what to ask is decided by ``shares``."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from wiseflow.core.clock import Clock
from wiseflow.core.errors import InvalidInput, StorageError
from wiseflow.core.limits import Dimension, LimitKey
from wiseflow.core.ports import LimitStore
from wiseflow.limits.adaptive import MINUTE_S
from wiseflow.limits.limiter import LimitState
from wiseflow.limits.shares import Shares, Wish
from wiseflow.observability.logs import get_logger

# A store that failed is asked again after that time; nothing is sent meanwhile.
STORE_FAILED_S = 1.0

_log = get_logger(__name__)


class Lending:
    """What this instance borrows from the store, by one task at a time that ends by itself.

    Args:
        core: who waits.
        shares: what was lent.
        clock: of this instance; the store has its own.
        store: what instances share.
        holder: names this instance.
        went_on: is called after each step with the store.

    Raises:
        InvalidInput: no name was given.
    """

    def __init__(
        self,
        core: LimitState,
        shares: Shares,
        *,
        clock: Clock,
        store: LimitStore,
        holder: str,
        went_on: Callable[[], None],
    ) -> None:
        if not holder:
            raise InvalidInput(
                "limits are shared by instances, and this one has no name",
                cure="Give each instance a holder's name of its own",
            )
        self.shares = shares
        self._core = core
        self._clock = clock
        self._store = store
        self._holder = holder
        self._went_on = went_on
        self._task: asyncio.Task[None] | None = None
        self._pauses: dict[LimitKey, float] = {}
        self._found: dict[LimitKey, float] = {}
        self._blocked_until = -math.inf

    def tell(self, key: LimitKey, *, paused_s: float, found: float | None) -> None:
        """Have the other instances wait, too, and know a limit that was found."""
        self._pauses[key] = max(paused_s, self._pauses.get(key, 0.0))
        if found is not None:
            self._found[key] = found

    def look(self, now: float) -> None:
        """Ask the store what is to be asked now, unless that is being done."""
        if self._task is None and self._due_at(now) <= now:
            # Owned here and ended by itself: callers come and go while it goes on for all of them.
            self._task = asyncio.get_running_loop().create_task(
                self._work(), name="shares of limits"
            )

    def wake_at(self, now: float) -> float:
        """When to look next, if nothing happens before; infinite for never."""
        return math.inf if self._task is not None else self._due_at(now)

    def _due_at(self, now: float) -> float:
        if self._pauses or self._found or self._wishes(now):
            return max(now, self._blocked_until)
        at = min(self.shares.returns_at(), self.shares.slots_at(list(self._core.lines())))
        return max(at, self._blocked_until)

    def _wishes(self, now: float) -> list[Wish]:
        wishes = (self.shares.wish(line, now) for line in self._core.lines())
        return [wish for wish in wishes if wish is not None]

    async def _work(self) -> None:
        try:
            while self._due_at(now := self._clock.monotonic()) <= now:
                await self._step(now)
                self._went_on()
        except StorageError as error:
            _log.warning("limits cannot be shared, so no calls are sent", error=str(error))
            self._blocked_until = self._clock.monotonic() + STORE_FAILED_S
        finally:
            self._task = None
        self._went_on()

    async def _step(self, now: float) -> None:
        """What others have to know first, then what is given back, then what is borrowed."""
        while self._pauses:
            key, seconds = self._pauses.popitem()
            await self._store.pause(key, seconds)
        while self._found:
            key, limit = self._found.popitem()
            await self._store.learn(key, Dimension.REQUESTS, limit)
        if returns := self.shares.returns(now):
            await self._store.give_back(returns, holder=self._holder)
        for ask in list(self.shares.slot_asks(list(self._core.lines()), now)):
            asked_at = self._clock.monotonic()
            self.shares.held(ask, await self._store.hold(ask, holder=self._holder), asked_at)
        for wish in self._wishes(self._clock.monotonic()):
            await self._borrow(wish)

    async def _borrow(self, wish: Wish) -> None:
        asked_at = self._clock.monotonic()
        leased = await self._store.lease(wish.asks, holder=self._holder)
        now = self._clock.monotonic()
        self.shares.granted(wish, leased, asked_at, now)
        for (key, dimension, window_s), used, learnt in zip(
            wish.names, leased.used, leased.learnt, strict=True
        ):
            if key == wish.line.key and (dimension, window_s) == (Dimension.REQUESTS, MINUTE_S):
                wish.line.limiters[key].hear_of_others(used, learnt, now)
