"""Counts tasks of the engine by their states, from the changes that it tells."""

from __future__ import annotations

from collections import Counter

from wiseflow.core.tasks import TaskEvent, TaskState


class TaskCounts:
    """How many tasks are in each state, and how many have ended in each."""

    def __init__(self) -> None:
        self.ended: Counter[TaskState] = Counter()
        self._states: dict[str, TaskState] = {}

    def note(self, event: TaskEvent) -> None:
        """Count a change of a task's state."""
        if event.state.final:
            self._states.pop(event.task_id, None)
            self.ended[event.state] += 1
        else:
            self._states[event.task_id] = event.state

    def live(self) -> Counter[TaskState]:
        """How many are in each state that is not the last; each of those is present."""
        counted = Counter(dict.fromkeys((one for one in TaskState if not one.final), 0))
        counted.update(self._states.values())
        return counted
