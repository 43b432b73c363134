"""Reads files into sources with passages. What is here runs in worker processes.

A file that cannot be read gives a record with the reason. A large JSON Lines file is outlined
first, and then read in parts, so that no call takes or returns more than a part.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wiseflow.core.documents import ParsedDocument, Source, passage_of
from wiseflow.core.errors import DocumentError, MissingExtra, StorageError
from wiseflow.core.library import FileRecord, StoredFile, StoredSource
from wiseflow.core.tenants import qualified
from wiseflow.library.scanning import reason_of
from wiseflow.text.limits import ParseLimits
from wiseflow.text.parsing import PARSER_VERSION, ParsedFile, parse
from wiseflow.text.passages import split_passages

_BLOCK_BYTES = 1024 * 1024
_SNIFFED_BYTES = 64 * 1024
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTask:
    """A file to be read.

    Args:
        collection: the collection it is read for.
        document_id: what names its document, unless the document does.
        path: absolute.
        size, modified_ns: as they were before it is read; noted in its record.
        known_sha256: of its bytes when it was read last; "" reads it in any case.
        tenant: whose collection it is.
    """

    collection: str
    document_id: str
    path: str
    size: int
    modified_ns: int
    known_sha256: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Whole lines of a JSON Lines file: where they begin, their bytes, and the lines before."""

    offset: int
    size: int
    lines_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The parts of a JSON Lines file.

    Args:
        sha256: of the file's bytes.
        path: of the file in which the parts lie: an unpacked copy if it is compressed.
        parts: in order; none when the file has not changed.
    """

    sha256: str
    path: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReading:
    """What was read in a part, and what is wrong with the rest of it."""

    sources: tuple[StoredSource, ...] = ()
    problems: tuple[str, ...] = ()


def read_files(tasks: Sequence[ReadTask], limits: ParseLimits) -> list[StoredFile | None]:
    """What each file holds, or ``None`` for one whose bytes are the known ones."""
    return [_read_file(task, limits) for task in tasks]


def outline(task: ReadTask, limits: ParseLimits, *, part_bytes: int, copy: str) -> Outline:
    """Where a JSON Lines file can be cut, so that each part is whole lines.

    Args:
        task: the file.
        limits: bounds its unpacked size.
        part_bytes: about how long a part is to be.
        copy: where to put an unpacked copy of a compressed file.

    Raises:
        DocumentError: the file is broken, or unpacks to too much.
        StorageError: the system refuses, which says nothing about the file.
    """
    try:
        with Path(task.path).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 == task.known_sha256:
                return Outline(sha256=sha256, path=task.path)
            file.seek(0)
            if file.read(2) == b"\x1f\x8b":
                file.seek(0)
                _unpack(file, Path(copy), limits.unpacked_bytes)
                path = copy
            else:
                path = task.path
        with Path(path).open("rb") as file:
            return Outline(sha256=sha256, path=path, parts=tuple(_parts(file, part_bytes)))
    except OSError as error:
        raise StorageError(reason_of(error)) from error


def read_part(task: ReadTask, path: str, part: Part, limits: ParseLimits) -> PartReading:
    """The documents in a part of a JSON Lines file.

    Raises:
        StorageError: the system refuses, which says nothing about the file.
    """
    try:
        with Path(path).open("rb") as file:
            file.seek(part.offset)
            data = file.read(part.size)
    except OSError as error:
        raise StorageError(reason_of(error)) from error
    if not data.strip():
        return PartReading()
    # Empty lines in place of those before it: a problem then names the line in the whole file.
    data = b"\n" * part.lines_before + data
    try:
        parsed = parse(data, name="part.jsonl", limits=limits)
    except DocumentError as error:
        if _is_machines(error):
            raise StorageError(str(error)) from error
        return PartReading(problems=(f"from line {part.lines_before + 1}: {error}",))
    sources, problems = sources_of(task, parsed, numbered=True)
    return PartReading(sources=sources, problems=problems)


def merged(task: ReadTask, sha256: str, parts: Sequence[PartReading]) -> StoredFile:
    """The file that these parts make up."""
    problems = [problem for part in parts for problem in part.problems]
    sources: dict[str, StoredSource] = {}
    for part in parts:
        for source in part.sources:
            document_id = source.source.document_id
            if sources.setdefault(document_id, source) is not source:
                problems.append(_repeated(document_id))
    if not sources:
        problems.insert(0, "the file holds no document that can be read")
    return StoredFile(
        record=record_of(task, sha256=sha256, error=_joined(problems)),
        sources=tuple(sources.values()),
    )


def passages_in(sources: Iterable[StoredSource]) -> int:
    """How many passages these sources have together."""
    return sum(len(stored.passages) for stored in sources)


def record_of(
    task: ReadTask, *, sha256: str = "", error: str = "", parser: str = PARSER_VERSION
) -> FileRecord:
    """What is to be remembered of a file."""
    return FileRecord(
        path=task.path,
        size=task.size,
        modified_ns=task.modified_ns,
        sha256=sha256,
        parser=parser,
        error=error,
    )


def sources_of(
    task: ReadTask, parsed: ParsedFile, *, numbered: bool
) -> tuple[tuple[StoredSource, ...], tuple[str, ...]]:
    """The sources of a file or part of one, and what is wrong with it.

    Args:
        task: the file.
        parsed: its documents.
        numbered: whether the file may hold several documents, so that each needs an id of its own.
    """
    sources: dict[str, StoredSource] = {}
    problems = list(parsed.problems)
    for document in parsed.documents:
        stored = _stored(task, document, numbered=numbered)
        if sources.setdefault(stored.source.document_id, stored) is not stored:
            problems.append(_repeated(stored.source.document_id))
    return tuple(sources.values()), tuple(problems)


def _read_file(task: ReadTask, limits: ParseLimits) -> StoredFile | None:
    sha256 = ""
    try:
        with Path(task.path).open("rb") as file:
            data = file.read(limits.file_bytes + 1)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 == task.known_sha256:
            return None
        parsed = parse(data, name=task.path, limits=limits)
    except OSError as error:
        return StoredFile(record=record_of(task, error=reason_of(error), parser=""))
    except MissingExtra as error:
        # Without a version: the file is read again as soon as the extra may be there.
        return StoredFile(record=record_of(task, sha256=sha256, error=str(error), parser=""))
    except DocumentError as error:
        parser = "" if _is_machines(error) else PARSER_VERSION
        return StoredFile(record=record_of(task, sha256=sha256, error=str(error), parser=parser))
    sources, problems = sources_of(task, parsed, numbered=is_jsonl(task.path))
    return StoredFile(
        record=record_of(task, sha256=sha256, error=_joined(problems)), sources=sources
    )


def _is_machines(error: DocumentError) -> bool:
    """Whether a file could not be read because the machine refused: memory, disk, open files."""
    if isinstance(error.__cause__, OSError):
        # An error number is the system's; libraries raise OSError without one about what they read.
        return error.__cause__.errno is not None
    return isinstance(error.__context__, MemoryError)


def is_jsonl(path: str) -> bool:
    """Whether a file holds a document a line, told by its name."""
    name = path.lower().removesuffix(".gz")
    return name.endswith((".jsonl", ".ndjson"))


def _stored(task: ReadTask, document: ParsedDocument, *, numbered: bool) -> StoredSource:
    sha256 = hashlib.sha256(document.text.encode()).hexdigest()
    document_id = document.document_id or task.document_id
    if numbered and not document.document_id:
        document_id = f"{task.document_id}#{sha256[:12]}"
    source = Source(
        source_id=source_id_of(
            qualified(task.tenant, task.collection), task.path, document_id, sha256
        ),
        collection=task.collection,
        document_id=document_id,
        path=task.path,
        title=document.title,
        url=document.url,
        published=document.published,
        language=document.language,
        sha256=sha256,
        text=document.text,
        authors=document.authors,
        site=document.site,
    )
    passages = tuple(
        passage_of(source, found.start, found.end, found.heading)
        for found in split_passages(document)
    )
    return StoredSource(source=source, passages=passages)


def source_id_of(collection: str, path: str, document_id: str, sha256: str) -> str:
    """The id of a source: the same for the same document of the same file, 96 bits of SHA-256."""
    named = f"{collection}\x00{path}\x00{document_id}\x00{sha256}"
    return hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()[:24]


def _repeated(document_id: str) -> str:
    return f"the document {document_id!r} occurs more than once; the first one is kept"


def _joined(problems: Sequence[str]) -> str:
    more = len(problems) - _MOST_PROBLEMS
    shown = [*problems[:_MOST_PROBLEMS], *([f"and {more:,} more problems"] if more > 0 else [])]
    return "; ".join(shown)


def _unpack(file: BinaryIO, copy: Path, most_bytes: int) -> None:
    size = 0
    try:
        with gzip.GzipFile(fileobj=file) as packed, copy.open("wb") as unpacked:
            while block := packed.read(_BLOCK_BYTES):
                size += len(block)
                if size > most_bytes:
                    raise DocumentError(f"the file unpacks to more than {most_bytes:,} bytes")
                unpacked.write(block)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DocumentError(f"the gzip file is broken: {error}") from None


def _parts(file: BinaryIO, part_bytes: int) -> Iterator[Part]:
    if b"\x00" in file.read(_SNIFFED_BYTES):
        # UTF-16 or 32, in which a line does not end at the byte 10: one part.
        yield Part(offset=0, size=file.seek(0, io.SEEK_END), lines_before=0)
        return
    offset = lines = 0
    file.seek(0)
    while block := file.read(part_bytes):
        if not block.endswith(b"\n"):
            block += file.readline()
        yield Part(offset=offset, size=len(block), lines_before=lines)
        offset += len(block)
        lines += block.count(b"\n")
