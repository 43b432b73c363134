"""Numbered events in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    Double,
    Integer,
    Text,
    bindparam,
    case,
    func,
    insert,
    select,
    true,
    update,
)

from wiseflow.core.errors import LeaseLost
from wiseflow.core.following import Head
from wiseflow.core.jobs import Event, JobStatus, Lease, StepNews
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.job_rows import HELD, as_json, held
from wiseflow.storage.sql.prepared import Prepared
from wiseflow.storage.sql.retired import chunks
from wiseflow.storage.sql.tables import events as rows_of_events
from wiseflow.storage.sql.tables import jobs


class SqlEventStore:
    """Events of jobs; see ``EventStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self, lease: Lease, events: Sequence[tuple[str, Mapping[str, object]]]
    ) -> None:
        """Append ``(type, data)`` pairs in order. Raises ``LeaseLost``."""
        if not events:
            return
        news = StepNews(events=tuple(events))

        async def unit(connection: Connection) -> None:
            await write_news(connection, lease, news)

        await self._database.write(unit)

    async def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """The events with a number greater than ``after``, oldest first."""
        statement = (
            select(rows_of_events)
            .where(rows_of_events.c.job_id == job_id, rows_of_events.c.number > after)
            .order_by(rows_of_events.c.number)
            .limit(limit)
        )

        async def unit(connection: Connection) -> list[Event]:
            return [
                Event(
                    job_id=row.job_id,
                    number=row.number,
                    at=row.at,
                    type=row.type,
                    data=json.loads(row.data),
                )
                for row in await connection.execute(statement)
            ]

        return await self._database.read(unit)

    async def heads(self, job_ids: Sequence[str]) -> dict[str, Head]:
        """How far the events of jobs have come; one that is not there is left out."""
        found: dict[str, Head] = {}

        async def unit(connection: Connection) -> None:
            for some in chunks(job_ids):
                statement = select(jobs.c.job_id, jobs.c.event_count, jobs.c.status).where(
                    jobs.c.job_id.in_(some)
                )
                for row in await connection.execute(statement):
                    status = JobStatus(row.status)
                    found[row.job_id] = Head(number=row.event_count, status=status)

        await self._database.read(unit)
        return found


async def write_news(connection: Connection, lease: Lease, news: StepNews) -> None:
    """Append events and note progress. Raises ``LeaseLost``.

    Counting the events up on the job's row checks the lease and keeps others out until the events
    are committed, so that numbers have no gaps and appear in order.
    """
    progress = None if news.progress is None else min(max(news.progress, 0.0), 1.0)
    values = {"more": len(news.events), "reached": progress}
    last = await _COUNT.first(connection, values | held(lease))
    if last is None:
        raise LeaseLost(lease.job_id)
    first = last - len(news.events) + 1
    rows = [
        {"job_id": lease.job_id, "number": number, "type": kind, "data": as_json(data)}
        for number, (kind, data) in enumerate(news.events, first)
    ]
    if rows:
        await _APPEND.each(connection, rows)


async def append_event(
    connection: Connection, job_id: str, number: int, kind: str, data: Mapping[str, object]
) -> None:
    """Append one event whose number the same transaction has counted on the job's row."""
    row = {"job_id": job_id, "number": number, "type": kind, "data": as_json(data)}
    await _APPEND.each(connection, [row])


def news_values(news: StepNews) -> dict[str, Any]:
    """The values for ``count_up`` and ``tell``."""
    progress = None if news.progress is None else min(max(news.progress, 0.0), 1.0)
    return {
        "more": len(news.events),
        "reached": progress,
        "types": [kind for kind, _ in news.events],
        "texts": [as_json(data) for _, data in news.events],
    }


def count_up() -> CTE:
    """The job's row with the number of its last event, counted up if the lease holds."""
    return _COUNT_UP.cte("counted")


def tell(counted: CTE) -> CTE:
    """The events appended to a job that was counted up, by one statement; PostgreSQL only."""
    told = (
        func.unnest(bindparam("types", type_=ARRAY(Text)), bindparam("texts", type_=ARRAY(Text)))
        .table_valued("type", "data", with_ordinality="place")
        .render_derived(name="told")
    )
    number = counted.c.event_count - bindparam("more", type_=Integer) + told.c.place
    row = select(counted.c.job_id, number, now(), told.c.type, told.c.data).join_from(
        counted, told, true()
    )
    columns = ["job_id", "number", "at", "type", "data"]
    return insert(rows_of_events).from_select(columns, row).cte("told_events")


_REACHED = bindparam("reached", type_=Double)
_COUNTED = (
    update(jobs)
    .where(HELD)
    .values(
        event_count=jobs.c.event_count + bindparam("more", type_=Integer),
        # Branches side by side may be committed in another order than they got there.
        progress=case((jobs.c.progress < _REACHED, _REACHED), else_=jobs.c.progress),
    )
    .returning(jobs.c.event_count)
)
_COUNT = Prepared(_COUNTED)
_COUNT_UP = _COUNTED.returning(jobs.c.job_id)
_APPEND = Prepared(
    insert(rows_of_events).values(
        at=now(), **{name: bindparam(name) for name in ("job_id", "number", "type", "data")}
    )
)
