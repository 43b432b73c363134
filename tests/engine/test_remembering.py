"""What was learnt of tasks outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from wiseflow.core.clock import SystemClock
from wiseflow.core.errors import StorageError
from wiseflow.engine.remembering import SAVE_EVERY_S, remembered


class Kept:
    """A store in memory, which may refuse."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.saves = 0
        self.refuses = False

    async def load(self) -> dict[str, str]:
        if self.refuses:
            raise StorageError("the disk refuses")
        return dict(self.rows)

    async def save(self, learned: Mapping[str, str]) -> None:
        if self.refuses:
            raise StorageError("the disk refuses")
        self.saves += 1
        self.rows |= learned


class OneTick(SystemClock):
    """Its first sleep is over at once, the next lasts."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await super().sleep(0.0 if len(self.asked) == 1 else 3600.0)


async def test_what_one_process_learns_the_next_one_knows():
    store = Kept()
    async with remembered(store, SystemClock()) as predictor:
        for _ in range(20):
            predictor.observe("read", duration_s=0.25)

    async with remembered(store, SystemClock()) as predictor:
        estimate = predictor.estimate("read")

    assert estimate is not None
    assert 0.2 < estimate.expected_s < 0.3
    assert store.saves == 1  # the second learnt nothing, so it kept nothing


async def test_what_is_learnt_is_kept_now_and_then():
    store, clock = Kept(), OneTick()
    async with remembered(store, clock) as predictor:
        for _ in range(20):
            predictor.observe("read", duration_s=0.25)
        while not store.saves:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)

    assert "read" in store.rows
    assert clock.asked[0] == SAVE_EVERY_S


async def test_a_store_that_refuses_stops_nothing(caplog):
    store = Kept()
    store.refuses = True
    async with remembered(store, SystemClock()) as predictor:
        predictor.observe("read", duration_s=0.25)

    told = [record.getMessage() for record in caplog.records]
    assert any("cannot be read" in line for line in told)
    assert any("cannot be kept" in line for line in told)
