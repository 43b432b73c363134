"""Kills tickers while they take turns: each due time makes one research, whoever dies when.

Several processes look at the schedules without a pause. Again and again all schedules are due, and
meanwhile processes are killed at random moments and started anew.

    python proofs/schedules_once.py --rounds 20 --kills 100 --seed 1 [--url postgresql://…]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter

from sqlalchemy import func, select, update

from wiseflow.core.jobs import JobRequest
from wiseflow.core.schedules import Overlap, Schedule, ScheduleSpec
from wiseflow.jobs.scheduling import ScheduleTick
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedule_tables import schedules as table
from wiseflow.storage.sql.schedules import SqlScheduleStore
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.tables import jobs

PAST = 1_700_000_000.0
ROUND_S = 60.0
SCHEDULES = 25


async def asked(_schedule: Schedule) -> JobRequest:
    """The research of every schedule."""
    return JobRequest(kind="research", payload={})


async def tick_on(url: str) -> None:
    """Look at the schedules until killed."""
    database = await open_database(url)
    tick = ScheduleTick(store=SqlScheduleStore(database, SqlJobQueue(database)), request=asked)
    while True:
        await tick()


class Tickers:
    """Processes that look at the schedules of a database."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._count = count
        self._running: list[asyncio.subprocess.Process] = []

    async def fill(self) -> None:
        """Have as many as there should be."""
        while len(self._running) < self._count:
            self._running.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, __file__, "--tick", "--url", self._url
                )
            )

    async def kill_one(self, chance: random.Random) -> None:
        """Kill one, wherever it is, and start another."""
        process = self._running.pop(chance.randrange(len(self._running)))
        process.kill()
        await process.wait()
        await self.fill()

    async def end(self) -> None:
        """Kill all."""
        for process in self._running:
            process.kill()
        for process in self._running:
            await process.wait()


async def prove(url: str, *, count: int, rounds: int, kills: int, seed: int) -> Counter[str]:
    """How many due times there were, how many researches they made, how often one was killed."""
    chance = random.Random(seed)
    database = await open_database(url)
    store = SqlScheduleStore(database, SqlJobQueue(database))
    for number in range(SCHEDULES):
        spec = ScheduleSpec(name=str(number), cron="@yearly", topic="t", overlap=Overlap.RUN)
        await store.add(spec, tenant="", submitter="", next_at=None)
    tickers, done = Tickers(url, count), Counter[str]()
    await tickers.fill()
    try:
        for number in range(rounds):
            await _make_due(database, PAST + number)
            left = kills // rounds
            async with asyncio.timeout(ROUND_S):
                while await _due(database) or left:
                    await asyncio.sleep(chance.random() * 0.05)
                    if left:
                        await tickers.kill_one(chance)
                        left, done["kills"] = left - 1, done["kills"] + 1
    finally:
        await tickers.end()
    done["due"] = rounds * SCHEDULES
    done["researches"], done["keys"] = await _made(database)
    await database.close()
    return done


async def _make_due(database: Database, due: float) -> None:
    async def unit(connection: Connection) -> None:
        await connection.execute(update(table).values(next_at=due))

    await database.write(unit)


async def _due(database: Database) -> int:
    async def unit(connection: Connection) -> int:
        late = select(func.count()).where(table.c.next_at < PAST + 1_000_000)
        return int(await connection.scalar(late))

    return await database.read(unit)


async def _made(database: Database) -> tuple[int, int]:
    async def unit(connection: Connection) -> tuple[int, int]:
        keys = list(await connection.scalars(select(jobs.c.idempotency_key)))
        return len(keys), len(set(keys))

    return await database.read(unit)


def main() -> int:
    """Print the counts; 1 when a due time made none or several."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--tickers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tick", action="store_true", help="be one of those that look")
    given = parser.parse_args()
    if given.tick:
        asyncio.run(tick_on(given.url))
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{folder}/wiseflow.db"
        begun = time.monotonic()
        counts = {"rounds": given.rounds, "kills": given.kills, "seed": given.seed}
        done = asyncio.run(prove(url, count=given.tickers, **counts))
    print(dict(done), f"{time.monotonic() - begun:.1f} s")
    return int(not done["due"] == done["researches"] == done["keys"])


if __name__ == "__main__":
    sys.exit(main())
