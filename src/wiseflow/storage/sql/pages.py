"""The pages that researches read, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Executable, String, Text, bindparam, select

from wiseflow.core.errors import LeaseLost
from wiseflow.core.jobs import Lease
from wiseflow.core.library import KeptPage, StoredSource
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import upsert_in
from wiseflow.storage.sql.document_rows import IndexState, passage_rows, source_row
from wiseflow.storage.sql.document_writes import read_sources, with_passages
from wiseflow.storage.sql.job_rows import HELD, held
from wiseflow.storage.sql.retired import chunks, needed_by
from wiseflow.storage.sql.tables import job_sources, jobs, passages, sources

# Before a source's id, in the place of the address of a source that is held and was not fetched.
HELD_ONLY = "source:"


class SqlPageStore:
    """Pages as sources of no collection, held by the researches that read them; see ``PageStore``.

    Equal pages of several researches are one source; the last research that lets go erases it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, lease: Lease, url: str, stored: StoredSource | None = None, *, error: str = ""
    ) -> None:
        """Keep what became of a page, all of it or nothing. Raises ``LeaseLost``."""
        values = {
            "new_url": url,
            "new_source_id": stored and stored.source.source_id,
            "new_error": error,
        }

        async def unit(connection: Connection) -> None:
            await _take_hold(connection, lease, values)
            if stored:
                await _save(connection, stored)

        await self._database.write(unit)

    async def kept(self, job_id: str) -> dict[str, KeptPage]:
        """What became of the pages a research wanted, by address."""
        statement = select(job_sources).where(job_sources.c.job_id == job_id)

        async def unit(connection: Connection) -> dict[str, KeptPage]:
            return {
                row.url: KeptPage(source_id=row.source_id or "", error=row.error)
                for row in await connection.execute(statement)
            }

        return await self._database.read(unit)

    async def adopt(self, lease: Lease, job_id: str) -> list[str]:
        """Hold the sources that another job read or cites. Raises ``LeaseLost``."""

        async def unit(connection: Connection) -> list[str]:
            read = select(job_sources.c.url, job_sources.c.source_id).where(
                job_sources.c.job_id == job_id, job_sources.c.error == ""
            )
            places = {
                row.source_id: row.url for row in await connection.execute(read) if row.source_id
            }
            needed = await _locked(connection, await needed_by(connection, job_id))
            for source_id in needed:
                # What stands in for a page that could not be read is held under no address.
                place = places.get(source_id, f"{HELD_ONLY}{source_id}")
                values = {"new_url": place, "new_source_id": source_id, "new_error": ""}
                await _take_hold(connection, lease, values)
            return needed

        return await self._database.write(unit)

    async def pages(self, source_ids: Sequence[str]) -> dict[str, StoredSource]:
        """Those of the sources that there are, by their ids."""

        async def unit(connection: Connection) -> dict[str, StoredSource]:
            found = await with_passages(connection, await read_sources(connection, source_ids))
            return {stored.source.source_id: stored for stored in found}

        return await self._database.read(unit)


async def _take_hold(
    connection: Connection, lease: Lease, values: Mapping[str, str | None]
) -> None:
    if await connection.scalar(_hold(connection.dialect.name), {**values, **held(lease)}) is None:
        raise LeaseLost(lease.job_id)


async def _locked(connection: Connection, source_ids: Sequence[str]) -> list[str]:
    """Those of the sources that there are; whoever would erase them now waits, see ``retired``."""
    found: list[str] = []
    for some in chunks(sorted(source_ids)):
        there = select(sources.c.source_id).where(sources.c.source_id.in_(some))
        found += await connection.scalars(
            there.order_by(sources.c.source_id).with_for_update(read=True)
        )
    return found


async def _save(connection: Connection, stored: StoredSource) -> None:
    """Insert a page as a source that no index has; an equal one that is there stays as it is."""
    source, spans = _insert(connection.dialect.name)
    await connection.execute(source, source_row(None, stored, IndexState.RETIRED))
    if stored.passages:
        await connection.execute(spans, passage_rows(stored))


# Statements are built once: to build one costs more than to run it.
@cache
def _insert(dialect: str) -> tuple[Executable, Executable]:
    """The statements that insert a source and its passages, where they are not there."""
    # Changes nothing, but keeps others from erasing it until it is seen that it is held.
    source = upsert_in(dialect, sources).on_conflict_do_update(
        index_elements=["source_id"], set_={"path": sources.c.path}
    )
    spans = upsert_in(dialect, passages).on_conflict_do_nothing(
        index_elements=["source_id", "number"]
    )
    return source, spans


@cache
def _hold(dialect: str) -> Executable:
    """The statement that says what became of a page; it gives no row when the lease is lost."""
    row = (
        select(
            jobs.c.job_id,
            bindparam("new_url", type_=Text),
            bindparam("new_source_id", type_=String),
            bindparam("new_error", type_=Text),
        )
        .where(HELD)
        .with_for_update(read=True)
    )
    statement = upsert_in(dialect, job_sources).from_select(
        ["job_id", "url", "source_id", "error"], row
    )
    return statement.on_conflict_do_update(
        index_elements=["job_id", "url"],
        set_={"source_id": statement.excluded.source_id, "error": statement.excluded.error},
    ).returning(job_sources.c.job_id)
