"""What requests and answers about schedules hold, as the OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import JobStatus
from wiseflow.core.schedules import Missed, Overlap, Schedule, ScheduleSpec

Tag = Annotated[str, Field(max_length=100)]


class ScheduleBody(BaseModel):
    """A research to be done again and again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "topic": "What is new in battery recycling?",
                    "cron": "0 7 * * MON",
                    "time_zone": "Europe/Berlin",
                }
            ]
        },
    )

    topic: Annotated[str, Field(min_length=1, max_length=10_000)]
    cron: Annotated[str, Field(min_length=1, max_length=200)]
    time_zone: Annotated[str, Field(min_length=1, max_length=200)] = "UTC"
    name: Annotated[str, Field(max_length=200)] = ""
    configuration: dict[str, object] = {}
    tags: Annotated[list[Tag], Field(max_length=50)] = []
    priority: TaskPriority = TaskPriority.NORMAL
    missed: Missed = Missed.RUN_ONCE
    overlap: Overlap = Overlap.SKIP
    enabled: bool = True

    def spec(self) -> ScheduleSpec:
        """What is asked for."""
        return ScheduleSpec(
            topic=self.topic,
            cron=self.cron,
            time_zone=self.time_zone,
            name=self.name,
            configuration=self.configuration,
            tags=tuple(self.tags),
            priority=self.priority,
            missed=self.missed,
            overlap=self.overlap,
            enabled=self.enabled,
        )


class EnabledBody(BaseModel):
    """Whether something is to work."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool


class ScheduleAnswer(BaseModel):
    """A schedule as it is now; times are seconds since the epoch."""

    id: str
    name: str
    topic: str
    cron: str
    time_zone: str
    configuration: dict[str, object]
    tags: list[str]
    priority: TaskPriority
    missed: Missed
    overlap: Overlap
    enabled: bool
    created_at: float
    next_run_at: float | None
    last_run_at: float | None
    last_research: str
    last_status: JobStatus | None
    failures_in_a_row: int
    overlaps_skipped: int
    standstills: int
    error: str

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleAnswer:
        """The answer that tells of a schedule."""
        spec = schedule.spec
        return cls(
            id=schedule.schedule_id,
            name=spec.name,
            topic=spec.topic,
            cron=spec.cron,
            time_zone=spec.time_zone,
            configuration=dict(spec.configuration),
            tags=list(spec.tags),
            priority=spec.priority,
            missed=spec.missed,
            overlap=spec.overlap,
            enabled=spec.enabled,
            created_at=schedule.created_at,
            next_run_at=schedule.next_at,
            last_run_at=schedule.last_at,
            last_research=schedule.last_job_id,
            last_status=schedule.last_status,
            failures_in_a_row=schedule.failures,
            overlaps_skipped=schedule.overlaps,
            standstills=schedule.missed,
            error=schedule.error,
        )


class SchedulePage(BaseModel):
    """Schedules, newest first; ``next`` is the ``after`` of the page that follows, or null."""

    schedules: list[ScheduleAnswer]
    next: str | None
