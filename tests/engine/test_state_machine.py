"""Whatever happens in whatever order, the scheduler keeps its promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import Conflict
from wiseflow.core.tasks import FailurePolicy, TaskKind, TaskSpec, TaskState
from wiseflow.engine.decisions import Action, Decision, Ending, Task
from wiseflow.engine.state import Scheduler


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
        self.slots = {kind.value: 2 for kind in TaskKind}
        self.total = 4
        self.held = False
        self.cores: int | None = None
        self.scarce = False  # whether memory may be short
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
        kinds = {one.task.spec.lane for one in decisions if one.action in begun}
        assert not (self.held and any(one.action is Action.START for one in decisions))
        if kinds:
            held = self.holding()
            assert sum(held.values()) <= self.total
            assert all(held[kind] <= self.slots[kind] for kind in kinds)

    def check_dependencies(self, spec: TaskSpec) -> None:
        for needed in spec.dependencies:
            other = self.scheduler[needed]
            assert other.state.final
            anyway = spec.on_failure is FailurePolicy.RUN_ANYWAY
            assert other.state is TaskState.COMPLETED or anyway

    def holding(self) -> dict[str, int]:
        held = {kind.value: 0 for kind in TaskKind}
        for one in self.seen.values():
            held[one.spec.lane] += one.at_work and not one.suspended
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
                lane=data.draw(st.sampled_from(TaskKind)),
                priority=data.draw(st.sampled_from(TaskPriority)),
                run=data.draw(st.sampled_from("xyz")),
                parent=data.draw(st.sampled_from(["", *self.at_work()])),
                dependencies=tuple(data.draw(some)),
                on_failure=data.draw(st.sampled_from(FailurePolicy)),
                timeout_s=data.draw(st.sampled_from([None, 1.0, 8.0])),
                retries=data.draw(st.integers(0, 2)),
                retry_delay_s=data.draw(st.sampled_from([0.0, 2.0])),
                expected_s=data.draw(st.sampled_from([0.0, 0.001, 1.0, 30.0])),
                memory_bytes=data.draw(st.sampled_from([0, 100])),
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
        self.slots[kind.value], self.total = slots, total
        self.scheduler.admission.resize({kind: slots}, total)
        self.act(self.scheduler.room_changed(self.now))

    @rule(held=st.booleans())
    def hold(self, held):
        self.held = held
        self.scheduler.admission.hold(held=held)
        self.act(self.scheduler.room_changed(self.now))

    @rule(
        cores=st.sampled_from([None, 1, 2]), memory=st.sampled_from([0.0, 100.0, 250.0, math.inf])
    )
    def room(self, cores, memory):
        self.cores, self.scarce = cores, memory < math.inf
        self.scheduler.admission.room(cores=cores, memory_bytes=memory)
        self.act(self.scheduler.room_changed(self.now))

    @rule(run=st.sampled_from("xyz"))
    def expire_run(self, run):
        of_it = [one for one in self.seen.values() if one.spec.run == run]
        self.act(self.scheduler.expire_run(run, self.now))
        assert all(one.settled or one.told for one in of_it)

    @rule(seconds=st.sampled_from([0.0, 2.0, 9.0]))
    def expect(self, seconds):
        self.act(self.scheduler.expect(lambda _: (seconds, 1.0), self.now))

    @rule(passed=st.floats(0.0, 20.0))
    def time_passes(self, passed):
        self.now += passed
        self.act(self.scheduler.tick(self.now))
        due = self.scheduler.next_due()
        assert due is None or due > self.now

    @invariant()
    def slots_are_counted(self):
        assert dict(self.scheduler.admission.used) == self.holding()

    @invariant()
    def no_slot_is_free_while_somebody_could_take_it(self):
        held = self.holding()
        if sum(held.values()) >= self.total:
            return
        for task in self.scheduler:
            if (
                task.state is not TaskState.PENDING
                or held[task.spec.lane] >= self.slots[task.spec.lane]
            ):
                continue
            assert not task.under_way  # what is at work goes on whatever room there is
            assert self.held or not self.fits(task, held)

    def fits(self, task: Task, held: dict[str, int]) -> bool:
        busy = task.spec.lane == TaskKind.PROCESS
        if busy and self.cores is not None and held[task.spec.lane] >= self.cores:
            return False
        # One that needs more memory than there is waits, and those of its lane behind it.
        return not self.scarce or not sum(held.values())

    def teardown(self):
        """Let everything go on to its end: each task is settled, and nothing is left."""
        self.held = False
        self.scheduler.admission.hold(held=False)
        self.scheduler.admission.room(cores=None, memory_bytes=math.inf)
        self.act(self.scheduler.room_changed(self.now))
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
        assert sum(self.scheduler.admission.used.values()) == 0
        assert self.scheduler.next_due() is None


# In eight parts, so that several processes can share them: 1,000 runs of 50 steps together.
PART = settings(max_examples=125, stateful_step_count=50, deadline=None)


class TestPromisesPart1(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart2(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart3(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart4(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart5(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart6(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart7(SchedulerMachine.TestCase):
    settings = PART


class TestPromisesPart8(SchedulerMachine.TestCase):
    settings = PART
