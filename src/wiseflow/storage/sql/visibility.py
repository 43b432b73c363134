"""Which sources a tenant may read: those of its collections, and those that its jobs hold or cite.

A page that several tenants' researches read is one row; each sees it by its own research.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, union

from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.retired import chunks
from wiseflow.storage.sql.tables import collections, job_sources, jobs, report_sources, sources


async def visible_to(
    connection: Connection, tenant: str, source_ids: Sequence[str]
) -> frozenset[str]:
    """Those of the sources that a tenant may read."""
    found: set[str] = set()
    for some in chunks(list(source_ids)):
        kept = (
            select(sources.c.source_id)
            .join(collections, collections.c.collection_id == sources.c.collection_id)
            .where(sources.c.source_id.in_(some), collections.c.tenant == tenant)
        )
        held, cited = (
            select(holding.c.source_id)
            .join(jobs, jobs.c.job_id == holding.c.job_id)
            .where(holding.c.source_id.in_(some), jobs.c.tenant == tenant)
            for holding in (job_sources, report_sources)
        )
        found.update(await connection.scalars(union(kept, held, cited)))
    return frozenset(found)
