"""Numbered events in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Event, Lease, StepNews
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.job_rows import as_json, holds
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

        async def unit(connection: AsyncConnection) -> None:
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

        async def unit(connection: AsyncConnection) -> list[Event]:
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


async def write_news(connection: AsyncConnection, lease: Lease, news: StepNews) -> None:
    """Append events and note progress. Raises ``LeaseLost``.

    Counting the events up on the job's row checks the lease and keeps others out until the events
    are committed, so that numbers have no gaps and appear in order.
    """
    counted: dict[str, Any] = {"event_count": jobs.c.event_count + len(news.events)}
    if news.progress is not None:
        counted["progress"] = min(max(news.progress, 0.0), 1.0)
    count = update(jobs).where(holds(lease)).values(counted).returning(jobs.c.event_count)
    last = await connection.scalar(count)
    if last is None:
        raise LeaseLost(lease.job_id)
    first = last - len(news.events) + 1
    rows = [
        {"number": number, "type": kind, "data": as_json(data)}
        for number, (kind, data) in enumerate(news.events, first)
    ]
    if rows:
        await connection.execute(insert(rows_of_events).values(job_id=lease.job_id, at=now()), rows)
