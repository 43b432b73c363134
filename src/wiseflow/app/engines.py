"""The engine, as the settings bound it."""

from __future__ import annotations

from collections.abc import Callable

from wiseflow.core.tasks import TaskEvent
from wiseflow.engine.machine import Machine
from wiseflow.engine.prediction import Predictor
from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.room import ResourceLimits
from wiseflow.engine.tasks import TaskManager
from wiseflow.settings.model import Settings


def engine(
    settings: Settings,
    *,
    predictor: Predictor | None = None,
    on_event: Callable[[TaskEvent], None] | None = None,
) -> TaskManager:
    """An engine within the limits of the settings."""
    limits = ResourceLimits(
        max_memory_percent=settings.max_memory_percent,
        max_cpu_percent=settings.max_cpu_percent,
        memory_interval_s=settings.memory_monitor_interval,
        cpu_interval_s=settings.cpu_monitor_interval,
    )
    machine = Machine(data_folder=settings.data_dir)
    return TaskManager(
        max_concurrent_tasks=settings.max_concurrent_tasks,
        max_thread_workers=settings.max_thread_workers,
        max_processes=settings.max_concurrent_tasks,
        on_event=on_event,
        predictor=predictor,
        resources=SmartResourceManager(limits, machine=machine),
    )
