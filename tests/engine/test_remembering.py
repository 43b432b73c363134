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
        self.broken = False  # the next save fails as nobody foresaw

    async def load(self) -> dict[str, str]:
        if self.refuses:
            raise StorageError("the disk refuses")
        return dict(self.rows)

    async def save(self, learned: Mapping[str, str]) -> None:
        if self.refuses:
            raise StorageError("the disk refuses")
        if self.broken:
            self.broken = False
            raise KeyError("a mistake in the store")
        self.saves += 1
        self.rows |= learned


class Ticks(SystemClock):
    """Its first sleeps are over at once, the next lasts."""

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await super().sleep(0.0 if len(self.asked) <= self.ticks else 3600.0)


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
    store, clock = Kept(), Ticks(1)
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


async def test_a_save_that_fails_as_nobody_foresaw_is_told_and_tried_again(caplog):
    store = Kept()
    store.broken = True
    async with asyncio.timeout(30.0), remembered(store, Ticks(2)) as predictor:
        predictor.observe("read", duration_s=0.25)
        while not store.saves:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)

    (told,) = [record for record in caplog.records if "cannot be kept" in record.getMessage()]
    assert told.levelname == "ERROR"
    assert told.exc_info is not None
    assert isinstance(told.exc_info[1], KeyError)
    assert "read" in store.rows
