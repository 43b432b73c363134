"""The statement that claims jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    String,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.tables import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker asks for; see ``JobQueue.claim``."""

    owner: str
    lease_s: float
    limit: int
    kinds: Sequence[str]
    batch: str


def claim_statement(claim: Claim) -> ReturningUpdate[tuple[Any, ...]]:
    """One statement that takes the best jobs and returns their rows, changed.

    A job that was asked to stop while nobody worked on it, or that was started often enough, is
    ended instead; its row is returned too.
    """
    picked = _best(claim)
    asked_to_stop = jobs.c.cancel_requested
    worn_out = jobs.c.attempt >= jobs.c.max_attempts
    ended = or_(asked_to_stop, worn_out)
    worn_out_error = literal("it was started ", Text) + cast(jobs.c.attempt, Text) + _NEVER_ENDED
    return (
        update(jobs)
        .where(jobs.c.job_id.in_(select(picked.c.job_id)))
        .values(
            status=case(
                (asked_to_stop, JobStatus.CANCELLED.value),
                (worn_out, JobStatus.FAILED.value),
                else_=JobStatus.RUNNING.value,
            ),
            stop_reason=case(
                (asked_to_stop, literal(StopReason.CANCELLED.value, String)),
                (worn_out, StopReason.ERROR.value),
                else_=null(),
            ),
            error=case((asked_to_stop, ""), (worn_out, worn_out_error), else_=""),
            attempt=jobs.c.attempt + case((ended, 0), else_=1),
            lease_token=jobs.c.lease_token + 1,
            lease_owner=case((ended, ""), else_=claim.owner),
            claimable_at=case((ended, null()), else_=now() + claim.lease_s),
            started_at=case((ended, jobs.c.started_at), else_=func.coalesce(_STARTED, now())),
            completed_at=case((ended, now()), else_=null()),
        )
        .returning(*jobs.c)
    )


_STARTED = jobs.c.started_at
_NEVER_ENDED = " times and its worker never came to an end"


def _best(claim: Claim) -> CTE:
    """The ids of the jobs whose turn it is, locked where rows can be locked.

    Materialised, as a re-evaluated subquery would lock and take more than the limit.
    """
    conditions: list[ColumnElement[bool]] = [
        jobs.c.claimable_at <= now(),
        jobs.c.kind.in_(claim.kinds),
    ]
    if claim.batch:
        conditions.append(jobs.c.batch == claim.batch)
    return (
        select(jobs.c.job_id)
        .where(*conditions)
        .order_by(jobs.c.claim_order, jobs.c.job_id)
        # Written out, as a prepared plan for any limit would sort all that is pending.
        .limit(literal_column(str(int(claim.limit))))
        .with_for_update(skip_locked=True)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
