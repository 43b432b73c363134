"""What was decided on a job that awaited approval, in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from wiseflow.core.jobs import Approval, JobStatus
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.events import append_event
from wiseflow.storage.sql.tables import jobs, steps

APPROVED = "approved"


async def write_approval(
    connection: Connection, job_id: str, approval: Approval, values: Mapping[str, Any]
) -> bool:
    """Whether the job awaited approval; its row then has ``values``, and its journal the decision.

    One statement sees the status, changes it, and counts the event, so that of two who approve at
    once one does, and the event's number has no gap.
    """
    statement = (
        update(jobs)
        .where(jobs.c.job_id == job_id, jobs.c.status == JobStatus.AWAITING_APPROVAL.value)
        .values(event_count=jobs.c.event_count + 1, **values)
        .returning(jobs.c.event_count)
    )
    number = await connection.scalar(statement)
    if number is None:
        return False
    kept = upsert(connection, steps).values(
        job_id=job_id, step_key=approval.step_key, result=approval.result, at=now()
    )
    await connection.execute(
        kept.on_conflict_do_update(
            index_elements=["job_id", "step_key"],
            set_={"result": kept.excluded.result, "at": kept.excluded.at},
        )
    )
    await append_event(connection, job_id, number, APPROVED, approval.data)
    return True
