"""The statements behind the document store, many rows at once."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update

from wiseflow.core.documents import Source
from wiseflow.core.errors import NotFound
from wiseflow.core.library import Collection, FileRecord, StoredSource
from wiseflow.core.tenants import qualified
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.dialect import upsert
from wiseflow.storage.sql.document_rows import (
    IndexState,
    file_row,
    passage_rows,
    source_row,
    to_passages,
    to_source,
)
from wiseflow.storage.sql.retired import chunks
from wiseflow.storage.sql.tables import collections, files, passages, sources

# What a search uses: these are counted and may be retired.
LIVE = (IndexState.ADD.value, IndexState.INDEXED.value)


def called(tenant: str, name: str) -> ColumnElement[bool]:
    """That a collection is this one of a tenant; so another's is never meant, whatever the name."""
    return (collections.c.name == qualified(tenant, name)) & (collections.c.tenant == tenant)


async def read_collections(connection: Connection, tenant: str, name: str = "") -> list[Collection]:
    """All collections of a tenant by name with their counts, or the one of this name."""
    mine = sources.c.collection_id == collections.c.collection_id
    live = sources.c.index_state.in_(LIVE)
    counted_files = select(func.count()).where(files.c.collection_id == collections.c.collection_id)
    statement = select(
        collections.c.name,
        collections.c.private,
        counted_files.scalar_subquery().label("files"),
        select(func.count()).where(mine, live).scalar_subquery().label("sources"),
        select(func.coalesce(func.sum(sources.c.passage_count), 0))
        .where(mine, live)
        .scalar_subquery()
        .label("passages"),
    ).order_by(collections.c.name)
    mine_only = called(tenant, name) if name else collections.c.tenant == tenant
    before = qualified(tenant, "")
    return [
        Collection(
            name=row.name.removeprefix(before),
            private=row.private,
            files=row.files,
            sources=row.sources,
            passages=row.passages,
        )
        for row in await connection.execute(statement.where(mine_only))
    ]


async def read_collection_id(connection: Connection, tenant: str, name: str) -> int:
    """The key of a collection of a tenant. Raises ``NotFound``."""
    statement = select(collections.c.collection_id).where(called(tenant, name))
    collection_id = await connection.scalar(statement)
    if collection_id is None:
        raise NotFound(f"there is no collection {name!r}", cure="Make it with: wiseflow index PATH")
    return collection_id


async def read_source(connection: Connection, source_id: str) -> Source:
    """One source. Raises ``NotFound``."""
    statement = select(sources).where(sources.c.source_id == source_id)
    row = (await connection.execute(statement)).first()
    if row is None:
        raise NotFound(f"there is no source {source_id!r}")
    return to_source(row)


async def read_sources(connection: Connection, source_ids: Sequence[str]) -> list[Source]:
    """Those of the sources that there are."""
    found: list[Source] = []
    for ids in chunks(list(source_ids)):
        rows = await connection.execute(select(sources).where(sources.c.source_id.in_(ids)))
        found += [to_source(row) for row in rows]
    return found


def in_state(tenant: str, collection: str, state: IndexState, limit: int) -> Select[Any]:
    """The sources of a tenant's collection in one state, in the order of their ids."""
    return (
        select(sources)
        .join(collections, collections.c.collection_id == sources.c.collection_id)
        .where(called(tenant, collection), sources.c.index_state == state.value)
        .order_by(sources.c.source_id)
        .limit(limit)
    )


async def with_passages(
    connection: Connection, found: Sequence[Source]
) -> tuple[StoredSource, ...]:
    """The sources with their passages."""
    rows: dict[str, list[Any]] = {source.source_id: [] for source in found}
    for some in chunks(list(rows)):
        statement = (
            select(passages)
            .where(passages.c.source_id.in_(some))
            .order_by(passages.c.source_id, passages.c.number)
        )
        for row in await connection.execute(statement):
            rows[row.source_id].append(row)
    return tuple(
        StoredSource(source=source, passages=to_passages(source, rows[source.source_id]))
        for source in found
    )


async def retire(
    connection: Connection, collection_id: int, paths: Sequence[str], kept: Ids[str]
) -> int:
    """Have the index remove the sources of these files but the kept ones; how many there were."""
    retired: list[str] = []
    for some in chunks(paths):
        statement = select(sources.c.source_id).where(
            sources.c.collection_id == collection_id,
            sources.c.path.in_(some),
            sources.c.index_state.in_(LIVE),
        )
        found = await connection.scalars(statement)
        retired += [source_id for source_id in found if source_id not in kept]
    for some in chunks(retired):
        await connection.execute(
            update(sources)
            .where(sources.c.source_id.in_(some))
            .values(index_state=IndexState.REMOVE.value)
        )
    return len(retired)


async def forget_files(connection: Connection, collection_id: int, paths: Sequence[str]) -> None:
    """Delete what was seen of these files."""
    for some in chunks(paths):
        await connection.execute(
            delete(files).where(files.c.collection_id == collection_id, files.c.path.in_(some))
        )


async def save_files(
    connection: Connection, collection_id: int, records: Sequence[FileRecord]
) -> None:
    """Insert or replace what was seen of files."""
    statement = upsert(connection, files)
    statement = statement.on_conflict_do_update(
        index_elements=["collection_id", "path"],
        set_={
            name: statement.excluded[name]
            for name in ("size", "modified_ns", "sha256", "parser", "error")
        },
    )
    await connection.execute(statement, [file_row(collection_id, record) for record in records])


async def unchanged(connection: Connection, wanted: Mapping[str, StoredSource]) -> frozenset[str]:
    """The ids of those wanted sources that are stored, in use, and equal."""
    stored: list[Source] = []
    for some in chunks(list(wanted)):
        statement = select(sources).where(
            sources.c.source_id.in_(some), sources.c.index_state.in_(LIVE)
        )
        stored += [to_source(row) for row in await connection.execute(statement)]
    present = await with_passages(connection, stored)
    return frozenset(one.source.source_id for one in present if wanted[one.source.source_id] == one)


async def save_sources(
    connection: Connection, collection_id: int, new: Sequence[StoredSource]
) -> None:
    """Insert or replace sources and their passages; the index has then to add them."""
    if not new:
        return
    statement = upsert(connection, sources)
    changed = [column.name for column in sources.c if column.name != "source_id"]
    statement = statement.on_conflict_do_update(
        index_elements=["source_id"], set_={name: statement.excluded[name] for name in changed}
    )
    await connection.execute(statement, [source_row(collection_id, stored) for stored in new])
    for some in chunks([stored.source.source_id for stored in new]):
        await connection.execute(delete(passages).where(passages.c.source_id.in_(some)))
    rows = [row for stored in new for row in passage_rows(stored)]
    if rows:
        await connection.execute(insert(passages), rows)
