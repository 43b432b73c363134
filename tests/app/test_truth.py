"""What all instances come to is read seldom, and never waited for long."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.app.metering.truth import FRESH_S, REST, Truth
from wiseflow.core.errors import StorageError
from wiseflow.core.figures import JobFigures


class HandClock:
    """Time that goes on by hand."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def monotonic(self):
        return self.time

    async def sleep(self, seconds):
        self.time += seconds


class Reader:
    """A database that takes some time, or fails."""

    def __init__(self, clock):
        self.clock = clock
        self.reads = 0
        self.takes_s = 0.0
        self.error = None

    async def figures(self):
        self.reads += 1
        await asyncio.sleep(0)
        self.clock.time += self.takes_s
        if self.error:
            raise self.error
        return JobFigures(erased={"research": self.reads})


async def seen(truth):
    """Which read it is that is told."""
    figures = (await truth.read()).figures
    assert figures is not None
    return figures.submitted("research")


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def reader(clock):
    return Reader(clock)


async def test_many_who_ask_at_once_are_one_read(clock, reader):
    truth = Truth(reader, clock)

    told = await asyncio.gather(*(seen(truth) for _ in range(50)))

    assert reader.reads == 1
    assert set(told) == {1}


async def test_it_is_read_anew_when_it_is_old(clock, reader):
    truth = Truth(reader, clock)
    await truth.read()
    clock.time += FRESH_S

    assert await seen(truth) == 2


async def test_what_takes_long_to_read_is_read_seldom(clock, reader):
    truth = Truth(reader, clock)
    reader.takes_s = 0.5
    await truth.read()

    clock.time += REST * 0.5 - 0.01
    await truth.read()
    assert reader.reads == 1
    clock.time += 0.02
    await truth.read()
    assert reader.reads == 2


async def test_a_database_that_fails_tells_nothing_rather_than_what_was(clock, reader):
    truth = Truth(reader, clock)
    await truth.read()
    reader.error = StorageError("it is gone")
    clock.time += FRESH_S

    assert (await truth.read()).figures is None

    reader.error = None
    clock.time += FRESH_S
    assert (await truth.read()).figures is not None
