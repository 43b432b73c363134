"""Reads files through worker processes: a file that brings one down costs itself only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from wiseflow.core.errors import (
    DocumentError,
    StorageError,
    WorkerCrashed,
    WorkerError,
    WorkerLimit,
    WorkerTimeout,
)
from wiseflow.core.library import StoredFile
from wiseflow.core.ports import Compute
from wiseflow.library.lanes import each
from wiseflow.library.planning import IngestLimits
from wiseflow.library.reading import (
    Part,
    PartReading,
    ReadTask,
    merged,
    outline,
    passages_in,
    read_files,
    read_part,
    record_of,
)


class FileReader:
    """Turns files into what is stored of them.

    Args:
        compute: runs the parsers.
        limits: how much is read.
        calls: how many calls one large file may have under way.
        scratch: a folder for unpacked copies.
        tell: told of each part of a large file: the file, and how many passages the part has.
    """

    def __init__(
        self,
        compute: Compute,
        *,
        limits: IngestLimits,
        calls: int,
        scratch: Path,
        tell: Callable[[str, int], None],
    ) -> None:
        self._compute = compute
        self._limits = limits
        self._calls = calls
        self._scratch = scratch
        self._tell = tell
        self._copies = 0

    async def read(self, tasks: tuple[ReadTask, ...]) -> list[StoredFile | None]:
        """What the files hold, ``None`` for an unchanged one.

        When a call fails, each of its files is read alone, to find the one at fault.
        """
        try:
            files = await self._compute.run(read_files, tasks, self._limits.parse)
            return [file and self._remembered(file) for file in files]
        except WorkerError as error:
            if len(tasks) == 1:
                return [self._failed(tasks[0], error)]
        return [file for task in tasks for file in await self.read((task,))]

    async def read_in_parts(self, task: ReadTask) -> StoredFile | None:
        """What a JSON Lines file holds, read in parts; ``None`` for an unchanged one."""
        self._copies += 1
        copy = self._scratch / str(self._copies)
        try:
            file = await self._read_in_parts(task, copy)
            return file and self._remembered(file)
        except (DocumentError, StorageError, WorkerError) as error:
            return self._failed(task, error)
        finally:
            copy.unlink(missing_ok=True)

    async def _read_in_parts(self, task: ReadTask, copy: Path) -> StoredFile | None:
        limits = self._limits
        found = await self._compute.run(
            outline, task, limits.parse, part_bytes=limits.part_bytes, copy=str(copy)
        )
        if found.sha256 == task.known_sha256:
            return None
        readings: dict[Part, PartReading] = {}

        async def read(part: Part) -> None:
            readings[part] = await self._compute.run(
                read_part, task, found.path, part, limits.parse
            )
            self._tell(task.path, passages_in(readings[part].sources))

        await each(read, found.parts, at_once=self._calls, name="read parts")
        return merged(task, found.sha256, [readings[part] for part in found.parts])

    def _failed(
        self, task: ReadTask, error: DocumentError | StorageError | WorkerError
    ) -> StoredFile:
        reason = _reason(error)
        lasting = isinstance(error, DocumentError) or (
            self._limits.workers and isinstance(error, WorkerTimeout | WorkerLimit)
        )
        # What was perhaps no fault of the file's has no version: it is read again next time.
        parser = self._limits.failed_version if lasting else ""
        return StoredFile(record=record_of(task, error=reason, parser=parser))

    def _remembered(self, file: StoredFile) -> StoredFile:
        """``file``; if it is bad, remembered as bad under these limits only."""
        record = file.record
        if record.error and record.parser:
            record = replace(record, parser=self._limits.failed_version)
        return replace(file, record=record)


def _reason(error: DocumentError | StorageError | WorkerError) -> str:
    match error:
        case WorkerTimeout():
            return f"reading it took longer than INDEX_PARSE_TIMEOUT_S allows ({error})"
        case WorkerLimit():
            return f"reading it takes more memory or CPU time than is allowed ({error})"
        case WorkerCrashed():
            return (
                "the process that read it died: the file is broken, or needs more memory than "
                f"INDEX_PARSE_MEMORY_BYTES allows ({error})"
            )
        case _:
            return str(error)
