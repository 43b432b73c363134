"""Stores what was read, a bounded transaction at a time, and counts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from wiseflow.core.library import FileRecord, StoredFile
from wiseflow.core.ports import DocumentStore
from wiseflow.library.planning import Plan
from wiseflow.library.reading import ReadTask, passages_in

# One transaction stores about so much; a single file is never divided.
STORE_PASSAGES = 4_000
STORE_CHARACTERS = 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What an ingest did.

    Args:
        added, changed, unchanged, removed: files that are new, were read anew, needed no reading,
            and are gone.
        failed: files that could not be read, wholly or in part, with the reason, by path.
        passages: how many were stored.
        seconds: how long it took.
    """

    added: int
    changed: int
    unchanged: int
    removed: int
    failed: tuple[tuple[str, str], ...]
    passages: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestProgress:
    """How far an ingest is.

    Args:
        files_done, files_total: files that were read or failed, and those that have to be.
        passages: how many were read.
        passages_indexed: how many of them can be found already.
        current: the file last read.
    """

    files_done: int = 0
    files_total: int = 0
    passages: int = 0
    passages_indexed: int = 0
    current: str = ""


def unwatched(progress: IngestProgress) -> None:
    """What is told when nobody watches."""
    del progress


class Tally:
    """Takes what was read of a collection's files, stores it and counts.

    Args:
        store: where to.
        collection: its name.
        known: what was known of its files before.
        failed: files that failed already, with the reason.
        tell: told of each step.
    """

    def __init__(
        self,
        store: DocumentStore,
        collection: str,
        *,
        known: Mapping[str, FileRecord],
        failed: Sequence[tuple[str, str]],
        tell: Callable[[IngestProgress], None],
    ) -> None:
        self._store = store
        self._collection = collection
        self._known = known
        self._failed = dict(failed)
        self._tell = tell
        self._progress = IngestProgress()
        self._added = self._changed = self._unchanged = self._removed = 0
        self._waiting: list[StoredFile] = []
        self._in_parts = 0
        self._storing = asyncio.Lock()

    async def drop(self, paths: Sequence[str]) -> None:
        """Forget files that are gone."""
        if paths:
            await self._store.drop(self._collection, paths)
        self._removed += len(paths)

    def begin(self, todo: Plan) -> None:
        """Take note of what is to be read."""
        self._unchanged += todo.unchanged
        self._failed.update(todo.failed)
        total = sum(map(len, todo.calls)) + len(todo.in_parts)
        self._progress = replace(self._progress, files_total=total)
        self._tell(self._progress)

    def note_part(self, path: str, passages: int) -> None:
        """Take note that a part of a large file was read; ``add`` follows with the whole file."""
        self._in_parts += passages
        read = self._progress.passages + self._in_parts
        self._tell(replace(self._progress, passages=read, current=path))

    async def add(self, tasks: Sequence[ReadTask], files: Sequence[StoredFile | None]) -> None:
        """Take what was read of some files, and store it when there is enough."""
        for task, file in zip(tasks, files, strict=True):
            if file is None:
                self._unchanged += 1
            else:
                self._count(file)
                self._waiting.append(file)
            self._progress = replace(
                self._progress, files_done=self._progress.files_done + 1, current=task.path
            )
        self._in_parts = 0
        self._tell(self._progress)
        if _is_enough(self._waiting):
            await self.flush()

    async def flush(self) -> None:
        """Store what waits. Who comes while another stores waits, so that little piles up."""
        async with self._storing:
            files, self._waiting = self._waiting, []
            if files:
                await self._store.store(self._collection, files)

    def note_indexed(self, passages: int) -> None:
        """Take note that so many more passages can be found."""
        indexed = self._progress.passages_indexed + passages
        self._progress = replace(self._progress, passages_indexed=indexed)
        self._tell(self._progress)

    def report(self, *, seconds: float) -> IngestReport:
        """What was done."""
        return IngestReport(
            added=self._added,
            changed=self._changed,
            unchanged=self._unchanged,
            removed=self._removed,
            failed=tuple(sorted(self._failed.items())),
            passages=self._progress.passages,
            seconds=seconds,
        )

    def _count(self, file: StoredFile) -> None:
        if file.record.error:
            self._failed[file.record.path] = file.record.error
        if file.sources and file.record.path in self._known:
            self._changed += 1
        elif file.sources:
            self._added += 1
        passages = self._progress.passages + passages_in(file.sources)
        self._progress = replace(self._progress, passages=passages)


def _is_enough(files: Sequence[StoredFile]) -> bool:
    stored = [source for file in files for source in file.sources]
    characters = sum(len(source.source.text) for source in stored)
    return passages_in(stored) >= STORE_PASSAGES or characters >= STORE_CHARACTERS
