"""Which files there are to read: a walk over the files and folders that were given."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wiseflow.core.errors import InvalidInput

# Version control and build folders whose names do not begin with a full stop.
SKIPPED_FOLDERS = frozenset({"CVS", "_darcs", "node_modules", "__pycache__"})
VIRTUALENV_MARK = "pyvenv.cfg"

_NOT_A_FILE = "neither a file nor a folder"
_DANGLING = "a link to something that does not exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file to be read.

    Args:
        path: absolute, links in it kept.
        document_id: its path within the folder that was given, or its name.
        size: in bytes.
        modified_ns: nanoseconds since the epoch.
    """

    path: str
    document_id: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a walk found.

    Args:
        files: sorted by path, each once.
        folders: the folders that were given, absolute.
        failed: what could not be looked at, with the reason.
    """

    files: tuple[FoundFile, ...] = ()
    folders: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Walk:
    suffixes: Collection[str]
    files: dict[str, FoundFile] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def scan(paths: Sequence[Path], *, suffixes: Collection[str]) -> Scan:
    """The files below ``paths``, in the same order whatever the file system's.

    Files that were named are taken whatever their suffix; those in folders if theirs is known.
    Hidden entries, folders of version control, virtual environments and folders that a link leads
    back to are passed over.

    Args:
        paths: files and folders.
        suffixes: the known ones, lower case, with the full stop: ``.md``, ``.jsonl.gz``.

    Raises:
        InvalidInput: there is no path, or one of them does not exist.
    """
    if not paths:
        raise InvalidInput("no file or folder was given", cure="Name at least one")
    walk = _Walk(suffixes)
    folders: list[str] = []
    for path in map(_absolute, paths):
        status = _status(path)
        if stat.S_ISDIR(status.st_mode):
            folders.append(str(path))
            _walk_folder(path, walk)
        elif stat.S_ISREG(status.st_mode):
            _note(path, path.name, status, walk)
        else:
            walk.failed[str(path)] = _NOT_A_FILE
    return Scan(
        files=tuple(walk.files[path] for path in sorted(walk.files)),
        folders=tuple(dict.fromkeys(folders)),
        failed=tuple(sorted(walk.failed.items())),
    )


def gone(known: Collection[str], found: Scan) -> list[str]:
    """Which of the ``known`` files below the scanned folders do not exist any more."""
    seen = {file.path for file in found.files}
    return sorted(
        path
        for path in known
        if path not in seen and _is_below(path, found.folders) and not _exists(path)
    )


def reason_of(error: OSError) -> str:
    """Why the system refused, in a few words."""
    return (error.strerror or type(error).__name__).lower()


def _absolute(path: Path) -> Path:
    # Not ``resolve``: a linked folder keeps the name by which the user knows it.
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise InvalidInput(
                f"{path} is {_DANGLING}", cure="Mend the link, or name the file itself"
            ) from None
        raise InvalidInput(
            f"there is no file or folder {path}", cure="Check the spelling of the path"
        ) from None
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise InvalidInput(
            f"{path} cannot be looked at: {reason}", cure="Check the path and this user's access"
        ) from error


def _note(path: Path, document_id: str, status: os.stat_result, walk: _Walk) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        # Neither the database nor a report could hold it.
        walk.failed[_readable(path)] = "its name is not valid UTF-8"
    else:
        walk.files.setdefault(str(path), _found(path, document_id, status))


def _readable(path: Path) -> str:
    return str(path).encode(errors="surrogateescape").decode(errors="replace")


def _found(path: Path, document_id: str, status: os.stat_result) -> FoundFile:
    return FoundFile(
        path=str(path), document_id=document_id, size=status.st_size, modified_ns=status.st_mtime_ns
    )


def _walk_folder(root: Path, walk: _Walk) -> None:
    """Note the files below ``root``; a stack instead of recursion, for folders nested very deep."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError as error:
            walk.failed[_readable(folder)] = f"the folder cannot be read: {reason_of(error)}"
            continue
        if folder != root and any(entry.name == VIRTUALENV_MARK for entry in entries):
            continue
        waiting.extend(_note_files(root, entries, walk))


def _note_files(root: Path, entries: Sequence[Path], walk: _Walk) -> Iterator[Path]:
    """Note the files among ``entries``, and give the folders among them."""
    for entry in entries:
        if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
            continue
        try:
            status = entry.stat()
        except OSError as error:
            if has_suffix(entry.name, walk.suffixes):
                dangling = isinstance(error, FileNotFoundError) and entry.is_symlink()
                walk.failed[_readable(entry)] = _DANGLING if dangling else reason_of(error)
            continue
        if stat.S_ISDIR(status.st_mode):
            yield entry
        elif not has_suffix(entry.name, walk.suffixes):
            continue
        elif stat.S_ISREG(status.st_mode):
            _note(entry, entry.relative_to(root).as_posix(), status, walk)
        else:
            walk.failed[_readable(entry)] = _NOT_A_FILE


def has_suffix(name: str, suffixes: Collection[str]) -> bool:
    """Whether ``name`` ends in one of ``suffixes``, which may be double as ``.md.gz``."""
    parts = name.lower().split(".")
    return any("." + ".".join(parts[-count:]) in suffixes for count in (1, 2) if len(parts) > count)


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def _exists(path: str) -> bool:
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it cannot be looked at, which does not mean that it is gone
    return True
