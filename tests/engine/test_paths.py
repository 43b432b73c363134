"""The way to the end from a task is its own time and the longest one through those after it."""

from __future__ import annotations

from wiseflow.core.tasks import TaskKind, TaskSpec
from wiseflow.engine.decisions import Action, Ending
from wiseflow.engine.state import Scheduler


def make_spec(task_id: str, expected_s: float, *needed: str) -> TaskSpec:
    return TaskSpec(task_id, dependencies=needed, expected_s=expected_s)


def make_scheduler(total: int = 1) -> Scheduler:
    return Scheduler(slots={TaskKind.ASYNC: total}, total=total)


def test_the_longest_way_counts_and_is_measured_as_tasks_are_registered_and_anew():
    scheduler = make_scheduler()
    scheduler.submit(
        [
            make_spec("a", 1.0),
            make_spec("b", 2.0, "a"),
            make_spec("c", 5.0, "a"),
            make_spec("d", 4.0, "b", "c"),
        ],
        0.0,
    )

    assert {one: scheduler[one].path_s for one in "abcd"} == {"a": 10, "b": 6, "c": 9, "d": 4}

    scheduler.expect(lambda task: (20.0 if task.spec.task_id == "b" else 1.0, 0.0), 1.0)

    assert scheduler["b"].path_s == 21.0


def test_what_much_depends_on_begins_before_shorter_ones():
    scheduler = make_scheduler()
    scheduler.submit([make_spec("now", 0.0)], 0.0)
    scheduler.submit([make_spec(f"short{number}", 1.0) for number in range(5)], 0.0)
    scheduler.submit([make_spec("root", 3.0), make_spec("leaf", 50.0, "root")], 0.0)

    decisions = scheduler.ended("now", Ending.COMPLETED, 1.0)

    assert [task.spec.task_id for action, task in decisions if action is Action.START] == ["root"]
