"""The order of tasks with predicted times: short ones first, long ones in time, none for ever."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from wiseflow.engine.ready import ReadyQueue
from wiseflow.engine.sizes import OLDEST_EVERY, SWEEP_FROM, BySize


@dataclass(eq=False)
class Waits:
    expected_s: float
    path_s: float = 0.0
    ready_at: float = 0.0
    startable: bool = True
    run: str = ""
    rank: int = 2

    def __post_init__(self):
        self.path_s = max(self.path_s, self.expected_s)


def take(queue: BySize[Waits], slots: int = 1) -> Waits:
    task = queue.head(slots)
    assert task is not None
    task.startable = False
    queue.take()
    return task


def test_the_shortest_goes_first_and_equal_ones_as_they_came():
    queue = BySize[Waits]()
    for number, expected_s in enumerate([8.0, 2.0, 4.0, 2.0, 2.0, 4.0]):
        queue.push(Waits(expected_s, ready_at=number))

    order = [(one.expected_s, one.ready_at) for one in (take(queue) for _ in range(3))]

    assert order == [(2.0, 1), (2.0, 3), (2.0, 4)]


def test_what_has_the_longest_way_to_go_begins_in_time():
    queue = BySize[Waits]()
    for _ in range(10):
        queue.push(Waits(1.0))
    queue.push(Waits(1.0, path_s=30.0))  # the others take 11 s on one slot, and 2.75 s on four

    assert take(queue, slots=4).path_s == 30.0


def test_a_long_way_waits_while_there_is_time():
    queue = BySize[Waits]()
    queue.push(Waits(10.0))
    for _ in range(40):
        queue.push(Waits(1.0))

    assert take(queue).expected_s == 1.0


def test_each_eighth_turn_is_the_oldests():
    queue = BySize[Waits]()
    queue.push(Waits(64.0, ready_at=-1.0))
    for number in range(400):
        queue.push(Waits(1.0, ready_at=number))

    turns = [take(queue).expected_s for _ in range(OLDEST_EVERY)]

    assert turns == [*[1.0] * (OLDEST_EVERY - 1), 64.0]


def test_what_waits_no_more_is_not_kept_behind_what_does():
    queue = BySize[Waits]()
    queue.push(Waits(1e6, path_s=1e6))  # waits all the time, at the end of the scale of ways
    for number in range(20 * SWEEP_FROM):
        queue.push(Waits(0.01 * (1 + number % 7), path_s=1.0, ready_at=number))
        for one in queue.waiting():
            one.startable = one.expected_s == 1e6  # as if it was taken, or cancelled

    scale = queue._long._sizes
    assert sum(map(len, scale.values())) <= SWEEP_FROM + 1


def test_a_task_that_is_tried_again_waits_once():
    queue = BySize[Waits]()
    again = Waits(1.0)
    queue.push(again)
    assert take(queue) is again
    again.startable = True
    queue.push(again)

    assert list(queue.waiting()) == [again]
    assert take(queue) is again
    assert queue.head(1) is None


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 4), st.sampled_from([0.0, 1.0, 9.0])))
)
def test_a_queue_that_is_drained_gives_each_that_waits_once_and_is_empty(tasks):
    queue = ReadyQueue[Waits](60.0)
    pushed = [Waits(expected_s, run=run, rank=rank) for run, rank, expected_s in tasks]
    for task in pushed:
        queue.push(task)
    for task in pushed[::3]:
        task.startable = False
    waiting = {id(task) for task in pushed if task.startable}

    drained = queue.drain()

    assert {id(task) for task in drained} == waiting
    assert len(drained) == len(waiting)
    assert queue.head(1) is None


@given(st.lists(st.sampled_from([0.006, 0.5, 3.0, 90.0]), min_size=1, max_size=60))
def test_all_come_up_once(times):
    queue, clock = BySize[Waits](), itertools.count()
    pushed = [Waits(expected_s, ready_at=next(clock)) for expected_s in times]
    for task in pushed:
        queue.push(task)

    taken = [take(queue) for _ in pushed]

    assert len({id(task) for task in taken}) == len(pushed)
    assert queue.head(1) is None
