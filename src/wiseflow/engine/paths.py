"""How long the way to the end is from each task, through what depends on it."""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.engine.decisions import Task


def measure_paths(tasks: Sequence[Task]) -> None:
    """Set the ``path_s`` of tasks by their ``expected_s`` and ``again_s``.

    Args:
        tasks: each after those it depends on, so that one pass from the last to the first does.
    """
    for task in tasks:
        task.path_s = task.expected_s + task.again_s
    for task in reversed(tasks):
        own_s = task.expected_s + task.again_s
        for other in task.dependents or ():
            task.path_s = max(task.path_s, own_s + other.path_s)
