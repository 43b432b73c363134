"""Numbered events in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Double, Integer, bindparam, case, insert, select, update

from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Event, Lease, StepNews
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.job_rows import HELD, as_json, held
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


async def write_news(connection: Connection, lease: Lease, news: StepNews) -> None:
    """Append events and note progress. Raises ``LeaseLost``.

    Counting the events up on the job's row checks the lease and keeps others out until the events
    are committed, so that numbers have no gaps and appear in order.
    """
    progress = None if news.progress is None else min(max(news.progress, 0.0), 1.0)
    values = {"more": len(news.events), "reached": progress}
    last = await connection.scalar(_COUNT, values | held(lease))
    if last is None:
        raise LeaseLost(lease.job_id)
    first = last - len(news.events) + 1
    rows = [
        {"job_id": lease.job_id, "number": number, "type": kind, "data": as_json(data)}
        for number, (kind, data) in enumerate(news.events, first)
    ]
    if rows:
        await connection.execute(_APPEND, rows)


async def append_event(
    connection: Connection, job_id: str, number: int, kind: str, data: Mapping[str, object]
) -> None:
    """Append one event whose number the same transaction has counted on the job's row."""
    row = {"job_id": job_id, "number": number, "type": kind, "data": as_json(data)}
    await connection.execute(_APPEND, row)


_REACHED = bindparam("reached", type_=Double)
_COUNT = (
    update(jobs)
    .where(HELD)
    .values(
        event_count=jobs.c.event_count + bindparam("more", type_=Integer),
        # Branches side by side may be committed in another order than they got there.
        progress=case((jobs.c.progress < _REACHED, _REACHED), else_=jobs.c.progress),
    )
    .returning(jobs.c.event_count)
)
_APPEND = insert(rows_of_events).values(at=now())
