"""What the scheduler decides, driven by made-up events and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict, InvalidInput, NotFound
from wiseflow.core.tasks import FailurePolicy, TaskKind, TaskSpec, TaskState
from wiseflow.engine.decisions import Action, Decision, Ending
from wiseflow.engine.state import Scheduler


def make_scheduler(*, slots: int = 1, total: int = 100, **options) -> Scheduler:
    return Scheduler(slots=dict.fromkeys(TaskKind, slots), total=total, **options)


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

    first = submit(scheduler, "a1", "a2", kind=TaskKind.ASYNC)
    second = submit(scheduler, "t", kind=TaskKind.THREAD)

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
    scheduler.weigh("big", 2.0)
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

    assert scheduler.hold(1.0, held=True) == []
    assert submit(scheduler, "b") == []
    assert settled(scheduler.ended("a", Ending.COMPLETED, 2.0)) == {"a": TaskState.COMPLETED}
    assert started(scheduler.hold(3.0, held=False)) == ["b"]


def test_a_smaller_limit_lets_those_inside_end_first():
    scheduler = make_scheduler(slots=3)
    submit(scheduler, "a", "b", "c", "d")

    assert scheduler.resize(1.0, slots={TaskKind.ASYNC: 1}) == []
    assert started(scheduler.ended("a", Ending.COMPLETED, 2.0)) == []
    assert started(scheduler.ended("b", Ending.COMPLETED, 3.0)) == []
    assert started(scheduler.ended("c", Ending.COMPLETED, 4.0)) == ["d"]
    submit(scheduler, "e", "f")
    assert started(scheduler.resize(5.0, slots={TaskKind.ASYNC: 9}, total=2)) == ["e"]


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
        ({"timeout_s": -1.0}, "timeout of the task 'x' is -1 s"),
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
        scheduler.resize(0.0, slots={TaskKind.THREAD: 0})
    with pytest.raises(InvalidInput, match="0 slots"):
        scheduler.resize(0.0, total=0)
    with pytest.raises(InvalidInput, match="weight of a run"):
        scheduler.weigh("r", 0.0)


def test_what_is_not_at_work_cannot_end():
    scheduler = make_scheduler()
    submit(scheduler, "a", "b")

    for task_id in ("b",):
        with pytest.raises(Conflict, match="is not at work"):
            scheduler.ended(task_id, Ending.COMPLETED, 0.0)
    with pytest.raises(NotFound):
        scheduler.cancel("nobody", 0.0)


@dataclass
class Seen:
    """What a test knows of a task from decisions alone."""

    spec: TaskSpec
    starts: int = 0
    settled: int = 0
    at_work: bool = False
    suspended: bool = False
    told: bool = False
    children: list[str] = field(default_factory=list)


class SchedulerMachine(RuleBasedStateMachine):
    """Any order of events leaves the promises of the scheduler whole."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.slots = dict.fromkeys(TaskKind, 2)
        self.total = 4
        self.held = False
        self.scheduler = Scheduler(slots=self.slots, total=self.total, ageing_s=5.0)
        self.seen: dict[str, Seen] = {}

    def act(self, decisions: Sequence[Decision]) -> None:
        for action, task in decisions:
            one = self.seen[task.spec.task_id]
            assert one.settled == 0
            if action is Action.START:
                assert not one.at_work
                one.at_work, one.suspended, one.told = True, False, False
                one.starts += 1
                assert one.starts <= one.spec.retries + 1
                self.check_dependencies(one.spec)
            elif action is Action.RESUME:
                assert one.at_work
                assert one.suspended
                one.suspended = False
            elif action is Action.STOP:
                assert one.at_work
                assert not one.told
                one.told = True
            else:
                assert not one.at_work
                assert task.state.final
                one.settled += 1
        begun = {Action.START, Action.RESUME}
        kinds = {one.task.spec.kind for one in decisions if one.action in begun}
        if kinds:
            held = self.holding()
            assert not self.held
            assert sum(held.values()) <= self.total
            assert all(held[kind] <= self.slots[kind] for kind in kinds)

    def check_dependencies(self, spec: TaskSpec) -> None:
        for needed in spec.dependencies:
            other = self.scheduler[needed]
            assert other.state.final
            anyway = spec.on_failure is FailurePolicy.RUN_ANYWAY
            assert other.state is TaskState.COMPLETED or anyway

    def holding(self) -> dict[TaskKind, int]:
        held = dict.fromkeys(TaskKind, 0)
        for one in self.seen.values():
            held[one.spec.kind] += one.at_work and not one.suspended
        return held

    def at_work(self) -> list[str]:
        return [task_id for task_id, one in self.seen.items() if one.at_work]

    @rule(data=st.data(), count=st.integers(1, 4))
    def submit(self, data, count):
        specs: list[TaskSpec] = []
        for _ in range(count):
            known = [*self.seen, *(spec.task_id for spec in specs)]
            some = st.lists(st.sampled_from(known), max_size=3) if known else st.just([])
            spec = TaskSpec(
                task_id=f"t{len(self.seen) + len(specs)}",
                kind=data.draw(st.sampled_from(TaskKind)),
                priority=data.draw(st.sampled_from(TaskPriority)),
                run=data.draw(st.sampled_from("xyz")),
                parent=data.draw(st.sampled_from(["", *self.at_work()])),
                dependencies=tuple(data.draw(some)),
                on_failure=data.draw(st.sampled_from(FailurePolicy)),
                timeout_s=data.draw(st.sampled_from([None, 1.0, 8.0])),
                retries=data.draw(st.integers(0, 2)),
                retry_delay_s=data.draw(st.sampled_from([0.0, 2.0])),
            )
            specs.append(spec)
        for spec in specs:
            self.seen[spec.task_id] = Seen(spec)
            if spec.parent:
                self.seen[spec.parent].children.append(spec.task_id)
        self.act(self.scheduler.submit(specs, self.now))

    @precondition(lambda self: self.at_work())
    @rule(data=st.data(), ending=st.sampled_from(Ending))
    def end(self, data, ending):
        task_id = data.draw(st.sampled_from(self.at_work()))
        self.seen[task_id].at_work = False
        self.act(self.scheduler.ended(task_id, ending, self.now))

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def cancel(self, data):
        task_id = data.draw(st.sampled_from(sorted(self.seen)))
        self.act(self.scheduler.cancel(task_id, self.now))
        if self.seen[task_id].settled:
            return
        marked = [task_id]
        while marked:
            one = self.seen[marked.pop()]
            assert one.settled or one.told
            marked += one.children

    @precondition(lambda self: self.at_work())
    @rule(data=st.data())
    def suspend(self, data):
        task_id = data.draw(st.sampled_from(self.at_work()))
        other = data.draw(st.sampled_from(sorted(self.seen)))
        try:
            decisions = self.scheduler.suspend(task_id, [other], self.now)
        except Conflict:
            return
        self.seen[task_id].suspended = True
        self.act(decisions)

    @rule(data=st.data())
    def resume(self, data):
        asleep = [task_id for task_id, one in self.seen.items() if one.suspended and one.at_work]
        if asleep:
            self.act(self.scheduler.resume(data.draw(st.sampled_from(asleep)), self.now))

    @rule(kind=st.sampled_from(TaskKind), slots=st.integers(1, 4), total=st.integers(1, 8))
    def resize(self, kind, slots, total):
        self.slots[kind], self.total = slots, total
        self.act(self.scheduler.resize(self.now, slots={kind: slots}, total=total))

    @rule(held=st.booleans())
    def hold(self, held):
        self.held = held
        self.act(self.scheduler.hold(self.now, held=held))

    @rule(passed=st.floats(0.0, 20.0))
    def time_passes(self, passed):
        self.now += passed
        self.act(self.scheduler.tick(self.now))
        due = self.scheduler.next_due()
        assert due is None or due > self.now

    @invariant()
    def slots_are_counted(self):
        assert dict(self.scheduler.used) == self.holding()

    @invariant()
    def no_slot_is_free_while_somebody_could_take_it(self):
        held = self.holding()
        if self.held or sum(held.values()) >= self.total:
            return
        waiting = {task.spec.kind for task in self.scheduler if task.state is TaskState.PENDING}
        assert not any(held[kind] < self.slots[kind] for kind in waiting)

    def teardown(self):
        """Let everything go on to its end: each task is settled, and nothing is left."""
        self.held = False
        self.act(self.scheduler.hold(self.now, held=False))
        for _ in range(10_000):
            if not len(self.scheduler):
                break
            for task_id in self.at_work():
                one = self.seen[task_id]
                if one.at_work and not one.suspended:
                    one.at_work = False
                    self.act(self.scheduler.ended(task_id, Ending.COMPLETED, self.now))
            for task_id in self.at_work():
                if self.seen[task_id].suspended:
                    self.act(self.scheduler.resume(task_id, self.now))
            due = self.scheduler.next_due()
            if due is not None:
                self.now = max(self.now, due)
                self.act(self.scheduler.tick(self.now))
        assert all(one.settled == 1 for one in self.seen.values())
        assert sum(self.scheduler.used.values()) == 0
        assert self.scheduler.next_due() is None


# In four parts, so that several processes can share them: 1,000 runs of 50 steps together.
PART = settings(max_examples=250, stateful_step_count=50, deadline=None)


class TestPromisesPart1(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart2(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart3(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart4(SchedulerMachine.TestCase):
    settings = PART
