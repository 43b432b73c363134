"""What is told of a task."""

from __future__ import annotations

from wiseflow.core.tasks import TaskRecord
from wiseflow.engine.decisions import Task
from wiseflow.engine.work import Work


def record_of(task: Task, now: float) -> TaskRecord:
    """What is known of a task at the time ``now``, by the engine's clock, in seconds."""
    spec, begun = task.spec, task.attempt > 0
    work: Work = task.work
    until = task.ended_at if task.state.final else now
    return TaskRecord(
        task_id=spec.task_id,
        name=work.request.name,
        kind=work.kind,
        priority=spec.priority,
        run=spec.run,
        parent=spec.parent,
        state=task.state,
        attempts=task.attempt,
        submitted_at=task.submitted_at,
        started_at=task.started_at if begun else None,
        ended_at=task.ended_at if task.state.final else None,
        queue_s=max((task.started_at if begun else until) - task.ready_at, 0.0),
        run_s=max(until - task.started_at, 0.0) if begun else 0.0,
        cause=task.cause,
        worker=work.usage.worker if begun else "",
        cpu_s=work.usage.cpu_s,
        memory_bytes=work.usage.memory_bytes,
    )
