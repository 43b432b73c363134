"""Brings a collection's index up to what the document store holds."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from wiseflow.core.errors import WorkerCrashed
from wiseflow.core.library import IndexChange
from wiseflow.core.ports import Compute, DocumentStore
from wiseflow.knowledge.index import fault_of
from wiseflow.knowledge.writing import apply
from wiseflow.library.reading import passages_in

# A change is held in memory and sent to a worker: its size follows the length of the sources.
FIRST_SOURCES = 256
MOST_SOURCES = 8_192
GROWTH = 8
CHANGE_CHARACTERS = 16_000_000


async def update_index(
    store: DocumentStore,
    compute: Compute,
    *,
    collection: str,
    folder: Path,
    indexed: Callable[[int], None],
) -> None:
    """Apply what the index has still to do, in bounded steps, each one commit of the index.

    A crash after a commit repeats that step, which changes nothing.

    Args:
        store: tells the changes.
        compute: runs the writer.
        collection: the collection's name.
        folder: of its index.
        indexed: told how many passages each step added.
    """
    limit = FIRST_SOURCES
    while change := await store.pending_changes(collection, limit=limit):
        await compute.run(apply, folder, change)
        await store.changes_applied(collection, change)
        indexed(passages_in(change.added))
        limit = next_limit(limit, change)


def next_limit(limit: int, change: IndexChange) -> int:
    """How many sources the next step may take, judged by the length of those in the last one."""
    characters = sum(len(stored.source.text) for stored in change.added)
    if not characters:
        return min(limit * GROWTH, MOST_SOURCES)
    fitting = len(change.added) * CHANGE_CHARACTERS // characters
    return max(1, min(fitting, limit * GROWTH, MOST_SOURCES))


async def fault_of_index(compute: Compute, folder: Path) -> str:
    """Why the index in ``folder`` has to be made anew, or "" when it can be used as it is.

    Args:
        compute: runs the check, as a damaged file may bring down the process that maps it.
        folder: of the index.

    Raises:
        StorageError: the disk refuses, which says nothing about the index.
    """
    try:
        return await compute.run(fault_of, folder)
    except WorkerCrashed:
        return f"the index in {folder} brings down the process that opens it"


async def erase_index(folder: Path) -> None:
    """Remove the index; readers that have it open keep what they read."""
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
