"""What the scheduler decides, driven by made-up events and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput, NotFound
from wiseflow.core.tasks import FailurePolicy, TaskKind, TaskSpec, TaskState
from wiseflow.engine.decisions import Action, Decision, Ending
from wiseflow.engine.state import Scheduler


def make_scheduler(*, slots: int = 1, total: int = 100, **options) -> Scheduler:
    return Scheduler(slots={kind.value: slots for kind in TaskKind}, total=total, **options)


def hold(scheduler: Scheduler, now: float, *, held: bool) -> list[Decision]:
    scheduler.admission.hold(held=held)
    return scheduler.room_changed(now)


def resize(
    scheduler: Scheduler, now: float, *, slots: Mapping[str, int] | None = None, total=None
) -> list[Decision]:
    scheduler.admission.resize(slots or {}, total)
    return scheduler.room_changed(now)


def started(decisions: Sequence[Decision]) -> list[str]:
    return [one.task.spec.task_id for one in decisions if one.action is Action.START]


def settled(decisions: Sequence[Decision]) -> dict[str, TaskState]:
    return {
        one.task.spec.task_id: one.task.state for one in decisions if one.action is Action.SETTLED
    }


def stopped(decisions: Sequence[Decision]) -> list[str]:
    return [one.task.spec.task_id for one in decisions if one.action is Action.STOP]


def submit(scheduler: Scheduler, *ids: str, now: float = 0.0, **fields) -> list[Decision]:
    return scheduler.submit([TaskSpec(task_id=one, **fields) for one in ids], now)


def drained(scheduler: Scheduler, decisions: Sequence[Decision], now: float = 0.0) -> list[str]:
    """The order of starts when each task that starts completes at once."""
    order: list[str] = []
    waiting = started(decisions)
    while waiting:
        one = waiting.pop(0)
        order.append(one)
        waiting += started(scheduler.ended(one, Ending.COMPLETED, now))
    return order


def test_tasks_start_while_there_are_slots_and_the_next_when_one_ends():
    scheduler = make_scheduler(slots=2)

    assert started(submit(scheduler, "a", "b", "c")) == ["a", "b"]
    decisions = scheduler.ended("b", Ending.COMPLETED, 1.0)

    assert settled(decisions) == {"b": TaskState.COMPLETED}
    assert started(decisions) == ["c"]


def test_the_total_bounds_all_kinds_together():
    scheduler = make_scheduler(slots=5, total=2)

    first = submit(scheduler, "a1", "a2", lane=TaskKind.ASYNC)
    second = submit(scheduler, "t", lane=TaskKind.THREAD)

    assert (started(first), started(second)) == (["a1", "a2"], [])


def test_a_critical_task_goes_before_all_that_wait():
    scheduler = make_scheduler()
    begun = submit(scheduler, *[f"n{number}" for number in range(1000)])
    submit(scheduler, "c", now=1.0, priority=TaskPriority.CRITICAL)

    assert drained(scheduler, begun, now=2.0)[:3] == ["n0", "c", "n1"]


def test_a_task_that_waited_long_goes_before_a_more_urgent_one():
    scheduler = make_scheduler(ageing_s=10.0)
    begun = submit(scheduler, "first")
    submit(scheduler, "old", priority=TaskPriority.BACKGROUND)
    submit(scheduler, "new", now=39.0, priority=TaskPriority.CRITICAL)
    submit(scheduler, "newer", now=41.0, priority=TaskPriority.CRITICAL)

    assert drained(scheduler, begun, now=42.0) == ["first", "new", "old", "newer"]


def test_runs_take_turns_inside_a_priority_by_their_weights():
    scheduler = make_scheduler()
    scheduler.admission.weigh("big", 2.0)
    begun = submit(scheduler, "first")
    submit(scheduler, *[f"b{number}" for number in range(6)], run="big")
    submit(scheduler, *[f"s{number}" for number in range(3)], run="small")

    order = drained(scheduler, begun)[1:]

    assert sum(one.startswith("b") for one in order[:6]) == 4
    assert [one for one in order if one.startswith("s")] == ["s0", "s1", "s2"]


def test_a_run_that_comes_late_neither_waits_for_the_others_nor_catches_up():
    scheduler = make_scheduler()
    begun = submit(scheduler, *[f"a{number}" for number in range(10)], run="a")
    for number in range(5):
        assert started(scheduler.ended(f"a{number}", Ending.COMPLETED, 0.0)) == [f"a{number + 1}"]
    submit(scheduler, *[f"b{number}" for number in range(4)], run="b")

    assert started(begun) == ["a0"]
    rest = ["a5", *drained(scheduler, scheduler.ended("a5", Ending.COMPLETED, 0.0))]
    assert abs(sum(one.startswith("b") for one in rest[1:5]) - 2) <= 1
    assert len(rest) == 9


def test_a_task_starts_when_all_it_depends_on_have_completed():
    scheduler = make_scheduler(slots=5)
    begun = scheduler.submit(
        [
            TaskSpec(task_id="last", dependencies=("one", "two", "one")),
            TaskSpec(task_id="one"),
            TaskSpec(task_id="two"),
        ],
        0.0,
    )

    assert started(begun) == ["one", "two"]
    assert started(scheduler.ended("one", Ending.COMPLETED, 1.0)) == []
    assert started(scheduler.ended("two", Ending.COMPLETED, 2.0)) == ["last"]


@pytest.mark.parametrize(
    ("policy", "state"),
    [(FailurePolicy.FAIL, TaskState.FAILED), (FailurePolicy.SKIP, TaskState.SKIPPED)],
)
@pytest.mark.parametrize("later", [False, True], ids=["before it ended", "after it ended"])
def test_a_failure_reaches_those_that_depend_on_it(policy, state, later):
    scheduler = make_scheduler(slots=5)
    submit(scheduler, "base")
    if not later:
        submit(scheduler, "next", dependencies=("base",), on_failure=policy)
        submit(scheduler, "then", dependencies=("next",), on_failure=policy)
    decisions = scheduler.ended("base", Ending.FAILED, 1.0)
    if later:
        decisions += submit(scheduler, "next", dependencies=("base",), on_failure=policy)
        decisions += submit(scheduler, "then", dependencies=("next",), on_failure=policy)

    assert settled(decisions) == {"base": TaskState.FAILED, "next": state, "then": state}
    assert (scheduler["next"].cause, scheduler["then"].cause) == ("base", "next")
    assert len(scheduler) == 0


@pytest.mark.parametrize("later", [False, True])
def test_a_task_may_run_whatever_became_of_the_others(later):
    scheduler = make_scheduler(slots=5)
    submit(scheduler, "base")
    anyway = TaskSpec(task_id="next", dependencies=("base",), on_failure=FailurePolicy.RUN_ANYWAY)
    before = [] if later else scheduler.submit([anyway], 0.0)
    decisions = scheduler.ended("base", Ending.FAILED, 1.0)
    if later:
        decisions += scheduler.submit([anyway], 2.0)

    assert started(before) == []
    assert started(decisions) == ["next"]


def test_a_failed_task_is_tried_again_after_waits_that_double():
    scheduler = make_scheduler()
    submit(scheduler, "a", retries=2, retry_delay_s=10.0)

    assert scheduler.ended("a", Ending.FAILED, 1.0) == []
    assert (scheduler["a"].state, scheduler.next_due()) == (TaskState.WAITING, 11.0)
    assert scheduler.tick(10.9) == []
    assert started(scheduler.tick(11.0)) == ["a"]
    scheduler.ended("a", Ending.FAILED, 12.0)
    assert scheduler.next_due() == 32.0
    assert started(scheduler.tick(40.0)) == ["a"]
    assert settled(scheduler.ended("a", Ending.FAILED, 41.0)) == {"a": TaskState.FAILED}
    assert scheduler["a"].attempt == 3


def test_an_attempt_that_takes_too_long_is_stopped_and_the_next_has_all_its_time():
    scheduler = make_scheduler()
    submit(scheduler, "a", timeout_s=5.0, retries=1)

    assert stopped(scheduler.tick(4.9)) == []
    assert stopped(scheduler.tick(5.0)) == ["a"]
    assert started(scheduler.ended("a", Ending.CANCELLED, 5.1)) == []
    assert scheduler["a"].state is TaskState.TIMED_OUT


def test_a_timed_out_attempt_that_failed_is_tried_again():
    scheduler = make_scheduler()
    submit(scheduler, "a", timeout_s=5.0, retries=1)
    scheduler.tick(5.0)

    assert started(scheduler.ended("a", Ending.FAILED, 6.0)) == ["a"]
    assert scheduler.next_due() == 11.0
    scheduler.tick(11.0)
    assert settled(scheduler.ended("a", Ending.FAILED, 12.0)) == {"a": TaskState.TIMED_OUT}


def test_cancelling_a_task_cancels_all_it_registered():
    scheduler = make_scheduler(slots=2)
    submit(scheduler, "root")
    submit(scheduler, "child", parent="root")
    submit(scheduler, "grandchild", parent="child")
    submit(scheduler, "other")

    decisions = scheduler.cancel("root", 1.0)

    assert stopped(decisions) == ["root", "child"]
    assert settled(decisions) == {"grandchild": TaskState.CANCELLED}
    assert settled(scheduler.ended("root", Ending.CANCELLED, 2.0)) == {"root": TaskState.CANCELLED}
    assert scheduler.cancel("root", 3.0) == []


def test_cancelling_reaches_what_a_child_registered_that_has_ended():
    scheduler = make_scheduler(slots=2)
    submit(scheduler, "root")
    submit(scheduler, "child", parent="root")
    submit(scheduler, "grandchild", parent="child")
    scheduler.ended("child", Ending.COMPLETED, 1.0)

    assert stopped(scheduler.cancel("root", 2.0)) == ["root", "grandchild"]


def test_children_that_ended_are_not_held_by_a_parent_that_lives_on():
    scheduler = make_scheduler(slots=2)
    submit(scheduler, "root")
    for number in range(100):
        submit(scheduler, f"c{number}", parent="root")
        scheduler.ended(f"c{number}", Ending.COMPLETED, float(number))

    assert not scheduler["root"].children


def test_a_task_that_fails_takes_its_children_along():
    scheduler = make_scheduler(slots=2)
    submit(scheduler, "root")
    submit(scheduler, "at work", "waiting", parent="root")

    decisions = scheduler.ended("root", Ending.FAILED, 1.0)

    assert stopped(decisions) == ["at work"]
    assert settled(decisions) == {"root": TaskState.FAILED, "waiting": TaskState.CANCELLED}


def test_one_that_completes_although_it_was_told_to_stop_has_completed():
    scheduler = make_scheduler()
    submit(scheduler, "a")
    scheduler.cancel("a", 1.0)

    assert settled(scheduler.ended("a", Ending.COMPLETED, 2.0)) == {"a": TaskState.COMPLETED}


def test_a_cancellation_goes_before_a_deadline():
    scheduler = make_scheduler()
    submit(scheduler, "a", timeout_s=1.0, retries=5)
    scheduler.tick(1.0)
    assert scheduler.cancel("a", 1.5) == []

    assert settled(scheduler.ended("a", Ending.FAILED, 2.0)) == {"a": TaskState.CANCELLED}


def test_a_task_that_waits_for_others_holds_no_slot():
    scheduler = make_scheduler()
    submit(scheduler, "outer")
    assert started(submit(scheduler, "inner", parent="outer")) == []

    assert started(scheduler.suspend("outer", ["inner"], 1.0)) == ["inner"]
    scheduler.ended("inner", Ending.COMPLETED, 2.0)
    submit(scheduler, "later")
    assert scheduler["outer"].state is TaskState.SUSPENDED
    assert scheduler.resume("outer", 3.0) == []
    decisions = scheduler.ended("later", Ending.COMPLETED, 4.0)
    assert [(one.action, one.task.spec.task_id) for one in decisions] == [
        (Action.SETTLED, "later"),
        (Action.RESUME, "outer"),
    ]
    assert scheduler["outer"].attempt == 1


def test_waiting_for_oneself_is_refused_with_the_way_round():
    scheduler = make_scheduler(slots=5)
    submit(scheduler, "a", "b")
    submit(scheduler, "c", dependencies=("b",))
    scheduler.suspend("b", ["a"], 0.0)

    with pytest.raises(Conflict, match="a → c → b → a"):
        scheduler.suspend("a", ["c"], 1.0)
    with pytest.raises(Conflict, match="a → a"):
        scheduler.suspend("a", ["a"], 1.0)
    assert scheduler["a"].state is TaskState.RUNNING


def test_while_admission_is_held_nothing_starts_and_what_runs_goes_on():
    scheduler = make_scheduler(slots=2)
    submit(scheduler, "a")

    assert hold(scheduler, 1.0, held=True) == []
    assert submit(scheduler, "b") == []
    assert settled(scheduler.ended("a", Ending.COMPLETED, 2.0)) == {"a": TaskState.COMPLETED}
    assert started(hold(scheduler, 3.0, held=False)) == ["b"]


def test_a_smaller_limit_lets_those_inside_end_first():
    scheduler = make_scheduler(slots=3)
    submit(scheduler, "a", "b", "c", "d")

    assert resize(scheduler, 1.0, slots={TaskKind.ASYNC: 1}) == []
    assert started(scheduler.ended("a", Ending.COMPLETED, 2.0)) == []
    assert started(scheduler.ended("b", Ending.COMPLETED, 3.0)) == []
    assert started(scheduler.ended("c", Ending.COMPLETED, 4.0)) == ["d"]
    submit(scheduler, "e", "f")
    assert started(resize(scheduler, 5.0, slots={TaskKind.ASYNC: 9}, total=2)) == ["e"]


def test_settled_tasks_are_forgotten_when_they_get_too_many():
    scheduler = make_scheduler(kept=2)
    drained(scheduler, submit(scheduler, "a", "b", "c"))

    with pytest.raises(NotFound, match="'a'"):
        scheduler["a"]
    assert scheduler["c"].state is TaskState.COMPLETED


def test_deadlines_of_tasks_that_ended_take_no_room():
    scheduler = make_scheduler()
    for number in range(10_000):
        submit(scheduler, f"t{number}", timeout_s=3600.0)
        scheduler.ended(f"t{number}", Ending.COMPLETED, float(number) / 1000)

    assert len(scheduler._timetable) <= 2_100
    assert scheduler.next_due() is None
    assert scheduler._timetable == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"task_id": ""}, "not empty"),
        ({"timeout_s": -1.0}, "timeout of the task 'x' is -1.0 s"),
        ({"timeout_s": float("nan")}, "timeout of the task 'x' is nan"),
        ({"retries": -1}, "-1 retries"),
        ({"retry_delay_s": -0.5}, "after -0.5 s"),
        ({"dependencies": ("nobody",)}, "'x' depends on 'nobody', which nobody registered"),
        ({"dependencies": ("x",)}, "in a circle: x → x"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_taken_on(fields, words):
    scheduler, good = make_scheduler(), TaskSpec(task_id="good")

    with pytest.raises(InvalidInput, match=words):
        scheduler.submit([good, good._replace(**{"task_id": "x", **fields})], 0.0)

    assert len(scheduler) == 0
    assert started(submit(scheduler, "good")) == ["good"]


def test_a_circle_is_named_in_the_order_of_waiting():
    scheduler = make_scheduler()
    specs = [
        TaskSpec(task_id="a", dependencies=("b",)),
        TaskSpec(task_id="b", dependencies=("c",)),
        TaskSpec(task_id="c", dependencies=("a",)),
    ]

    with pytest.raises(InvalidInput, match=r"a → b → c → a|b → c → a → b|c → a → b → c"):
        scheduler.submit(specs, 0.0)


def test_an_id_is_taken_once():
    scheduler = make_scheduler()
    drained(scheduler, submit(scheduler, "done"))
    submit(scheduler, "open")

    for taken in ("done", "open"):
        with pytest.raises(Conflict, match=f"'{taken}' is registered already"):
            submit(scheduler, taken)
    with pytest.raises(Conflict, match="registered already"):
        submit(scheduler, "twice", "twice")


def test_limits_below_one_are_refused():
    with pytest.raises(InvalidInput, match="0 slots"):
        make_scheduler(slots=0)
    scheduler = make_scheduler()
    with pytest.raises(InvalidInput, match="0 slots"):
        resize(scheduler, 0.0, slots={TaskKind.THREAD: 0})
    with pytest.raises(InvalidInput, match="0 slots"):
        resize(scheduler, 0.0, total=0)
    with pytest.raises(InvalidInput, match="weight of a run"):
        scheduler.admission.weigh("r", 0.0)


def test_what_is_not_at_work_cannot_end():
    scheduler = make_scheduler()
    submit(scheduler, "a", "b")

    for task_id in ("b",):
        with pytest.raises(Conflict, match="is not at work"):
            scheduler.ended(task_id, Ending.COMPLETED, 0.0)
    with pytest.raises(NotFound):
        scheduler.cancel("nobody", 0.0)
