"""Who is next."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.limits import LimitKey, Need
from wiseflow.limits.turns import OLDEST_EVERY, Asked, Turns

KEY = LimitKey(provider="p")
P = TaskPriority


def asked(number: int, priority: TaskPriority = P.NORMAL, run: str = "r") -> Asked:
    return Asked(
        number=number, key=KEY, need=Need(), priority=priority, run=run, deadline=float("inf")
    )


def line(*waiting: Asked) -> Turns:
    turns = Turns()
    for one in waiting:
        turns.add(one)
    return turns


def order(turns: Turns) -> list[int]:
    return [turns.pop().number for _ in range(len(turns))]


def test_the_more_urgent_go_first_and_among_them_the_first_that_came():
    turns = line(asked(1, P.LOW), asked(2, P.CRITICAL), asked(3), asked(4, P.CRITICAL))

    assert order(turns) == [2, 4, 3, 1]


def test_runs_of_one_priority_take_turns():
    turns = line(*(asked(n, run="a") for n in (1, 2, 3)), asked(4, run="b"), asked(5, run="c"))

    assert order(turns) == [1, 4, 5, 2, 3]


def test_one_that_gave_up_is_not_next():
    turns = line(asked(1), asked(2))

    assert turns.remove(1) == asked(1)
    assert turns.remove(1) is None
    assert 1 not in turns
    assert order(turns) == [2]
    assert turns.head() is None


@settings(deadline=None)
@given(st.integers(1, 30))
def test_nobody_starves_however_many_urgent_ones_come(waiting):
    """``waiting``: how many of no urgency wait, while for each that goes a critical one comes."""
    turns = line(*(asked(number, P.BACKGROUND) for number in range(waiting)))
    numbers = iter(range(1000, 10_000))
    gone: list[int] = []
    for _ in range(OLDEST_EVERY * waiting):
        turns.add(asked(next(numbers), P.CRITICAL))
        gone.append(turns.pop().number)

    assert [number for number in gone if number < 1000] == list(range(waiting))
    assert len([number for number in gone if number >= 1000]) == (OLDEST_EVERY - 1) * waiting


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_no_run_is_passed_twice_by_another_while_it_waits(runs):
    turns = line(*(asked(number, run=run) for number, run in enumerate(runs)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wiseflow.limits.turns.OLDEST_EVERY", 1_000)
        gone = [runs[number] for number in order(turns)]

    for run in set(runs):
        places = [place for place, one in enumerate(gone) if one == run]
        for before, after in pairwise(places):
            between = gone[before + 1 : after]
            assert all(between.count(other) <= 1 for other in set(between))
