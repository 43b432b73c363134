from __future__ import annotations

import asyncio
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import Conflict, WorkerError
from wiseflow.engine.turns import Turns, in_order_of_beginning


def make_turns(limit: int, *, max_waiting: int = 1000) -> Turns:
    return Turns(limit, max_waiting=max_waiting, refusal=WorkerError("the queue is full"))


@given(st.integers(1, 5), st.lists(st.integers(0, 3), max_size=40))
def test_no_more_than_the_limit_are_inside_and_all_get_in_in_order(limit: int, waits: list[int]):
    turns = make_turns(limit)
    order: list[int] = []

    async def enter(number: int, steps: int) -> None:
        async with turns:
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


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30), st.randoms())
def test_who_waits_is_served_in_the_order_their_work_began(callers, random):
    """``callers``: the piece of work each belongs to (0 for none), and whether it gives up."""
    turns = make_turns(1)
    served: list[tuple[int, int]] = []
    contexts = [copy_context()]
    for _ in range(4):
        with in_order_of_beginning():
            contexts.append(copy_context())

    async def call(work: int, arrival: int) -> None:
        async with turns:
            served.append((work, arrival))

    async def run() -> None:
        async with asyncio.TaskGroup() as group, turns:
            tasks = [
                group.create_task(call(work, arrival), context=contexts[work])
                for arrival, (work, _) in enumerate(callers)
            ]
            await asyncio.sleep(0)
            leaving = [task for task, (_, leaves) in zip(tasks, callers, strict=True) if leaves]
            random.shuffle(leaving)
            for task in leaving:
                task.cancel()
                if random.random() < 0.5:
                    await asyncio.sleep(0)

    asyncio.run(run())

    stayed = [(work, n) for n, (work, leaves) in enumerate(callers) if not leaves]
    assert served == sorted(stayed)
    assert turns.inside == 0


async def test_a_full_queue_refuses():
    turns = make_turns(1, max_waiting=0)
    async with turns:
        with pytest.raises(WorkerError, match="queue is full"):
            async with turns:
                pass


async def test_a_turn_that_comes_with_a_cancellation_goes_to_the_next():
    turns = make_turns(1)
    entered: list[str] = []

    async def enter(name: str) -> None:
        async with turns:
            entered.append(name)

    async with asyncio.TaskGroup() as group:
        async with turns:
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
        async with turns:
            done.set()

    async with asyncio.TaskGroup() as group, turns:
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
            async with turns:
                pass
        refused.append("refused")

    async with asyncio.TaskGroup() as group, turns:
        cancelled = group.create_task(enter(), name="cancelled")
        group.create_task(enter(), name="waits")
        await asyncio.sleep(0)
        cancelled.cancel()
        turns.refuse_waiting(Conflict("closed"))

    assert refused == ["refused"]
