"""What reads documents into collections, with worker processes for the time that it does."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from wiseflow.engine.compute import TaskCompute
from wiseflow.engine.processes import ProcessLimits, ProcessPool
from wiseflow.engine.tasks import TaskManager
from wiseflow.library.ingesting import Library
from wiseflow.library.planning import IngestLimits
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.text.limits import ParseLimits

# A full set of sources is written into an index in one call.
INDEXING_TIMEOUT_S = 1800.0
# JSON Lines files are read in parts, so they may be so many times as large as a document.
JSONL_FACTOR = 8


class Libraries:
    """Opens libraries.

    Args:
        settings: what holds.
        tasks: the engine.
        documents: gives where a tenant's documents are kept.
    """

    def __init__(
        self, settings: Settings, tasks: TaskManager, documents: Callable[[str], SqlDocumentStore]
    ) -> None:
        self._settings = settings
        self._tasks = tasks
        self._documents = documents
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def open(self, tenant: str = "") -> AsyncGenerator[Library]:
        """A tenant's library, with worker processes of its own, which end with it."""
        settings = self._settings
        parsing = ProcessPool(
            workers=settings.max_concurrent_tasks,
            name="parsing",
            timeout_s=settings.index_parse_timeout_s,
            limits=parse_bounds(settings),
            preload=("wiseflow.library.reading",),
        )
        indexing = ProcessPool(
            workers=1,
            name="indexing",
            timeout_s=INDEXING_TIMEOUT_S,
            preload=("wiseflow.knowledge.writing",),
        )
        # Several may be at work in one process, so the names of their pools have to differ.
        number = next(self._numbers)
        async with (
            self._pool(f"parsing {number}", parsing) as parse,
            self._pool(f"indexing {number}", indexing) as index,
        ):
            yield Library(
                store=self._documents(tenant),
                tenant=tenant,
                parsing=parse,
                indexing=index,
                data_folder=settings.data_dir,
                calls=settings.max_concurrent_tasks + 2,
                limits=ingest_limits(settings),
            )

    @asynccontextmanager
    async def _pool(self, name: str, pool: ProcessPool) -> AsyncGenerator[TaskCompute]:
        """A pool of the engine, for the time of the block."""
        async with pool:
            self._tasks.add_pool(name, pool)
            try:
                yield TaskCompute(self._tasks, name)
            finally:
                await self._tasks.remove_pool(name)


def ingest_limits(settings: Settings) -> IngestLimits:
    """How much is read of one file, by the settings."""
    most = settings.index_max_file_bytes
    return IngestLimits(
        parse=ParseLimits(file_bytes=most),
        jsonl_bytes=JSONL_FACTOR * most,
        workers=f"{settings.index_parse_memory_bytes} {settings.index_parse_timeout_s}",
    )


def parse_bounds(settings: Settings) -> ProcessLimits:
    """What the parsing of one document or page may take."""
    return ProcessLimits(
        memory_bytes=settings.index_parse_memory_bytes, cpu_s=settings.index_parse_timeout_s
    )
