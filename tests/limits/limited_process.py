"""A process that sends as fast as shared limits allow, and writes down when: arguments are the
store's kind and address, the holder, the log's path, and for how many seconds."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.limits import Allowance, Dimension, LimitKey, Need
from wiseflow.limits.door import Limiter
from wiseflow.storage.redis.limits import RedisLimitStore
from wiseflow.storage.sql.limits import SqlLimitStore
from wiseflow.storage.sql.schema import open_database

KEY = LimitKey(provider="p", account="a", model="m")
LIMIT, WINDOW_S = 40, 2.0
TOLD = (Allowance(dimension=Dimension.REQUESTS, limit=LIMIT, window_s=WINDOW_S),)


async def run(store, holder: str, log: Path, seconds: float):
    limiter = Limiter(clock=SystemClock(), store=store, holder=holder)
    end = time.monotonic() + seconds

    async def worker():
        while time.monotonic() < end:
            async with limiter.admitted(
                KEY, Need(), priority=TaskPriority.NORMAL, run="r", deadline=None
            ) as ticket:
                with log.open("a") as lines:
                    lines.write(f"{time.time()}\n")
                await asyncio.sleep(0.02)
                ticket.settle(Need(), TOLD)

    async with asyncio.timeout(2 * seconds):
        async with limiter.admitted(
            KEY, Need(), priority=TaskPriority.NORMAL, run="r", deadline=None
        ) as ticket:
            ticket.settle(Need(), TOLD)
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(worker())


async def main(kind: str, address: str, holder: str, log: str, seconds: str):
    if kind == "redis":
        store = RedisLimitStore(address)
        await run(store, holder, Path(log), float(seconds))
        await store.close()
        return
    async with await open_database(address) as database:
        await run(SqlLimitStore(database), holder, Path(log), float(seconds))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
