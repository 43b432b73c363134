"""Jobs as rows and rows as jobs, and the conditions that several statements share."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobRequest, JobStatus, Lease, StopReason
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.tables import jobs

# Whether a job's row still belongs to the worker with a lease, which `held` gives the values of.
# Statements with it can be built once: to build one costs more than to run it.
HELD = and_(
    jobs.c.job_id == bindparam("held_job_id", type_=jobs.c.job_id.type),
    jobs.c.lease_token == bindparam("held_token", type_=jobs.c.lease_token.type),
    jobs.c.status == JobStatus.RUNNING.value,
)


def held(lease: Lease) -> dict[str, Any]:
    """The values for ``HELD``."""
    return {"held_job_id": lease.job_id, "held_token": lease.token}


def turn_of_row(ageing_s: float) -> ColumnElement[float]:
    """When a stored job that is claimable from now on has its turn."""
    handicaps = {level.value: level.rank * ageing_s for level in TaskPriority}
    return now() + case(handicaps, value=jobs.c.priority, else_=0.0)


def new_row(request: JobRequest, ageing_s: float) -> dict[str, Any]:
    """The values of a new job's row that the request decides.

    ``handicap_s`` is no column: it is how much later than now the job has its turn.
    """
    return {
        "handicap_s": request.priority.rank * ageing_s,
        "job_id": new_id(),
        "kind": request.kind,
        "payload": as_json(request.payload),
        "title": request.title,
        "priority": request.priority.value,
        "tags": as_json(request.tags),
        "metadata": as_json(request.metadata),
        "batch": request.batch,
        "idempotency_key": request.idempotency_key or None,
        "max_attempts": request.max_attempts,
        "tenant": request.tenant,
        "submitter": request.submitter,
    }


FRESH: dict[str, Any] = {
    "status": JobStatus.PENDING.value,
    "claimable_at": 0.0,
    "progress": 0.0,
    "partial": False,
    "error": "",
    "attempt": 0,
    "cancel_requested": False,
    "lease_owner": "",
    "lease_token": 0,
    "event_count": 0,
}


def to_job(row: Any) -> Job:
    """The job that a row of ``jobs`` holds."""
    return Job(
        job_id=row.job_id,
        kind=row.kind,
        payload=_from_json(row.payload),
        title=row.title,
        status=JobStatus(row.status),
        priority=TaskPriority(row.priority),
        tags=() if row.tags == "[]" else tuple(json.loads(row.tags)),
        metadata=_from_json(row.metadata),
        batch=row.batch,
        idempotency_key=row.idempotency_key or "",
        progress=float(row.progress),
        partial=bool(row.partial),
        stop_reason=StopReason(row.stop_reason) if row.stop_reason else None,
        error=row.error,
        cost=row.cost,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        cancel_requested=bool(row.cancel_requested),
        lease_owner=row.lease_owner,
        lease_token=row.lease_token,
        lease_expires_at=row.claimable_at if row.status == JobStatus.RUNNING.value else None,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        delivered_at=row.delivered_at,
        tenant=row.tenant,
        submitter=row.submitter,
    )


def _from_json(text: str) -> dict[str, Any]:
    return {} if text == "{}" else json.loads(text)


def as_json(value: object) -> str:
    """Compact JSON in ASCII, so that any string can be stored."""
    return json.dumps(value, separators=(",", ":"))
