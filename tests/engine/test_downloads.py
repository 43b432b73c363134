"""Downloads: how many at once, how many bytes a second, and who is next."""

from __future__ import annotations

import asyncio
import heapq
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.engine.downloads import BURST_S, NAP_S, ByteBudget, Downloads

RATE = 1000.0
UNTIMED = settings(deadline=None)


class SimulatedClock:
    """Time that goes on to the next sleeper when nobody has anything else to do."""

    def __init__(self):
        self.time = 0.0
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

    async def run(self, work: asyncio.Task[object]) -> None:
        while not work.done():
            await settle()
            if self._sleepers and not work.done():
                self.time, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    woken.set_result(None)
        await work


async def settle():
    """Let everything that can go on do so."""
    for _ in range(12):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


# Bytes a second.


@UNTIMED
@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, int(RATE * BURST_S))), max_size=40),
    st.floats(RATE / 100, RATE),
)
def test_in_no_window_more_than_the_burst_and_the_rate_is_paid(arrivals, rate):
    """``arrivals``: how long after the one before, and how many bytes."""
    budget = ByteBudget(rate, 0.0)
    burst = rate * BURST_S
    now, paid = 0.0, []
    for pause, wanted in arrivals:
        now += pause
        count = min(wanted, int(burst))
        paid.append((now + budget.wait_s(budget.book(count, now), now), count))

    assert paid == sorted(paid, key=lambda one: one[0])  # in order
    for first in range(len(paid)):
        total = 0
        for moment, count in paid[first:]:
            total += count
            assert total <= burst + rate * (moment - paid[first][0]) + 0.01


@UNTIMED
@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5000)), min_size=1, max_size=30))
def test_while_bytes_wait_the_rate_is_used_in_full(arrivals):
    budget = ByteBudget(RATE, 0.0)
    now, ends = 0.0, 0.0
    for pause, count in arrivals:
        now += pause
        ends = max(ends, now) + count / RATE  # the same as virtual scheduling says it
        place = budget.book(count, now)

        assert budget.wait_s(place, now) == pytest.approx(max(0.0, ends - BURST_S - now), abs=1e-5)


@UNTIMED
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("book"), st.floats(0, 5), st.integers(0, 5000)),
            st.tuples(st.just("resize"), st.floats(0, 5), st.integers(1, 5000)),
        ),
        max_size=40,
    )
)
def test_whatever_the_rates_everything_is_paid_in_time(steps):
    budget = ByteBudget(RATE, 0.0)
    now, booked, rate, place = 0.0, 0, RATE, 0.0
    for what, pause, number in steps:
        now += pause
        if what == "book":
            place = budget.book(number, now)
            booked += number
        else:
            budget.resize(number, now)
            rate = number

    assert budget.wait_s(place, now) <= booked / rate + 1e-6
    assert budget.wait_s(place, now + booked / rate + 1e-6) == 0.0


def test_time_that_goes_back_pays_nothing():
    budget = ByteBudget(RATE, 100.0)
    place = budget.book(3000, 100.0)

    assert budget.wait_s(place, 50.0) == 2.0
    assert budget.wait_s(place, 101.0) == 1.0


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_lets_nothing_or_everything_through_is_refused(rate: float):
    with pytest.raises(InvalidInput, match="bytes a second"):
        ByteBudget(rate, 0.0)
    with pytest.raises(InvalidInput, match="bytes a second"):
        Downloads().resize(bytes_per_s=rate)


# Downloads.


async def test_one_rate_is_shared_by_all_and_nobody_starves(clock: SimulatedClock):
    downloads = Downloads(4, RATE, clock=clock)
    ends: dict[int, float] = {}
    came: list[tuple[float, int]] = []

    async def fetch(number: int, chunks: int):
        async with downloads.slot() as download:
            for _ in range(chunks):
                await download.took(100)
                came.append((clock.time, 100))
        ends[number] = clock.time

    async def fetch_all():
        async with asyncio.TaskGroup() as group:
            for number, chunks in enumerate([5, 50, 5, 50, 5]):
                group.create_task(fetch(number, chunks))

    await clock.run(asyncio.create_task(fetch_all()))

    assert clock.time == pytest.approx((115 * 100 - RATE) / RATE, abs=0.01)
    assert max(ends[0], ends[2]) < 2.0  # beside two that are ten times as long
    assert ends[4] < 4.0
    for at, _ in came:
        inside = sum(count for moment, count in came if at <= moment <= at + 1.0)
        assert inside <= RATE * BURST_S + RATE * 1.0 + 1


async def test_a_changed_rate_reaches_those_that_wait(clock: SimulatedClock):
    downloads = Downloads(1, RATE, clock=clock)

    async def fetch():
        async with downloads.slot() as download:
            await download.took(1_001_000)  # a thousand seconds' worth over the burst

    work = asyncio.create_task(fetch())
    await settle()
    downloads.resize(bytes_per_s=1_000_000)
    await clock.run(work)

    assert clock.time <= 1.0 + 2 * NAP_S


async def test_bytes_of_a_cancelled_download_stay_charged(clock: SimulatedClock):
    downloads = Downloads(2, RATE, clock=clock)

    async def fetch(count: int):
        async with downloads.slot() as download:
            await download.took(count)

    cancelled = asyncio.create_task(fetch(5000))
    await settle()
    cancelled.cancel()
    await settle()
    assert downloads.running == 0
    await clock.run(asyncio.create_task(fetch(1000)))

    assert clock.time == pytest.approx(5.0, abs=0.01)


async def test_a_negative_count_is_refused():
    async with Downloads().slot() as download:
        with pytest.raises(InvalidInput, match="-1 bytes"):
            await download.took(-1)
        await download.took(0)


# Slots.


class Held:
    """Downloads that stay until they are let go."""

    def __init__(self, downloads: Downloads):
        self._downloads = downloads
        self._gates: dict[int, asyncio.Event] = {}
        self.order: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def start(self, number: int):
        self._gates[number] = asyncio.Event()
        self.tasks[number] = asyncio.create_task(self._hold(number))

    async def _hold(self, number: int):
        async with self._downloads.slot():
            self.order.append(number)
            await self._gates[number].wait()

    def let_go(self, number: int):
        self._gates[number].set()

    async def close(self):
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@UNTIMED
@given(
    st.integers(1, 3),
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["cancel", "let_go"]), st.integers(0, 20)),
            st.tuples(st.just("resize"), st.integers(1, 4)),
            st.tuples(st.just("start"), st.just(0)),
            st.tuples(st.just("settle"), st.just(0)),
        ),
        max_size=50,
    ),
)
def test_in_any_order_of_events_slots_are_kept_and_given_first_come_first_served(limit, events):
    async def run():
        downloads = Downloads(limit)
        held = Held(downloads)
        most = limit
        for what, number in events:
            before = downloads.running
            if what == "start":
                await settle()  # one that was given its slot just now has noted that it is there
                held.start(len(held.tasks))
                await settle()
            elif what == "settle":
                await settle()
            elif what == "resize":
                downloads.resize(max_concurrent=number)
                most = number
            elif number in held.tasks:
                held.tasks[number].cancel() if what == "cancel" else held.let_go(number)
            assert downloads.running <= max(most, before)
        await settle()
        assert downloads.running >= min(most, downloads.running + downloads.waiting)
        assert held.order == sorted(held.order)
        await held.close()
        assert (downloads.running, downloads.waiting) == (0, 0)

    asyncio.run(run())


async def test_a_slot_that_comes_together_with_a_cancellation_is_passed_on():
    downloads = Downloads(1)
    held = Held(downloads)
    for number in range(3):
        held.start(number)
    await settle()

    downloads.resize(max_concurrent=2)  # gives the next its slot, before it can run
    held.tasks[1].cancel()
    await settle()

    assert held.order == [0, 2]
    assert (downloads.running, downloads.waiting) == (2, 0)
    await held.close()


async def test_so_many_may_wait_and_no_more():
    downloads = Downloads(1, max_waiting=1)
    held = Held(downloads)
    held.start(0)
    held.start(1)
    await settle()

    with pytest.raises(Conflict, match="1 downloads wait already"):
        async with downloads.slot():
            pass

    assert (downloads.running, downloads.waiting) == (1, 1)
    await held.close()


async def test_more_slots_let_those_that_wait_in_and_fewer_let_those_inside_stay():
    downloads = Downloads(1)
    held = Held(downloads)
    for number in range(4):
        held.start(number)
    await settle()

    downloads.resize(max_concurrent=3)
    await settle()
    assert held.order == [0, 1, 2]
    downloads.resize(max_concurrent=1)
    held.let_go(0)
    await settle()

    assert (downloads.running, downloads.waiting) == (2, 1)
    await held.close()


async def test_a_download_that_fails_gives_its_slot_back():
    downloads = Downloads(1)

    with pytest.raises(OSError, match="reset"):
        async with downloads.slot():
            raise OSError("reset")

    assert downloads.running == 0


@pytest.mark.parametrize("count", [0, -1])
def test_no_slot_at_all_is_refused_and_changes_nothing(count: int):
    with pytest.raises(InvalidInput, match="at once"):
        Downloads(count)
    with pytest.raises(InvalidInput, match="at once"):
        Downloads().resize(max_concurrent=count, bytes_per_s=1)
