"""What the document library keeps about collections and files."""

from __future__ import annotations

from dataclasses import dataclass

from wiseflow.core.documents import Passage, Source

DEFAULT_COLLECTION = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named set of documents with an index of its own.

    Args:
        private: its passages are never sent to another machine.
        files, sources, passages: how many there are.
    """

    name: str
    private: bool = False
    files: int = 0
    sources: int = 0
    passages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What was last seen of a file: enough to tell that it has not changed.

    Args:
        path: absolute.
        size: in bytes.
        modified_ns: the file system's modification time, nanoseconds since the epoch.
        sha256: of the file's bytes, in hexadecimal.
        parser: the version of the parsers that read it; another version reads it again.
        error: why it could not be read, or "".
    """

    path: str
    size: int
    modified_ns: int
    sha256: str
    parser: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSource:
    """A source with its passages, ready to be stored."""

    source: Source
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file and the sources found in it (none for a bad file, many for JSON Lines)."""

    record: FileRecord
    sources: tuple[StoredSource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPage:
    """What became of a page that a research wanted to read.

    Args:
        source_id: of the source it became, or that was made of what a search told of it; "" for
            none.
        error: why the page could not be read, or "".
    """

    source_id: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChange:
    """What an index has to add and to remove."""

    added: tuple[StoredSource, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)
