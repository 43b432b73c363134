"""What requests and answers hold, as the OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from wiseflow.app.service import NewResearch
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import Job, JobStatus, StopReason


class ResearchBody(BaseModel):
    """A research to be done."""

    model_config = ConfigDict(extra="forbid")

    topic: Annotated[str, Field(min_length=1, max_length=10_000)]
    configuration: dict[str, object] = {}
    priority: TaskPriority = TaskPriority.NORMAL
    tags: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] = []
    metadata: dict[str, object] = {}

    def new_research(self, idempotency_key: str = "") -> NewResearch:
        """What is asked for."""
        return NewResearch(
            topic=self.topic,
            configuration=self.configuration,
            priority=self.priority,
            tags=tuple(self.tags),
            metadata=self.metadata,
            idempotency_key=idempotency_key,
        )


class ResearchAnswer(BaseModel):
    """A research as it is now; times are seconds since the epoch."""

    id: str
    topic: str
    status: JobStatus
    progress: float
    partial: bool
    stop_reason: StopReason | None
    error: str
    cost: float | None
    priority: TaskPriority
    tags: list[str]
    metadata: dict[str, object]
    created_at: float
    started_at: float | None
    completed_at: float | None

    @classmethod
    def of(cls, job: Job) -> ResearchAnswer:
        """The answer that tells of a job."""
        return cls(
            id=job.job_id,
            topic=job.title,
            status=job.status,
            progress=job.progress,
            partial=job.partial,
            stop_reason=job.stop_reason,
            error=job.error,
            cost=job.cost,
            priority=job.priority,
            tags=list(job.tags),
            metadata=dict(job.metadata),
            created_at=job.created_at,
            started_at=job.started_at,
            completed_at=job.completed_at,
        )
