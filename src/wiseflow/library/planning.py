"""Which of the files that were found have to be read, and in which calls. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wiseflow.core.library import FileRecord
from wiseflow.library.reading import ReadTask, is_jsonl
from wiseflow.library.scanning import FoundFile
from wiseflow.text.limits import MIB, ParseLimits
from wiseflow.text.parsing import PARSER_VERSION

# Formats that take long for their size: each file is a call of its own.
_SLOW = (".pdf", ".docx", ".gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """How much is read.

    Args:
        parse: bounds on one file. A single document is held in memory several times over, so its
            ``file_bytes`` is kept lower than a JSON Lines file's.
        jsonl_bytes: of a JSON Lines file, which is read in parts.
        part_bytes: about how long such a part is.
        call_bytes: so many bytes of small files are read in one call.
        call_files: so many small files are read in one call.
        workers: names the bounds on the processes that read, in any form. A file that went over
            them is read again once they are others; without a name, every time.
    """

    parse: ParseLimits = field(default_factory=lambda: ParseLimits(file_bytes=64 * MIB))
    jsonl_bytes: int = 512 * MIB
    part_bytes: int = 1 * MIB
    call_bytes: int = MIB // 2
    call_files: int = 32
    workers: str = ""

    @property
    def failed_version(self) -> str:
        """What a bad file's record has as its parser: under other limits, it may be readable."""
        bounds = repr((self.parse, self.jsonl_bytes, self.workers)).encode()
        return f"{PARSER_VERSION} {hashlib.sha256(bounds).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with the files that were found.

    Args:
        calls: small files to be read together, or one file alone.
        in_parts: JSON Lines files to be read in parts.
        unchanged: how many need not be read.
        failed: files that are not read, with the reason.
    """

    calls: tuple[tuple[ReadTask, ...], ...] = ()
    in_parts: tuple[ReadTask, ...] = ()
    unchanged: int = 0
    failed: tuple[tuple[str, str], ...] = ()


def plan(
    found: Sequence[FoundFile],
    known: Mapping[str, FileRecord],
    *,
    collection: str,
    limits: IngestLimits,
    tenant: str = "",
) -> Plan:
    """What has to be read.

    A file of the known size and time is taken for unchanged; one of another time only is read, and
    then its bytes are compared. A bad file that is unchanged is reported again without reading, as
    long as the limits are the same.
    """
    small: list[ReadTask] = []
    in_parts: list[ReadTask] = []
    failed: list[tuple[str, str]] = []
    unchanged = 0
    for file in found:
        record = known.get(file.path)
        if record is not None and _is_same(file, record, limits):
            unchanged += 1
            if record.error:
                failed.append((file.path, record.error))
        elif reason := _too_large(file, limits):
            failed.append((file.path, reason))
        else:
            large = is_jsonl(file.path) and file.size > limits.part_bytes
            (in_parts if large else small).append(_task(file, record, collection, tenant))
    return Plan(
        calls=tuple(_grouped(small, limits)),
        in_parts=tuple(in_parts),
        unchanged=unchanged,
        failed=tuple(failed),
    )


def _is_same(file: FoundFile, record: FileRecord, limits: IngestLimits) -> bool:
    parser = limits.failed_version if record.error else PARSER_VERSION
    return (file.size, file.modified_ns, parser) == (record.size, record.modified_ns, record.parser)


def _too_large(file: FoundFile, limits: IngestLimits) -> str:
    most = limits.parse.file_bytes
    if is_jsonl(file.path):
        most = max(most, limits.jsonl_bytes)
    if file.size <= most:
        return ""
    return f"the file has {file.size / MIB:,.0f} MiB, more than the {most / MIB:,.0f} MiB allowed"


def _task(file: FoundFile, record: FileRecord | None, collection: str, tenant: str) -> ReadTask:
    comparable = record is not None and record.parser == PARSER_VERSION and not record.error
    return ReadTask(
        collection=collection,
        tenant=tenant,
        document_id=file.document_id,
        path=file.path,
        size=file.size,
        modified_ns=file.modified_ns,
        known_sha256=record.sha256 if comparable and record is not None else "",
    )


def _grouped(tasks: Sequence[ReadTask], limits: IngestLimits) -> Iterator[tuple[ReadTask, ...]]:
    group: list[ReadTask] = []
    size = 0
    for task in tasks:
        if task.path.lower().endswith(_SLOW):
            yield (task,)
            continue
        if group and (size + task.size > limits.call_bytes or len(group) == limits.call_files):
            yield tuple(group)
            group, size = [], 0
        group.append(task)
        size += task.size
    if group:
        yield tuple(group)
