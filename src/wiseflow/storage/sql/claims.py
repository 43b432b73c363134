"""The statement that claims jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    String,
    Text,
    bindparam,
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

    @property
    def values(self) -> dict[str, Any]:
        """The values for the statement."""
        values: dict[str, Any] = {"claimant": self.owner, "for_s": self.lease_s}
        return values | {"of_batch": self.batch} if self.batch else values

    @property
    def statement(self) -> ReturningUpdate[tuple[Any, ...]]:
        """The statement, built once for its kind: to build it costs more than to run it."""
        return _claim_statement(self.limit, tuple(self.kinds), in_batch=bool(self.batch))


@lru_cache(maxsize=256)
def _claim_statement(
    limit: int, kinds: tuple[str, ...], *, in_batch: bool
) -> ReturningUpdate[tuple[Any, ...]]:
    """One statement that takes the best jobs and returns their rows, changed.

    A job that was asked to stop while nobody worked on it, or that was started often enough, is
    ended instead; its row is returned too.
    """
    picked = _best(limit, kinds, in_batch=in_batch)
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
            lease_owner=case(
                (ended, ""), else_=bindparam("claimant", type_=jobs.c.lease_owner.type)
            ),
            claimable_at=case((ended, null()), else_=now() + bindparam("for_s", type_=Double)),
            started_at=case((ended, jobs.c.started_at), else_=func.coalesce(_STARTED, now())),
            completed_at=case((ended, now()), else_=null()),
        )
        .returning(*jobs.c)
    )


_CLAIMANT = bindparam("claimant", type_=jobs.c.lease_owner.type)
_STARTED = jobs.c.started_at
_NEVER_ENDED = " times and its worker never came to an end"


def _best(limit: int, kinds: tuple[str, ...], *, in_batch: bool) -> CTE:
    """The ids of the jobs whose turn it is, locked where rows can be locked.

    Materialised, as a re-evaluated subquery would lock and take more than the limit.
    """
    conditions: list[ColumnElement[bool]] = [jobs.c.claimable_at <= now(), jobs.c.kind.in_(kinds)]
    if in_batch:
        conditions.append(jobs.c.batch == bindparam("of_batch", type_=jobs.c.batch.type))
    return (
        select(jobs.c.job_id)
        .where(*conditions)
        .order_by(jobs.c.claim_order, jobs.c.job_id)
        # Written out, as a prepared plan for any limit would sort all that is pending.
        .limit(literal_column(str(int(limit))))
        .with_for_update(skip_locked=True)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
