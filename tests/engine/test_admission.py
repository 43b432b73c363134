"""Who may start: slots by lane, cores and memory, and who goes first."""

from __future__ import annotations

import math

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.core.tasks import TaskSpec, TaskState
from wiseflow.engine.admission import Admission
from wiseflow.engine.decisions import Task


def make_admission(total: int = 10, **slots: int) -> Admission:
    return Admission(slots=slots or {"a": 10, "b": 10}, total=total, busy=["b"], ageing_s=60.0)


def make_task(
    lane: str = "a",
    *,
    at: float = 0.0,
    memory: int = 0,
    priority: TaskPriority = TaskPriority.NORMAL,
    run: str = "",
) -> Task:
    spec = TaskSpec(f"{lane}{at}", lane, priority, run, memory_bytes=memory)
    return Task(spec, at, state=TaskState.PENDING, ready_at=at)


def start(admission: Admission) -> Task | None:
    """Let the next task in."""
    task = admission.next()
    if task is not None:
        task.state, task.under_way = TaskState.RUNNING, True
    return task


def resume(admission: Admission, task: Task) -> None:
    """Have a task that runs wait for others, and want its slot back."""
    admission.release(task)
    task.state = TaskState.PENDING
    admission.push(task)


def push(admission: Admission, *tasks: Task) -> None:
    for task in tasks:
        admission.push(task)


def test_what_returns_goes_before_what_is_more_urgent():
    admission, begun = make_admission(), make_task(priority=TaskPriority.BACKGROUND)
    push(admission, begun)
    assert start(admission) is begun
    push(admission, make_task("b", priority=TaskPriority.CRITICAL))

    resume(admission, begun)

    assert start(admission) is begun


def test_while_new_work_is_held_what_returns_goes_on():
    admission, begun, new = make_admission(), make_task(), make_task(at=1.0)
    push(admission, begun)
    start(admission)
    push(admission, new)
    admission.hold(held=True)
    admission.room(cores=1, memory_bytes=0)
    resume(admission, begun)

    assert start(admission) is begun
    assert start(admission) is None
    admission.hold(held=False)
    assert start(admission) is new


def test_a_new_attempt_has_no_claim_to_the_slot_that_the_last_one_waited_for():
    admission, again = make_admission(total=1), make_task()
    push(admission, again)
    start(admission)
    resume(admission, again)
    again.under_way = False  # it ended before it had its slot, and is tried again
    push(admission, again)
    admission.hold(held=True)

    assert start(admission) is None


def test_among_tasks_as_urgent_those_that_keep_a_core_busy_go_first():
    admission = make_admission()
    other, busy = make_task("a", at=0.0), make_task("b", at=29.0)
    push(admission, other, busy)

    assert [start(admission), start(admission)] == [busy, other]


def test_what_keeps_a_core_busy_goes_neither_before_what_is_more_urgent_nor_before_what_is_old():
    admission = make_admission()
    urgent = make_task("a", at=29.0, priority=TaskPriority.HIGH)
    old, busy = make_task("a", at=0.0), make_task("b", at=31.0)
    push(admission, urgent, old, busy)

    assert [start(admission) for _ in range(3)] == [urgent, old, busy]


def test_no_more_keep_a_core_busy_than_there_are():
    admission = make_admission()
    admission.room(cores=1, memory_bytes=math.inf)
    first, second, other = make_task("b"), make_task("b", at=1.0), make_task("a", at=2.0)
    push(admission, first, second, other)

    assert [start(admission), start(admission), start(admission)] == [first, other, None]
    admission.release(first)
    assert start(admission) is second


def test_a_lane_that_is_not_counted_takes_no_slot_of_the_total():
    admission = make_admission(total=1)
    admission.add_lane("branches", 2, counted=False)
    branches = [make_task("branches", at=at) for at in (0.0, 1.0, 2.0)]
    work = make_task("a", at=5.0)
    push(admission, *branches, work)

    assert [start(admission) for _ in range(4)] == [branches[0], branches[1], work, None]


def test_what_needs_more_memory_than_there_is_waits_and_is_told_of():
    admission = make_admission()
    admission.room(cores=None, memory_bytes=150)
    tasks = [make_task(memory=100, at=at) for at in (0.0, 1.0)]
    small = make_task("b", at=2.0)
    push(admission, *tasks, small)

    assert [start(admission), start(admission)] == [small, tasks[0]]
    assert start(admission) is None
    assert admission.short_of_memory
    admission.room(cores=None, memory_bytes=100)
    assert start(admission) is tasks[1]
    assert start(admission) is None
    assert not admission.short_of_memory


def test_when_nothing_runs_one_is_let_in_whatever_it_is_predicted_to_need():
    admission, huge = make_admission(), make_task(memory=10**12)
    admission.room(cores=None, memory_bytes=0)
    push(admission, huge)

    assert start(admission) is huge


def test_a_run_with_more_weight_has_more_turns():
    admission = make_admission(total=6)
    admission.weigh("x", 2.0)
    for number in range(6):
        push(admission, make_task(at=number, run="x"), make_task(at=number, run="y"))

    begun = [task.run for _ in range(6) if (task := start(admission)) is not None]

    assert (begun.count("x"), begun.count("y")) == (4, 2)


def test_of_many_runs_the_weights_of_those_that_had_tasks_last_are_known(monkeypatch):
    monkeypatch.setattr("wiseflow.engine.admission.MOST_WEIGHTS", 2)
    admission = make_admission(total=9)
    for run in ("x", "forgotten"):
        admission.weigh(run, 2.0)
    push(admission, make_task(run="forgotten"), make_task(run="x"))
    admission.weigh("another", 2.0)
    while start(admission) is not None:
        pass

    for number in range(6):
        push(admission, make_task(at=number, run="x"), make_task(at=number, run="forgotten"))
    begun = [task.run for _ in range(6) if (task := start(admission)) is not None]

    assert (begun.count("x"), begun.count("forgotten")) == (4, 2)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan])
def test_a_weight_that_makes_no_sense_is_refused(weight):
    with pytest.raises(InvalidInput, match=r"weight of a run cannot be .*above 0"):
        make_admission().weigh("x", weight)


def test_two_lanes_of_one_name_are_refused_and_one_may_be_taken_away():
    admission = make_admission()
    with pytest.raises(Conflict, match="lane 'a' already"):
        admission.add_lane("a", 1)

    admission.remove_lane("a")

    assert "a" not in admission.lanes
    admission.add_lane("a", 1)


def test_put_in_order_anew_all_are_still_there_and_by_their_new_times():
    admission = make_admission(total=1)
    slow, quick = make_task(at=0.0), make_task(at=1.0)
    push(admission, slow, quick)
    for task, expected_s in ((slow, 9.0), (quick, 1.0)):
        task.expected_s = task.path_s = expected_s
    push(admission, *(make_task(at=at) for at in (2.0, 3.0)))

    admission.again()
    admission.resize({}, 10)
    begun = [start(admission) for _ in range(4)]

    assert None not in begun
    assert begun.index(quick) != begun.index(slow)
    assert start(admission) is None
