"""What tasks did and when, to be looked at in a browser or any viewer of traces."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from wiseflow.core.tasks import TaskEvent, TaskState
from wiseflow.engine.work import ON_LOOP

MOST_EVENTS = 1_000_000
_OPEN = {TaskState.WAITING, TaskState.PENDING, TaskState.RUNNING, TaskState.SUSPENDED}


class Timeline:
    """Keeps the events of an engine: give it as ``on_event``, and ask it for a trace.

    Args:
        most_events: so many are kept, the last ones.
    """

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._events: deque[TaskEvent] = deque(maxlen=most_events)

    def __call__(self, event: TaskEvent) -> None:
        """Keep an event."""
        self._events.append(event)

    def events(self, run: str | None = None) -> list[TaskEvent]:
        """The events kept, of one run or of all."""
        return [event for event in self._events if run is None or event.run == run]

    def trace(self, run: str | None = None) -> str:
        """The events as a Chrome trace, of one run or of all."""
        return chrome_trace(self.events(run))


def chrome_trace(events: Iterable[TaskEvent]) -> str:
    """Events as JSON for chrome://tracing or ui.perfetto.dev.

    Each run is a process there, and each thread or process that worked for it a line of it; what
    waits, and what runs side by side on the event loop, is shown in lines by task.

    Source: "Trace Event Format" (Chromium): complete and nestable asynchronous events.
    """
    runs: dict[str, int] = {}
    lines: dict[tuple[int, str], int] = {}
    rows: list[dict[str, Any]] = []
    for begun, ended in _spans(events):
        run = runs.setdefault(begun.run, len(runs) + 1)
        worker = ended.worker if begun.state is TaskState.RUNNING else ""
        if worker in {"", ON_LOOP}:
            rows += _side_by_side(begun, ended, run)
        else:
            line = lines.setdefault((run, worker), len(lines) + 1)
            rows.append(_alone(begun, ended, run, line))
    names = [_named("process_name", run, 0, name or "tasks") for name, run in runs.items()]
    names += [_named("thread_name", run, line, name) for (run, name), line in lines.items()]
    return json.dumps({"traceEvents": names + rows, "displayTimeUnit": "ms"})


def _spans(events: Iterable[TaskEvent]) -> Iterator[tuple[TaskEvent, TaskEvent]]:
    """Each state that was left: the event that began it, and the one that ended it."""
    now: dict[str, TaskEvent] = {}
    for event in events:
        before = now.pop(event.task_id, None)
        if before is not None:
            yield before, event
        if event.state in _OPEN:
            now[event.task_id] = event


def _alone(begun: TaskEvent, ended: TaskEvent, run: int, line: int) -> dict[str, Any]:
    """A span on the line of its worker, which does one thing at a time."""
    row = _common(begun, ended, run) | {"ph": "X", "tid": line, "ts": _us(begun.at)}
    return row | {"dur": round(_us(ended.at) - _us(begun.at), 1)}


def _side_by_side(begun: TaskEvent, ended: TaskEvent, run: int) -> list[dict[str, Any]]:
    """A span that may overlap with others."""
    row = _common(begun, ended, run) | {"tid": 0, "id": begun.task_id}
    return [row | {"ph": "b", "ts": _us(begun.at)}, row | {"ph": "e", "ts": _us(ended.at)}]


def _common(begun: TaskEvent, ended: TaskEvent, run: int) -> dict[str, Any]:
    told = {"task": begun.task_id, "attempt": begun.attempt, "then": ended.state.value}
    return {"name": begun.name, "cat": begun.state.value, "pid": run, "args": told}


def _us(at: float) -> float:
    return round(at * 1e6, 1)


def _named(what: str, run: int, line: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": run, "tid": line, "args": {"name": name}}
