"""The files of an index, what they say, and what disks answer.

::

    <folder>/
        current.json            which build is current, its format and its embedder
        lock                    held by the one writer
        build-<number>/
            words/              tantivy's files; its commit is the one moment of change
            generation-<n>.json the vector segments of generation n
            dead-<n>.i8         rows of those segments that were removed since
            vectors-<n>.f4      vectors added or merged for generation n, never changed
            rows-<n>.i8         the row numbers of those vectors, ascending
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from wiseflow.core.errors import IndexDamaged, NotFound, SchemaMismatch, StorageError, StorageFull

FORMAT = 1
REBUILD_CURE = "Index its documents again, which makes it anew: wiseflow index PATH"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("no space left", "quota exceeded", "file too large")
# In what tantivy says when the system refuses, not when a file is broken.
_REFUSED_WORDS = ("os error", "os { code", "lockfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Which build of an index is current, and what made it.

    Args:
        number: of the folder ``build-<number>``.
        embedder: the fingerprint of its vectors.
        format: the version of these files.
    """

    number: int
    embedder: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A pair of files of vectors and their row numbers.

    Args:
        number: the generation it was written for: ``vectors-<number>.f4``, ``rows-<number>.i8``.
        size: rows in it, dead ones included.
        dead: rows of it that were removed.
    """

    number: int
    size: int
    dead: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a commit of the index consists of beside tantivy's files.

    Args:
        number: increases by one with every commit.
        next_row: the row number the next passage gets.
        passages: how many can be found.
        segments: the vectors, by ascending rows.
    """

    number: int = 0
    next_row: int = 0
    passages: int = 0
    segments: tuple[Segment, ...] = ()


def read_build(folder: Path) -> Build | None:
    """The current build of the index in ``folder``, or ``None`` where there is no index.

    Raises:
        SchemaMismatch: it was made by another version of the program.
        ValueError: the record is broken.
    """
    try:
        record = json.loads((folder / "current.json").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    with _broken_records("current.json"):
        if record["format"] == FORMAT:
            return Build(**record)
        made_by = record["format"]
    raise SchemaMismatch(
        f"the index in {folder} has format {made_by}, this program reads {FORMAT}",
        cure=REBUILD_CURE,
    )


def check_embedder(folder: Path, build: Build, fingerprint: str) -> None:
    """Refuse an index whose vectors another embedder made.

    Raises:
        SchemaMismatch: the fingerprints differ.
    """
    if build.embedder != fingerprint:
        raise SchemaMismatch(
            f"the index in {folder} was made with the embedder {build.embedder!r}, "
            f"not with {fingerprint!r}",
            cure=REBUILD_CURE,
        )


def no_index(folder: Path) -> NotFound:
    """The error for an index that is missing or holds nothing."""
    return NotFound(f"there is no index in {folder}", cure="Make one: wiseflow index PATH")


def write_build(folder: Path, build: Build) -> None:
    """Make ``build`` the current one, at one moment."""
    write_durably(folder / "current.json", json.dumps(asdict(build)).encode())


def read_generation(build_folder: Path, number: int) -> Generation:
    """The record of a generation.

    Raises:
        FileNotFoundError: it was cleared away.
        ValueError: it is broken.
    """
    name = f"generation-{number}.json"
    record = json.loads((build_folder / name).read_text("utf-8"))
    with _broken_records(name):
        record["segments"] = tuple(Segment(**segment) for segment in record["segments"])
        return Generation(**record)


def write_generation(build_folder: Path, generation: Generation) -> None:
    """Write the record of a generation; it counts once tantivy's commit names it."""
    path = build_folder / f"generation-{generation.number}.json"
    write_durably(path, json.dumps(asdict(generation)).encode())


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is absent, old or whole."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def build_folder(folder: Path, number: int) -> Path:
    """Where a build's files are."""
    return folder / f"build-{number}"


@contextmanager
def disk_errors(folder: Path) -> Generator[None]:
    """Translate what the disk and tantivy raise into errors that name the folder.

    Raises:
        StorageFull: no room is left.
        IndexDamaged: a file is missing or broken.
        StorageError: anything else the disk refused.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise _damaged(folder, f"{Path(str(error.filename)).name} is missing") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _refused(folder, reason, full=error.errno in _FULL) from error
    except ValueError as error:
        # tantivy reports everything, the disk's refusals too, as ValueError.
        reason = str(error).strip()
        full = any(words in reason.lower() for words in _FULL_WORDS)
        if full or any(words in reason.lower() for words in _REFUSED_WORDS):
            raise _refused(folder, reason, full=full) from error
        raise _damaged(folder, reason) from error


@contextmanager
def _broken_records(name: str) -> Generator[None]:
    """Translate what a JSON record of another shape raises into ``ValueError``."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{name} holds something else than it should") from error


def _damaged(folder: Path, reason: str) -> IndexDamaged:
    return IndexDamaged(f"the index in {folder} is damaged: {reason}", cure=REBUILD_CURE)


def _refused(folder: Path, reason: str, *, full: bool) -> StorageError:
    if full:
        return StorageFull(
            f"no room is left for the index in {folder}", cure="Free some space and run it again"
        )
    return StorageError(
        f"the index in {folder} cannot be read or written: {reason}",
        cure="Check that the folder lies on a disk you may write to",
    )
