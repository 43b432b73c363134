"""The statement that claims jobs.

Who goes first: those who submit (API keys) share the places, so that one with a thousand jobs
waiting does not keep out one with a single job. Each place goes to who has the fewest jobs running;
of several, to who has waited the longest since a job of his began. Among one's own jobs the most
urgent goes first, by priority with ageing. See ``docs/adr/0084-jobs-on-many-machines.md``.

Its cost does not grow with the number of jobs that wait: an index gives the first few jobs of each
who submits, and the order is made of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)

from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.prepared import Prepared
from wiseflow.storage.sql.tables import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How many jobs of a kind may run at once over all instances."""

    kind: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker asks for; see ``JobQueue.claim``."""

    owner: str
    lease_s: float
    limit: int
    kinds: Sequence[str]
    batch: str
    bound: Bound | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values for the statement."""
        values: dict[str, Any] = {"claimant": self.owner, "for_s": self.lease_s}
        return values | {"of_batch": self.batch} if self.batch else values

    def statement(self, dialect: str) -> Prepared:
        """The statement, built once for its kind: to build it costs more than to run it."""
        return _claim_statement(
            dialect, self.limit, tuple(self.kinds), in_batch=bool(self.batch), bound=self.bound
        )


@lru_cache(maxsize=256)
def _claim_statement(
    dialect: str, limit: int, kinds: tuple[str, ...], *, in_batch: bool, bound: Bound | None
) -> Prepared:
    """One statement that takes the best jobs and returns their rows, changed.

    A job that was asked to stop while nobody worked on it, or that was started often enough, is
    ended instead; its row is returned too.
    """
    depth = limit + SPARE
    firsts = _of_batch(depth, kinds) if in_batch else _of_each(dialect, depth, kinds)
    picked = _best(limit, firsts, bound)
    asked_to_stop = jobs.c.cancel_requested
    worn_out = jobs.c.attempt >= jobs.c.max_attempts
    ended = or_(asked_to_stop, worn_out)
    worn_out_error = literal("it was started ", Text) + cast(jobs.c.attempt, Text) + _NEVER_ENDED
    return Prepared(
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


_STARTED = jobs.c.started_at
_NEVER_ENDED = " times and its worker never came to an end"
# So many more than asked for are looked at, as other workers may be taking the first ones just now.
SPARE = 16
_CLAIMABLE = jobs.c.claimable_at <= now()
_RUNNING = and_(jobs.c.status == JobStatus.RUNNING.value, jobs.c.claimable_at > now())


def _best(limit: int, firsts: CTE, bound: Bound | None) -> CTE:
    """The ids of the jobs whose turn it is, locked where rows can be locked.

    Materialised, as a re-evaluated subquery would lock and take more than the limit.
    """
    order = _order(limit + SPARE, firsts, bound)
    return (
        select(jobs.c.job_id)
        .join(order, order.c.job_id == jobs.c.job_id)
        # Looked at again under the lock: another worker may have taken it since.
        .where(_CLAIMABLE)
        .order_by(*_keys(order))
        .limit(_number(limit))
        .with_for_update(skip_locked=True, of=jobs)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )


def _order(depth: int, firsts: CTE, bound: Bound | None) -> CTE:
    """The first jobs of all, with their ``_keys``; as few as a server needs to look them up."""
    shares = _shares(firsts)
    if bound is None:
        return select(shares).order_by(*_keys(shares)).limit(_number(depth)).cte("ordered")
    number = func.row_number().over(partition_by=shares.c.kind, order_by=_keys(shares))
    ranked = select(shares, number.label("of_kind")).cte("ranked")
    running = select(func.count()).where(jobs.c.kind == bound.kind, _RUNNING).scalar_subquery()
    fits = or_(ranked.c.kind != bound.kind, ranked.c.of_kind <= literal(bound.most) - running)
    return select(ranked).where(fits).order_by(*_keys(ranked)).limit(_number(depth)).cte("ordered")


def _keys(table: CTE) -> tuple[ColumnElement[Any], ...]:
    """What decides whose turn it is."""
    return table.c.share, table.c.latest, table.c.claim_order, table.c.job_id


def _shares(firsts: CTE) -> CTE:
    """The first jobs of each who submits, with what decides between them.

    ``share`` is how many jobs of who submitted it run once this one does, and ``latest`` when one
    of his began last.
    """
    busy = (
        select(jobs.c.submitter, func.count().label("running"))
        .where(_RUNNING)
        .group_by(jobs.c.submitter)
        .cte("busy")
    )
    latest = (
        select(jobs.c.started_at)
        .where(jobs.c.submitter == firsts.c.submitter, jobs.c.started_at.is_not(None))
        .order_by(jobs.c.started_at.desc())
        .limit(_number(1))
        .scalar_subquery()
    )
    number = func.row_number().over(
        partition_by=firsts.c.submitter, order_by=(firsts.c.claim_order, firsts.c.job_id)
    )
    return (
        select(
            firsts.c.job_id,
            firsts.c.kind,
            firsts.c.claim_order,
            (func.coalesce(busy.c.running, 0) + number).label("share"),
            func.coalesce(latest, 0.0).label("latest"),
        )
        .join_from(firsts, busy, busy.c.submitter == firsts.c.submitter, isouter=True)
        .cte("shares")
    )


def _of_batch(depth: int, kinds: tuple[str, ...]) -> CTE:
    """The first jobs of one command's batch."""
    return (
        select(jobs.c.job_id, jobs.c.kind, jobs.c.submitter, jobs.c.claim_order)
        .where(
            _CLAIMABLE,
            jobs.c.kind.in_([literal(kind, Text) for kind in kinds]),
            jobs.c.batch == bindparam("of_batch", type_=jobs.c.batch.type),
        )
        .order_by(jobs.c.claim_order, jobs.c.job_id)
        .limit(_number(depth))
        .cte("firsts")
    )


def _of_each(dialect: str, depth: int, kinds: tuple[str, ...]) -> CTE:
    """The first jobs of each who submits, of each kind."""
    lines = _lines(kinds)
    first = (
        select(jobs.c.job_id, jobs.c.kind, jobs.c.submitter, jobs.c.claim_order)
        .where(
            jobs.c.kind == lines.c.kind,
            jobs.c.submitter == lines.c.submitter,
            jobs.c.claimable_at.is_not(None),
            _CLAIMABLE,
        )
        .order_by(jobs.c.claim_order, jobs.c.job_id)
        .limit(_number(depth))
    )
    if dialect == "postgresql":
        found = first.lateral("found")
        return select(found).join_from(lines, found, true()).cte("firsts")
    # SQLite knows no lateral join, and takes this for one look at the index for each line.
    of_line = first.with_only_columns(jobs.c.job_id).correlate(lines)
    found = jobs.alias("found")
    return (
        select(found.c.job_id, found.c.kind, found.c.submitter, found.c.claim_order)
        .join_from(lines, found, found.c.job_id.in_(of_line))
        .cte("firsts")
    )


def _lines(kinds: tuple[str, ...]) -> CTE:
    """The kinds with who has claimable or running jobs of them, each found by one look at an index.

    Source: https://wiki.postgresql.org/wiki/Loose_indexscan
    """
    asked = union_all(*[select(literal(kind, Text).label("kind")) for kind in kinds]).subquery()
    # In the order of the index for claims, which no other has.
    least = (
        select(jobs.c.submitter)
        .where(jobs.c.claimable_at.is_not(None))
        .order_by(jobs.c.submitter, jobs.c.claim_order, jobs.c.job_id)
        .limit(_number(1))
    )
    lines = select(
        asked.c.kind, least.where(jobs.c.kind == asked.c.kind).scalar_subquery().label("submitter")
    ).cte("lines", recursive=True)
    following = least.where(jobs.c.kind == lines.c.kind, jobs.c.submitter > lines.c.submitter)
    return lines.union_all(
        select(lines.c.kind, following.scalar_subquery()).where(lines.c.submitter.is_not(None))
    )


def _number(count: int) -> ColumnElement[int]:
    """A limit written out, as a prepared plan for any limit would sort all that is pending."""
    return literal_column(str(int(count)), Integer)
