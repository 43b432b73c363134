"""Reads files and folders into a collection and its index.

The order makes a crash harmless: a file's sources and its record are stored in one transaction, and
each source carries what the index still has to do about it; whatever was not finished is found to
be undone by the next run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiseflow.core.errors import Conflict
from wiseflow.core.library import Collection, FileRecord
from wiseflow.core.ports import Compute, DocumentStore
from wiseflow.library.collections import (
    CollectionFolder,
    check_collection_name,
    collection_folder,
    tenant_folder,
)
from wiseflow.library.indexing import erase_index, fault_of_index, update_index
from wiseflow.library.lanes import each
from wiseflow.library.locking import collection_lock
from wiseflow.library.planning import IngestLimits, Plan, plan
from wiseflow.library.reader import FileReader
from wiseflow.library.reading import ReadTask
from wiseflow.library.scanning import Scan, gone, scan
from wiseflow.library.tally import IngestProgress, IngestReport, Tally, unwatched
from wiseflow.observability.logs import Logger
from wiseflow.text.parsing import SUPPORTED_SUFFIXES

LOCK_WAIT_S = 30.0
_log = Logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What is brought up: a collection, its folder, and what it held before."""

    collection: str
    folder: CollectionFolder
    known: dict[str, FileRecord]
    sources: int


class Library:
    """Collections of documents: ingests files into them, and deletes them.

    Args:
        store: where documents are kept; the truth.
        parsing: runs the parsers: worker processes with limits, because files may be hostile.
        indexing: runs the index writer.
        data_folder: where the indexes lie.
        calls: how many calls are under way at once; one more than ``parsing`` has workers keeps
            these busy.
        limits: how much is read.
        lock_wait_s: how long to wait for another process that changes the same collection.
        tenant: whose the collections of the store are.
    """

    def __init__(
        self,
        *,
        store: DocumentStore,
        parsing: Compute,
        indexing: Compute,
        data_folder: Path,
        calls: int = 3,
        limits: IngestLimits | None = None,
        lock_wait_s: float = LOCK_WAIT_S,
        tenant: str = "",
    ) -> None:
        self._store = store
        self._parsing = parsing
        self._indexing = indexing
        self._data_folder = tenant_folder(data_folder, tenant)
        self._tenant = tenant
        self._calls = calls
        self._limits = limits or IngestLimits()
        self._lock_wait_s = lock_wait_s

    async def ingest(
        self,
        paths: Sequence[Path],
        collection: str,
        *,
        private: bool = False,
        progress: Callable[[IngestProgress], None] = unwatched,
    ) -> IngestReport:
        """Bring a collection up to what is on the disk below ``paths``, and index it.

        Args:
            paths: files and folders.
            collection: its name; it is made if there is none.
            private: make it one whose passages never leave this machine.
            progress: told how far it is, often.

        Raises:
            InvalidInput: a path does not exist, or the name cannot be used.
            Conflict: another process changes the collection, or it is not private as asked.
            StorageError: the database or the disk refuses.
        """
        begun = time.monotonic()
        check_collection_name(collection)
        found = await asyncio.to_thread(scan, paths, suffixes=SUPPORTED_SUFFIXES)
        folder = collection_folder(self._data_folder, collection)
        async with collection_lock(folder.lock, collection=collection, wait_s=self._lock_wait_s):
            sources = (await self._ensure(collection, private=private)).sources
            known = await self._store.files(collection)
            target = _Target(collection=collection, folder=folder, known=known, sources=sources)
            tally = Tally(self._store, collection, known=known, failed=found.failed, tell=progress)
            await self._bring_up(target, found, tally)
        done = tally.report(seconds=time.monotonic() - begun)
        _log.info(
            "Documents were indexed",
            collection=collection,
            added=done.added,
            changed=done.changed,
            unchanged=done.unchanged,
            removed=done.removed,
            failed=len(done.failed),
            passages=done.passages,
        )
        return done

    async def delete(self, collection: str) -> None:
        """Erase a collection and its index; sources that reports cite stay until those go.

        Raises:
            NotFound: there is none of that name.
            Conflict: another process changes it.
        """
        folder = collection_folder(self._data_folder, collection)
        async with collection_lock(folder.lock, collection=collection, wait_s=self._lock_wait_s):
            await self._store.delete_collection(collection)
            await erase_index(folder.path)

    async def _ensure(self, collection: str, *, private: bool) -> Collection:
        found = await self._store.ensure_collection(collection, private=private)
        if private and not found.private:
            raise Conflict(
                f"the collection {collection!r} exists and is not private",
                cure="Delete it first, or choose another name",
            )
        return found

    async def _bring_up(self, target: _Target, found: Scan, tally: Tally) -> None:
        await self._check_index(target)
        await tally.drop(await asyncio.to_thread(gone, target.known, found))
        todo = plan(
            found.files,
            target.known,
            collection=target.collection,
            limits=self._limits,
            tenant=self._tenant,
        )
        tally.begin(todo)
        await self._read(todo, tally)
        await update_index(
            self._store,
            self._indexing,
            collection=target.collection,
            folder=target.folder.index,
            indexed=tally.note_indexed,
        )

    async def _check_index(self, target: _Target) -> None:
        """Throw away an index that cannot be used; what it held is then to be added again."""
        if target.sources:
            fault = await fault_of_index(self._indexing, target.folder.index)
            if not fault:
                return
            if again := await self._store.index_anew(target.collection):
                _log.warning(
                    "The index is made anew from the stored documents",
                    collection=target.collection,
                    sources=again,
                    reason=fault,
                )
        # Also what a crash during a deletion may have left, or an index of nothing.
        await erase_index(target.folder.index)

    async def _read(self, todo: Plan, tally: Tally) -> None:
        with tempfile.TemporaryDirectory(prefix="wiseflow-") as scratch:
            reader = FileReader(
                self._parsing,
                limits=self._limits,
                calls=self._calls,
                scratch=Path(scratch),
                tell=tally.note_part,
            )

            async def read(tasks: tuple[ReadTask, ...]) -> None:
                await tally.add(tasks, await reader.read(tasks))

            async def read_in_parts(task: ReadTask) -> None:
                await tally.add((task,), [await reader.read_in_parts(task)])

            # One large file at a time: its parts keep all workers busy, and it is held whole.
            await each(read_in_parts, todo.in_parts, at_once=1, name="read a large file")
            await each(read, todo.calls, at_once=self._calls, name="read files")
        await tally.flush()
