"""A clock that goes on by itself, and providers that keep limits of each kind."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from wiseflow.core.clock import SystemClock
from wiseflow.core.errors import RateLimited
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.core.ports import LimitStore
from wiseflow.limits.memory import MemoryLimitStore
from wiseflow.storage.redis.limits import RedisLimitStore
from wiseflow.storage.sql.limits import SqlLimitStore
from wiseflow.storage.sql.schema import open_database


@asynccontextmanager
async def opened(kind: str, address: str) -> AsyncGenerator[LimitStore]:
    """One of the four stores, empty."""
    if kind == "memory":
        yield MemoryLimitStore(SystemClock())
    elif kind == "redis":
        store = RedisLimitStore(address)
        await store._client.flushall()
        yield store
        await store.close()
    else:
        async with await open_database(address) as database:
            yield SqlLimitStore(database)


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redis"])
def store_address(request, tmp_path) -> Iterator[tuple[str, str]]:
    if request.param == "memory":
        yield "memory", ""
    elif request.param == "sqlite":
        yield "sqlite", f"sqlite:///{tmp_path}/limits.db"
    elif request.param == "redis":
        yield "redis", request.getfixturevalue("redis_url")
    else:
        server = request.getfixturevalue("server")
        url = server.create()
        yield "postgresql", url
        server.drop(url)


@pytest.fixture
async def store(store_address) -> AsyncIterator[LimitStore]:
    async with opened(*store_address) as store:
        yield store


class SimulatedClock:
    """Time that goes on to the next sleeper when nobody has anything else to do."""

    def __init__(self):
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._numbers), woken))
        await woken

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What ``work`` gives, time going on whenever it waits."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await settle()
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if self._sleepers and not task.done():
                self.time = max(self.time, self._sleepers[0][0])
                while self._sleepers and self._sleepers[0][0] <= self.time:
                    woken = heapq.heappop(self._sleepers)[2]
                    if not woken.done():
                        woken.set_result(None)
        return task.result()


async def settle():
    """Let everything that can go on do so."""
    for _ in range(12):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@dataclass
class Provider:
    """A provider's own accounting; it shares nothing with the limiter.

    Args:
        kind: ``fixed``, ``sliding`` or ``bucket``; "" has no limit.
        limit: requests in a window of ``window_s``.
        headers: whether its answers tell limit, remaining and reset.
        retry_after: whether its refusals tell when to come again.
        fixed_from: when a fixed window of it begins.
    """

    clock: SimulatedClock
    kind: str = ""
    limit: int = 60
    window_s: float = 60.0
    headers: bool = False
    retry_after: bool = True
    latency_s: float = 1.3
    network_s: float = 0.004
    fixed_from: float = 0.0
    refusals: int = 0
    accepted: list[float] = field(default_factory=list)
    _log: deque[float] = field(default_factory=deque)
    _tokens: float | None = None
    _filled_at: float = 0.0

    async def call(self) -> tuple[Allowance, ...]:
        """What the headers of an answer tell. Raises ``RateLimited``."""
        await self.clock.sleep(self.network_s / 2)
        wait_s = self._refuse_for()
        allowances = self._headers()
        if wait_s is not None:
            self.refusals += 1
            await self.clock.sleep(self.network_s / 2)
            raise RateLimited(
                "429", retry_after_s=wait_s if self.retry_after else None, allowances=allowances
            )
        self.accepted.append(self.clock.time)
        await self.clock.sleep(self.latency_s + self.network_s / 2)
        return allowances

    def _refuse_for(self) -> float | None:
        now = self.clock.time
        if not self.kind:
            return None
        if self.kind == "bucket":
            return self._bucket(now)
        begins = now - self.window_s
        if self.kind == "fixed":
            begins = now - (now - self.fixed_from) % self.window_s
        while self._log and self._log[0] <= begins - (self.kind == "fixed") * 1e-9:
            self._log.popleft()
        if len(self._log) >= self.limit:
            return (self._log[0] if self.kind == "sliding" else begins) + self.window_s - now
        self._log.append(now)
        return None

    def _bucket(self, now: float) -> float | None:
        if self._tokens is None:
            self._tokens, self._filled_at = float(self.limit), now
        rate = self.limit / self.window_s
        self._tokens = min(float(self.limit), self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1 - 1e-9:
            return (1 - self._tokens) / rate
        self._tokens -= 1
        return None

    def _headers(self) -> tuple[Allowance, ...]:
        if not self.headers:
            return ()
        now = self.clock.time
        if self.kind == "bucket":
            assert self._tokens is not None
            remaining, reset_s = (
                int(self._tokens),
                (self.limit - self._tokens) / (self.limit / self.window_s),
            )
        else:
            remaining = self.limit - len(self._log)
            oldest = self._log[0] if self._log else now
            begins = now - (now - self.fixed_from) % self.window_s
            reset_s = (oldest if self.kind == "sliding" else begins) + self.window_s - now
        return (
            Allowance(
                dimension=Dimension.REQUESTS,
                limit=self.limit,
                remaining=remaining,
                reset_s=reset_s,
                window_s=self.window_s,
            ),
        )

    def most_in_a_window(self) -> int:
        """The most that were accepted in any window of its length."""
        window: deque[float] = deque()
        most = 0
        for at in self.accepted:
            window.append(at)
            while window[0] <= at - self.window_s:
                window.popleft()
            most = max(most, len(window))
        return most
