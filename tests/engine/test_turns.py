from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import Conflict, WorkerError
from wiseflow.engine.turns import Turns, in_order_of_beginning


def home_or_last_used(free: Sequence[int], home: int | None) -> int:
    return home if home is not None and home in free else free[-1]


def make_turns(limit: int, *, max_waiting: int = 1000) -> Turns:
    refusal = WorkerError("the queue is full")
    return Turns(limit, max_waiting=max_waiting, refusal=refusal, prefer=home_or_last_used)


@given(st.integers(1, 5), st.lists(st.integers(0, 3), max_size=40))
def test_no_more_than_the_limit_are_inside_and_all_get_in_in_order(limit: int, waits: list[int]):
    turns = make_turns(limit)
    order: list[int] = []

    async def enter(number: int, steps: int) -> None:
        async with turns.turn():
            order.append(number)
            assert turns.inside <= limit
            for _ in range(steps):
                await asyncio.sleep(0)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for number, steps in enumerate(waits):
                group.create_task(enter(number, steps), name=f"{number}")
        await turns.empty()

    asyncio.run(run())

    assert order == list(range(len(waits)))
    assert turns.inside == 0


@given(st.lists(st.booleans(), max_size=30), st.randoms())
def test_who_waits_is_served_in_the_order_they_came(leavers, random):
    """``leavers``: whether each of those who wait gives up."""
    turns = make_turns(1)
    served: list[int] = []

    async def call(arrival: int) -> None:
        async with turns.turn():
            served.append(arrival)

    async def run() -> None:
        async with asyncio.TaskGroup() as group, turns.turn():
            tasks = [group.create_task(call(arrival)) for arrival in range(len(leavers))]
            await asyncio.sleep(0)
            leaving = [task for task, leaves in zip(tasks, leavers, strict=True) if leaves]
            random.shuffle(leaving)
            for task in leaving:
                task.cancel()
                if random.random() < 0.5:
                    await asyncio.sleep(0)

    asyncio.run(run())

    assert served == [arrival for arrival, leaves in enumerate(leavers) if not leaves]
    assert turns.inside == 0


async def test_a_full_queue_refuses():
    turns = make_turns(1, max_waiting=0)
    async with turns.turn():
        with pytest.raises(WorkerError, match="queue is full"):
            async with turns.turn():
                pass


async def test_a_turn_that_comes_with_a_cancellation_goes_to_the_next():
    turns = make_turns(1)
    entered: list[str] = []

    async def enter(name: str) -> None:
        async with turns.turn():
            entered.append(name)

    async with asyncio.TaskGroup() as group:
        async with turns.turn():
            first = group.create_task(enter("first"), name="first")
            group.create_task(enter("second"), name="second")
            await asyncio.sleep(0)
        first.cancel()  # it has its turn by now, but has not run yet

    assert entered == ["second"]
    assert turns.inside == 0


async def test_a_larger_limit_lets_those_who_wait_in():
    turns = make_turns(1)
    done = asyncio.Event()

    async def enter() -> None:
        async with turns.turn():
            done.set()

    async with asyncio.TaskGroup() as group, turns.turn():
        group.create_task(enter(), name="waits")
        await asyncio.sleep(0)
        turns.resize(2)
        async with asyncio.timeout(10):
            await done.wait()


async def test_those_who_wait_can_be_sent_away_also_when_one_was_cancelled():
    turns = make_turns(1)
    refused: list[str] = []

    async def enter() -> None:
        with pytest.raises(Conflict):
            async with turns.turn():
                pass
        refused.append("refused")

    async with asyncio.TaskGroup() as group, turns.turn():
        cancelled = group.create_task(enter(), name="cancelled")
        group.create_task(enter(), name="waits")
        await asyncio.sleep(0)
        cancelled.cancel()
        turns.refuse_waiting(Conflict("closed"))

    assert refused == ["refused"]


async def test_work_is_served_again_where_it_was_served_before():
    turns = make_turns(2)
    at: dict[str, list[int]] = {"a": [], "b": []}

    async def calls(name: str) -> None:
        with in_order_of_beginning():
            for _ in range(4):
                async with turns.turn() as place:
                    at[name].append(place)
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name in at:
            group.create_task(calls(name))

    assert [len(set(places)) for places in at.values()] == [1, 1]
    assert set(at["a"]).isdisjoint(at["b"])


async def test_a_free_place_is_taken_also_by_work_at_home_elsewhere():
    turns = make_turns(2)

    with in_order_of_beginning():
        async with turns.turn() as home:
            pass
        turns.take(home)
        async with turns.turn() as other:
            assert other != home
        turns.give_back(home)


OPERATIONS = st.one_of(
    st.tuples(st.just("enter"), st.integers(0, 4)),
    st.tuples(st.just("leave"), st.integers(0, 9)),
    st.tuples(st.just("give up"), st.integers(0, 9)),
    st.tuples(st.just("resize"), st.integers(1, 4)),
)


class Hall:
    """Callers of turns, of four pieces of work and of none, told one by one what to do."""

    def __init__(self, limit: int):
        self.turns = make_turns(limit)
        self.inside: dict[asyncio.Task[None], tuple[int, asyncio.Event]] = {}
        self.waiting: list[asyncio.Task[None]] = []
        self._contexts = [copy_context()]
        for _ in range(4):
            with in_order_of_beginning():
                self._contexts.append(copy_context())

    def enter(self, group: asyncio.TaskGroup, work: int) -> None:
        self.waiting.append(group.create_task(self._call(), context=self._contexts[work]))

    def leave(self, number: int) -> None:
        if self.inside:
            list(self.inside.values())[number % len(self.inside)][1].set()

    def give_up(self, number: int) -> None:
        if self.waiting:
            self.waiting[number % len(self.waiting)].cancel()

    async def _call(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            async with self.turns.turn() as place:
                assert place not in [taken for taken, _ in self.inside.values()]
                self.waiting.remove(task)
                self.inside[task] = (place, asyncio.Event())
                await self.inside[task][1].wait()
                del self.inside[task]
        except asyncio.CancelledError:
            self.waiting.remove(task)
            raise


@given(st.integers(1, 4), st.lists(OPERATIONS, max_size=40))
def test_whatever_happens_no_place_is_shared_and_nobody_waits_in_vain(limit, operations):
    async def run() -> None:
        hall = Hall(limit)
        async with asyncio.TaskGroup() as group:
            do = {
                "enter": lambda work: hall.enter(group, work),
                "leave": hall.leave,
                "give up": hall.give_up,
                "resize": hall.turns.resize,
            }
            for operation, number in operations:
                before = len(hall.inside)
                do[operation](number)
                for _ in range(4):
                    await asyncio.sleep(0)
                assert hall.turns.inside == len(hall.inside) <= max(hall.turns.limit, before)
                assert not hall.waiting or len(hall.inside) >= hall.turns.limit
            while hall.inside or hall.waiting:
                hall.leave(0)
                await asyncio.sleep(0)
        assert hall.turns.inside == 0

    asyncio.run(run())
