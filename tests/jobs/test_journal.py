"""Steps happen once, and their results read back equal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import Conflict, LeaseLost
from wiseflow.core.jobs import Lease
from wiseflow.jobs.codec import codec
from wiseflow.jobs.journal import StepJournal


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    number: float
    text: str | None = None
    colours: tuple[Colour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    leaves: tuple[Leaf, ...]
    by_name: dict[str, Leaf] = field(default_factory=dict)
    pair: tuple[int, bool] = (0, False)


leaves = st.builds(
    Leaf,
    number=st.floats(allow_nan=False),
    text=st.none() | st.text(),
    colours=st.lists(st.just(Colour.RED)).map(tuple),
)
trees = st.builds(
    Tree,
    leaves=st.lists(leaves).map(tuple),
    by_name=st.dictionaries(st.text(), leaves),
    pair=st.tuples(st.integers(-(2**70), 2**70), st.booleans()),
)


@given(trees)
def test_a_result_reads_back_equal(tree):
    assert codec(Tree).decode(codec(Tree).encode(tree)) == tree


@given(st.lists(leaves).map(tuple))
def test_a_tuple_of_records_reads_back_equal(value):
    kind = tuple[Leaf, ...]

    assert codec(kind).decode(codec(kind).encode(value)) == value


class Counter:
    """A step that counts how often it was done."""

    def __init__(self, value: object = 7):
        self.calls = 0
        self._value = value

    async def __call__(self):
        self.calls += 1
        await asyncio.sleep(0)
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


@pytest.fixture
async def lease(house) -> Lease:
    await house.submit()
    return await house.claim()


@pytest.fixture
def journal(house, lease) -> StepJournal:
    return StepJournal(house.steps, lease, {})


async def test_a_step_is_done_once_and_found_by_the_next_run(house, lease, journal):
    step = Counter(Leaf(number=1.5))
    first = await journal.once("a", step, Leaf)
    again = await journal.once("a", step, Leaf)

    resumed = StepJournal(house.steps, lease, await house.steps.steps(lease.job_id))

    assert first == again == await resumed.once("a", step, Leaf) == Leaf(number=1.5)
    assert step.calls == 1


async def test_branches_that_ask_for_one_step_at_once_do_it_once(journal):
    step = Counter()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(journal.once("a", step, int)) for _ in range(5)]

    assert [task.result() for task in tasks] == [7] * 5
    assert step.calls == 1


async def test_branches_that_wait_for_a_step_share_its_failure(journal):
    step = Counter(LookupError("x"))
    failures: list[BaseException] = []

    async def branch():
        try:
            await journal.once("a", step, int)
        except LookupError as error:
            failures.append(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(branch())

    assert len(failures) == 3
    assert step.calls == 1


async def test_a_failed_step_is_done_again_when_asked_for_again(journal):
    with pytest.raises(LookupError):
        await journal.once("a", Counter(LookupError("x")), int)

    assert await journal.once("a", Counter(), int) == 7


async def test_when_the_first_branch_is_cancelled_the_next_takes_its_place(journal):
    begun, forever = asyncio.Event(), asyncio.Event()

    async def stuck() -> int:
        begun.set()
        await forever.wait()
        return 0

    async with asyncio.TaskGroup() as group:
        first = group.create_task(journal.once("a", stuck, int))
        await begun.wait()
        second = group.create_task(journal.once("a", Counter(8), int))
        await asyncio.sleep(0)
        first.cancel()

    assert second.result() == 8


async def test_without_the_lease_nothing_is_journalled(house, lease):
    stale = Lease(job_id=lease.job_id, owner="b", token=lease.token + 1)
    journal = StepJournal(house.steps, stale, {})

    with pytest.raises(LeaseLost):
        await journal.once("a", Counter(), int)

    assert await house.steps.steps(lease.job_id) == {}


async def test_a_result_of_another_type_is_told(house, lease):
    journal = StepJournal(house.steps, lease, {"a": '"text"'})

    with pytest.raises(Conflict, match="step 'a' of job"):
        await journal.once("a", Counter(), int)
