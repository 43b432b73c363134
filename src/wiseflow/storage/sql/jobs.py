"""The durable queue in SQL.

A worker's write carries its lease's token in the very statement that changes the row, so that a
worker that lost its lease changes nothing, however late it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    String,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)

from wiseflow.core.errors import IllegalTransition, LeaseLost
from wiseflow.core.jobs import Approval, Job, JobRequest, JobStatus, Lease, Outcome, StopReason
from wiseflow.core.transitions import ENDINGS, Move, after
from wiseflow.storage.sql.approvals import write_approval
from wiseflow.storage.sql.claims import Bound, Claim
from wiseflow.storage.sql.connection import Connection, Unit
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.job_reader import SqlJobReader, read_job
from wiseflow.storage.sql.job_rows import FRESH, HELD, held, new_row, to_job, turn_of_row
from wiseflow.storage.sql.prepared import Prepared
from wiseflow.storage.sql.retired import chunks, erase_uncited, needed_by
from wiseflow.storage.sql.tables import job_tags, jobs
from wiseflow.storage.sql.tallies import tally_erased, tally_undone
from wiseflow.storage.sql.waking import Announcer, LocalWakeUps

T = TypeVar("T")

AGEING_S = 60.0
_MANY = 1_000
_PROGRESS = Prepared(update(jobs).where(HELD).values(progress=bindparam("reached", type_=Double)))
_FINAL = bindparam("is_final", type_=Boolean)
# A job that is to wait for a person, and that somebody asked to stop before that was written: its
# worker did not hear of it any more, and nobody else would stop it.
_UNHEARD = and_(jobs.c.cancel_requested, not_(_FINAL))
_FINISH = Prepared(
    update(jobs)
    .where(HELD)
    .values(
        status=case(
            (_UNHEARD, JobStatus.CANCELLED.value),
            else_=bindparam("ends_as", type_=jobs.c.status.type),
        ),
        partial=bindparam("is_partial", type_=Boolean),
        stop_reason=case(
            (_UNHEARD, StopReason.CANCELLED.value),
            else_=bindparam("for_reason", type_=jobs.c.stop_reason.type),
        ),
        error=bindparam("with_error", type_=jobs.c.error.type),
        cost=bindparam("at_cost", type_=Double),
        claimable_at=null(),
        completed_at=case((or_(_FINAL, jobs.c.cancel_requested), now()), else_=null()),
        lease_owner="",
        progress=case((bindparam("is_whole", type_=Boolean), 1.0), else_=jobs.c.progress),
    )
)
# Any number that no other program takes on the same server: "claiming" in ASCII.
_CLAIMING = select(func.pg_advisory_xact_lock(int.from_bytes(b"claiming", "big")))


class SqlJobQueue(SqlJobReader):
    """The queue; see ``JobQueue``.

    Args:
        database: where it is kept.
        ageing_s: a job that has waited so long goes as if it were one rank more urgent.
        announcer: is told when jobs can be claimed; nobody when ``None``.
        bound: on how many run at once everywhere.
    """

    def __init__(
        self,
        database: Database,
        *,
        ageing_s: float = AGEING_S,
        announcer: Announcer | None = None,
        bound: Bound | None = None,
    ) -> None:
        super().__init__(database)
        self._ageing_s = ageing_s
        self._announcer = announcer or LocalWakeUps()
        self._bound = bound

    async def submit(self, requests: Sequence[JobRequest]) -> list[str]:
        """Add jobs, all or none; their ids in order."""
        return await self._announced(self.submitting(requests)) if requests else []

    def submitting(self, requests: Sequence[JobRequest]) -> Unit[list[str]]:
        """The unit of work that adds jobs, to be made part of a larger one."""
        rows = [new_row(request, self._ageing_s) for request in requests]

        async def unit(connection: Connection) -> list[str]:
            await _insert(connection, rows)
            keys = [row["idempotency_key"] for row in rows if row["idempotency_key"]]
            made = await _ids_by_key(connection, keys)
            ids: list[str] = [made.get(row["idempotency_key"]) or row["job_id"] for row in rows]
            known = {row["job_id"] for row in rows}.intersection(ids)
            await _tag(connection, zip(rows, requests, strict=True), known)
            await self._announcer.within(connection, len(known))
            return ids

        return unit

    async def claim(
        self, owner: str, *, lease_s: float, limit: int, kinds: Sequence[str], batch: str = ""
    ) -> list[tuple[Job, Lease]]:
        """Up to ``limit`` of the best jobs, running now."""

        async def unit(connection: Connection) -> list[tuple[Job, Lease]]:
            claimed: list[Any] = []
            ended = True
            dialect = connection.dialect.name
            if self._bound is not None and dialect == "postgresql":
                # One after the other: two that count at once would both take the last place.
                await connection.execute(_CLAIMING)
            # Each further round is for places that jobs took which were ended, not claimed.
            while ended and (room := limit - len(claimed)) > 0:
                claim = Claim(
                    owner=owner,
                    lease_s=lease_s,
                    limit=room,
                    kinds=kinds,
                    batch=batch,
                    bound=self._bound,
                )
                rows = await claim.statement(dialect).rows(connection, claim.values)
                running = [row for row in rows if row.status == JobStatus.RUNNING.value]
                ended = len(running) < len(rows)
                claimed += running
            claimed.sort(key=lambda row: (row.claim_order, row.job_id))
            return [(job := to_job(row), _lease(job)) for row in claimed]

        # Each round is whole by itself; but the lock of a bound lasts for a transaction.
        return await self._database.write(unit, alone=self._bound is None)

    async def heartbeat(self, leases: Sequence[Lease], *, lease_s: float) -> dict[str, str]:
        """Extend leases. What is wrong by job id: ``lost`` or ``cancelled``."""
        if not leases:
            return {}
        held = [(lease.job_id, lease.token) for lease in leases]
        statement = (
            update(jobs)
            .where(
                tuple_(jobs.c.job_id, jobs.c.lease_token).in_(held),
                jobs.c.status == JobStatus.RUNNING.value,
            )
            .values(claimable_at=now() + lease_s)
            .returning(jobs.c.job_id, jobs.c.cancel_requested)
        )

        async def unit(connection: Connection) -> dict[str, bool]:
            return dict((await connection.execute(statement)).all())

        kept = await self._database.write(unit, alone=True)
        states = {lease.job_id: kept.get(lease.job_id) for lease in leases}
        wrong = {None: "lost", True: "cancelled"}
        return {job_id: wrong[asked] for job_id, asked in states.items() if asked is not False}

    async def progress(self, lease: Lease, fraction: float) -> None:
        """Note how far the job is (0.0–1.0). Raises ``LeaseLost``."""
        await self._write_as(lease, _PROGRESS, {"reached": min(max(fraction, 0.0), 1.0)})

    async def finish(self, lease: Lease, outcome: Outcome) -> None:
        """End a job; one that is to await approval, but was asked to stop, is cancelled.

        Raises ``LeaseLost``, or ``IllegalTransition`` for a status that ends none.
        """
        move = ENDINGS.get(outcome.status)
        if move is None:
            running = JobStatus.RUNNING
            raise IllegalTransition(lease.job_id, running, f"end as {outcome.status}")
        status = after(lease.job_id, JobStatus.RUNNING, move)
        values: dict[str, Any] = {
            "ends_as": status.value,
            "is_partial": outcome.partial,
            "for_reason": outcome.stop_reason and outcome.stop_reason.value,
            "with_error": outcome.error,
            "at_cost": outcome.cost,
            "is_final": status.final,
            "is_whole": status is JobStatus.COMPLETED,
        }
        # A place that is free again may be what a worker elsewhere waits for.
        await self._write_as(lease, _FINISH, values, announced=self._bound is not None)

    async def release(self, lease: Lease, stop_reason: StopReason) -> None:
        """Give a running job back as pending; its attempt does not count. Raises ``LeaseLost``."""
        await self._give_back(
            lease, 0.0, {"stop_reason": stop_reason.value, "attempt": jobs.c.attempt - 1}
        )

    async def retry(
        self, lease: Lease, error: str, *, delay_s: float = 0.0, counted: bool = True
    ) -> None:
        """Give a job back as pending after an error. Raises ``LeaseLost``."""
        attempt = jobs.c.attempt - (0 if counted else 1)
        await self._give_back(lease, now() + delay_s, {"error": error, "attempt": attempt})

    async def running_owners(self) -> list[str]:
        """The instances that hold a lease now."""
        statement = (
            select(jobs.c.lease_owner)
            .where(jobs.c.status == JobStatus.RUNNING.value, jobs.c.claimable_at > now())
            .distinct()
        )

        async def unit(connection: Connection) -> list[str]:
            return list(await connection.scalars(statement))

        return await self._database.read(unit)

    async def expire(self, owner: str) -> int:
        """End the leases of an instance known to be dead; how many there were."""
        statement = (
            update(jobs)
            .where(jobs.c.status == JobStatus.RUNNING.value, jobs.c.lease_owner == owner)
            .where(jobs.c.claimable_at > now())
            .values(claimable_at=now())
        )

        async def unit(connection: Connection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self._database.write(unit)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job, or ask its worker to stop. Raises ``NotFound``, ``IllegalTransition``.

        A running job whose lease ran out has no worker to ask: it is cancelled, and its token grows
        so that a worker that wakes up late can write nothing.
        """
        held = (jobs.c.status == JobStatus.RUNNING.value) & (jobs.c.claimable_at > now())
        values = {
            "cancel_requested": held,
            "status": case((held, jobs.c.status), else_=JobStatus.CANCELLED.value),
            "stop_reason": case((held, jobs.c.stop_reason), else_=StopReason.CANCELLED.value),
            "lease_owner": case((held, jobs.c.lease_owner), else_=""),
            "lease_token": jobs.c.lease_token + case((held, 0), else_=1),
            "claimable_at": case((held, jobs.c.claimable_at), else_=None),
            "completed_at": case((held, jobs.c.completed_at), else_=now()),
        }
        return await self._move(job_id, Move.CANCEL, values)

    async def resume(self, job_id: str) -> Job:
        """Make an ended job pending again. Raises ``NotFound``, ``IllegalTransition``."""
        return await self._move(job_id, Move.RESUME, self._pending_again())

    async def approve(self, job_id: str, approval: Approval) -> Job:
        """Make a job that awaits approval pending. Raises ``NotFound``, ``IllegalTransition``."""

        async def unit(connection: Connection) -> Job:
            approved = await write_approval(connection, job_id, approval, self._pending_again())
            job = await read_job(connection, job_id)
            if not approved:
                raise IllegalTransition(job_id, job.status, Move.APPROVE)
            await self._announcer.within(connection, 1)
            return job

        return await self._announced(unit)

    async def delete(self, job_id: str) -> None:
        """Erase a job and all it made. Raises ``NotFound``, ``IllegalTransition``."""

        async def unit(connection: Connection) -> None:
            job = await read_job(connection, job_id, lock=True)
            after(job_id, job.status, Move.DELETE)
            await tally_erased(connection, job)
            needed = await needed_by(connection, job_id)
            await connection.execute(delete(jobs).where(jobs.c.job_id == job_id))
            await erase_uncited(connection, needed)

        await self._database.write(unit)

    async def regroup(self, job_ids: Sequence[str], batch: str) -> None:
        """Make jobs part of another batch, which has not handed them over."""
        if not job_ids:
            return
        statement = (
            update(jobs)
            .where(jobs.c.job_id == bindparam("regrouped"))
            .values(batch=batch, delivered_at=None)
        )

        async def unit(connection: Connection) -> None:
            await connection.execute(statement, [{"regrouped": job_id} for job_id in job_ids])

        await self._database.write(unit)

    async def mark_delivered(self, job_ids: Sequence[str]) -> None:
        """Note that the results of these jobs were handed over."""
        if not job_ids:
            return
        statement = (
            update(jobs).where(jobs.c.job_id == bindparam("delivered")).values(delivered_at=now())
        )

        async def unit(connection: Connection) -> None:
            await connection.execute(statement, [{"delivered": job_id} for job_id in job_ids])

        await self._database.write(unit)

    def _pending_again(self) -> dict[str, Any]:
        return {
            "status": JobStatus.PENDING.value,
            "claim_order": turn_of_row(self._ageing_s),
            "claimable_at": 0.0,
            "stop_reason": None,
            "error": "",
            "attempt": 0,
            "cancel_requested": False,
            "completed_at": None,
            "delivered_at": None,
        }

    async def _move(self, job_id: str, move: Move, values: Mapping[str, Any]) -> Job:
        """The job after a move; as it is when the move leads nowhere else by itself."""

        async def unit(connection: Connection) -> Job:
            job = await read_job(connection, job_id, lock=True)
            target = after(job_id, job.status, move)
            if target is job.status and move is Move.RESUME:
                return job
            await tally_undone(connection, job)
            await connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
            if target is JobStatus.PENDING:
                await self._announcer.within(connection, 1)
            return await read_job(connection, job_id)

        return await self._announced(unit)

    async def _give_back(
        self, lease: Lease, claimable_at: float | ColumnElement[float], values: Mapping[str, Any]
    ) -> None:
        """Pending again, or cancelled if somebody asked for that meanwhile."""
        asked = jobs.c.cancel_requested
        given_back: dict[str, Any] = {
            "status": case((asked, JobStatus.CANCELLED.value), else_=JobStatus.PENDING.value),
            "claimable_at": case((asked, None), else_=claimable_at),
            "completed_at": case((asked, now()), else_=None),
            "lease_owner": "",
            **values,
        }
        given_back["stop_reason"] = case(
            (asked, StopReason.CANCELLED.value),
            else_=literal(given_back.get("stop_reason"), String),
        )
        statement = Prepared(update(jobs).where(HELD).values(**given_back))
        await self._write_as(lease, statement, {}, announced=True)

    async def _write_as(
        self,
        lease: Lease,
        statement: Prepared,
        values: Mapping[str, Any],
        *,
        announced: bool = False,
    ) -> None:
        async def unit(connection: Connection) -> None:
            if await statement.changes(connection, {**values, **held(lease)}) == 0:
                raise LeaseLost(lease.job_id)
            if announced:
                await self._announcer.within(connection, 1)

        await (self._announced(unit) if announced else self._database.write(unit, alone=True))

    async def _announced(self, unit: Unit[T]) -> T:
        """What a unit gives that made jobs claimable, and said so within."""
        result = await self._database.write(unit)
        self._announcer.afterwards()
        return result


def _lease(job: Job) -> Lease:
    return Lease(job_id=job.job_id, owner=job.lease_owner, token=job.lease_token)


async def _insert(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new jobs; one whose idempotency key is known is left out.

    The update that changes nothing locks the known row, so that it cannot be deleted before its id
    is read.
    """
    statement = upsert(connection, jobs).values(
        **FRESH,
        **{name: bindparam(name) for name in rows[0] if name != "handicap_s"},
        created_at=now(),
        claim_order=now() + bindparam("handicap_s", type_=Double),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["idempotency_key"],
        set_={"idempotency_key": statement.excluded.idempotency_key},
    )
    await connection.execute(statement, list(rows))
    if len(rows) >= _MANY and connection.dialect.name == "postgresql":
        # Until the server next counts by itself, it would take the table for small and sort it.
        await connection.execute(text("ANALYZE jobs"))


async def _ids_by_key(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    made: dict[str, str] = {}
    for some in chunks(keys):
        statement = select(jobs.c.idempotency_key, jobs.c.job_id).where(
            jobs.c.idempotency_key.in_(some)
        )
        for row in await connection.execute(statement):
            made[row.idempotency_key] = row.job_id
    return made


async def _tag(
    connection: Connection, requests: Iterable[tuple[Mapping[str, Any], JobRequest]], made: set[str]
) -> None:
    rows = [
        {"tag": tag, "job_id": row["job_id"]}
        for row, request in requests
        if row["job_id"] in made
        for tag in dict.fromkeys(request.tags)
    ]
    if rows:
        await connection.execute(insert(job_tags), rows)
