"""Reads files through worker processes: a file that brings one down costs itself only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wiseflow.core.errors import (
    DocumentError,
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
            return await self._compute.run(read_files, tasks, self._limits.parse)
        except WorkerError as error:
            if len(tasks) == 1:
                return [_failed(tasks[0], error)]
        return [file for task in tasks for file in await self.read((task,))]

    async def read_in_parts(self, task: ReadTask) -> StoredFile | None:
        """What a JSON Lines file holds, read in parts; ``None`` for an unchanged one."""
        self._copies += 1
        copy = self._scratch / str(self._copies)
        try:
            return await self._read_in_parts(task, copy)
        except (DocumentError, WorkerError) as error:
            return _failed(task, error)
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


def _failed(task: ReadTask, error: DocumentError | WorkerError) -> StoredFile:
    match error:
        case WorkerTimeout():
            reason = f"reading it took longer than INDEX_PARSE_TIMEOUT_S allows ({error})"
        case WorkerLimit():
            reason = f"reading it takes more memory or CPU time than is allowed ({error})"
        case WorkerCrashed():
            # It may have been no fault of the file's: without a version, it is tried again.
            reason = (
                "the process that read it died: the file is broken, or needs more memory than "
                f"INDEX_PARSE_MEMORY_BYTES allows ({error})"
            )
            return StoredFile(record=record_of(task, error=reason, parser=""))
        case _:
            reason = str(error)
    return StoredFile(record=record_of(task, error=reason))
