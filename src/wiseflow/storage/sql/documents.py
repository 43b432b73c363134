"""Collections, files, sources and passages in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import delete, select, update

from wiseflow.core.documents import Passage, Source
from wiseflow.core.library import Collection, FileRecord, IndexChange, StoredFile
from wiseflow.core.tenants import qualified
from wiseflow.storage.sql import document_writes as documents
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import upsert
from wiseflow.storage.sql.document_rows import IndexState, to_file, to_source
from wiseflow.storage.sql.retired import chunks, erase_uncited
from wiseflow.storage.sql.tables import collections, report_sources, sources
from wiseflow.storage.sql.tables import files as file_rows
from wiseflow.storage.sql.visibility import visible_to


class SqlDocumentStore:
    """Documents; see ``DocumentStore``.

    The index must take each ``added`` source in place of whatever it holds of it, as a source that
    was retired and came back before the index was told is only added again.

    Args:
        database: open.
        tenant: whose collections they are. Sources are found by their ids, whosever they are: what
            a tenant may read of them ``visible`` tells.
    """

    def __init__(self, database: Database, tenant: str = "") -> None:
        self._database = database
        self._tenant = tenant

    async def collections(self) -> list[Collection]:
        """All collections by name, with their counts."""

        async def unit(connection: Connection) -> list[Collection]:
            return await documents.read_collections(connection, self._tenant)

        return await self._database.read(unit)

    async def ensure_collection(self, name: str, *, private: bool = False) -> Collection:
        """The collection of that name, made if there is none."""

        async def unit(connection: Connection) -> Collection:
            key = qualified(self._tenant, name)
            statement = upsert(connection, collections).values(
                name=key, private=private, tenant=self._tenant
            )
            await connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
            return next(iter(await documents.read_collections(connection, self._tenant, name)))

        return await self._database.write(unit)

    async def is_private(self, collection: str) -> bool:
        """Whether a collection's passages must not leave; one that is not there holds none."""
        statement = select(collections.c.private).where(documents.called(self._tenant, collection))

        async def unit(connection: Connection) -> bool:
            return bool(await connection.scalar(statement))

        return await self._database.read(unit)

    async def delete_collection(self, name: str) -> None:
        """Erase a collection; sources that reports cite stay until those go. Raises ``NotFound``.

        The caller erases its index.
        """

        async def unit(connection: Connection) -> None:
            collection_id = await documents.read_collection_id(connection, self._tenant, name)
            await connection.execute(
                update(sources)
                .where(sources.c.collection_id == collection_id)
                .values(index_state=IndexState.RETIRED.value)
            )
            cited = select(report_sources.c.source_id)
            await connection.execute(
                delete(sources).where(
                    sources.c.collection_id == collection_id, sources.c.source_id.not_in(cited)
                )
            )
            await connection.execute(
                delete(collections).where(collections.c.collection_id == collection_id)
            )

        await self._database.write(unit)

    async def files(self, collection: str) -> dict[str, FileRecord]:
        """What was last seen of each file of a collection, by absolute path."""
        statement = (
            select(file_rows).join(collections).where(documents.called(self._tenant, collection))
        )

        async def unit(connection: Connection) -> dict[str, FileRecord]:
            return {row.path: to_file(row) for row in await connection.execute(statement)}

        return await self._database.read(unit)

    async def store(self, collection: str, files: Sequence[StoredFile]) -> None:
        """Replace what the collection holds of these files, all in one transaction.

        A source that is stored already, with the same passages, is left as it is.

        Raises:
            NotFound: there is no collection of that name.
        """
        if not files:
            return

        async def unit(connection: Connection) -> None:
            collection_id = await documents.read_collection_id(connection, self._tenant, collection)
            found = {stored.source.source_id: stored for file in files for stored in file.sources}
            await documents.retire(
                connection, collection_id, [file.record.path for file in files], found
            )
            await documents.save_files(connection, collection_id, [file.record for file in files])
            unchanged = await documents.unchanged(connection, found)
            changed = [stored for key, stored in found.items() if key not in unchanged]
            await documents.save_sources(connection, collection_id, changed)

        await self._database.write(unit)

    async def drop(self, collection: str, paths: Sequence[str]) -> int:
        """Forget files and retire their sources; how many sources there were."""

        async def unit(connection: Connection) -> int:
            collection_id = await documents.read_collection_id(connection, self._tenant, collection)
            count = await documents.retire(connection, collection_id, paths, {})
            await documents.forget_files(connection, collection_id, paths)
            return count

        return await self._database.write(unit)

    async def pending_changes(self, collection: str, *, limit: int) -> IndexChange:
        """What the index has still to add and remove, at most ``limit`` sources of each."""

        async def unit(connection: Connection) -> IndexChange:
            in_state = partial(documents.in_state, self._tenant, collection, limit=limit)
            removed = await connection.scalars(
                in_state(IndexState.REMOVE).with_only_columns(sources.c.source_id)
            )
            added = await connection.execute(in_state(IndexState.ADD))
            return IndexChange(
                added=await documents.with_passages(connection, [to_source(row) for row in added]),
                removed=tuple(removed),
            )

        return await self._database.read(unit)

    async def changes_applied(self, collection: str, change: IndexChange) -> None:
        """Note that the index has done this; retired sources that no report cites are erased.

        A source whose state has changed since the change was read keeps its new one.
        """
        added = [stored.source.source_id for stored in change.added]
        done = (
            (IndexState.ADD, IndexState.INDEXED, added),
            (IndexState.REMOVE, IndexState.RETIRED, change.removed),
        )

        async def unit(connection: Connection) -> None:
            collection_id = await documents.read_collection_id(connection, self._tenant, collection)
            for before, after, source_ids in done:
                for some in chunks(source_ids):
                    await connection.execute(
                        update(sources)
                        .where(sources.c.collection_id == collection_id)
                        .where(sources.c.source_id.in_(some))
                        .where(sources.c.index_state == before.value)
                        .values(index_state=after.value)
                    )
            await erase_uncited(connection, change.removed)

        await self._database.write(unit)

    async def index_anew(self, collection: str) -> int:
        """Have an index that was emptied add again all it held; how many sources those are."""

        async def unit(connection: Connection) -> int:
            collection_id = await documents.read_collection_id(connection, self._tenant, collection)
            statement = (
                update(sources)
                .where(sources.c.collection_id == collection_id)
                .where(sources.c.index_state == IndexState.INDEXED.value)
                .values(index_state=IndexState.ADD.value)
            )
            return (await connection.execute(statement)).rowcount

        return await self._database.write(unit)

    async def source(self, source_id: str) -> Source:
        """One stored document. Raises ``NotFound``."""

        async def unit(connection: Connection) -> Source:
            return await documents.read_source(connection, source_id)

        return await self._database.read(unit)

    async def sources(self, source_ids: Sequence[str]) -> dict[str, Source]:
        """Those of the stored documents that there are, by id."""

        async def unit(connection: Connection) -> dict[str, Source]:
            found = await documents.read_sources(connection, source_ids)
            return {source.source_id: source for source in found}

        return await self._database.read(unit)

    async def visible(self, source_ids: Sequence[str]) -> frozenset[str]:
        """Those of the sources that the tenant may read; see ``SourceAccess``."""

        async def unit(connection: Connection) -> frozenset[str]:
            return await visible_to(connection, self._tenant, source_ids)

        return await self._database.read(unit)

    async def passages(self, source_id: str) -> list[Passage]:
        """The passages of a source in order. Raises ``NotFound``."""

        async def unit(connection: Connection) -> list[Passage]:
            source = await documents.read_source(connection, source_id)
            (stored,) = await documents.with_passages(connection, [source])
            return list(stored.passages)

        return await self._database.read(unit)
