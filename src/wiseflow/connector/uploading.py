"""Brings a collection of a service up to what is on this machine's disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wiseflow.client.client import Client
from wiseflow.library.collections import collection_for_folder
from wiseflow.library.scanning import FoundFile, scan
from wiseflow.observability.logs import get_logger
from wiseflow.text.parsing import SUPPORTED_SUFFIXES

# One upload holds about so much, which a service takes by default.
UPLOAD_BYTES = 16 * 1024 * 1024
UPLOAD_FILES = 200
NAME_CHARACTERS = 150
_OTHER = re.compile(r"[^\w .,()\[\]+&'@#-]")
_log = get_logger(__name__)


async def bring_up(client: Client, paths: Sequence[Path]) -> str:
    """Upload files and folders into a collection of their own; its name.

    What was uploaded before and is gone from the disk is deleted there.

    Raises:
        InvalidInput: a path does not exist.
        TooLarge: it is more than the service keeps.
    """
    found = await asyncio.to_thread(scan, paths, suffixes=SUPPORTED_SUFFIXES)
    name = collection_for_folder(*paths)
    named = names_of(found.files)
    known = {one.name for one in await client.list_collections()}
    there = {one.name for one in await client.list_files(name)} if name in known else set[str]()
    for part in _parts(named):
        report = await client.upload_files(name, await asyncio.to_thread(_read, part))
        for file, reason in report.failed.items():
            _log.warning("A document could not be read", file=file, why=reason)
    for gone in sorted(there - named.keys()):
        await client.delete_file(name, gone)
    return name


def names_of(files: Sequence[FoundFile]) -> dict[str, FoundFile]:
    """The files by names without folders: a path's parts joined, no two alike."""
    named: dict[str, FoundFile] = {}
    for file in files:
        flat = _OTHER.sub("_", file.document_id.replace("/", "--").replace("\\", "--"))
        # The end tells the format; a name begins with a letter or a digit.
        flat = flat[-NAME_CHARACTERS:].lstrip(" .,()[]+&'@#-") or "document.txt"
        name, number = flat, 2
        while name in named:
            name, number = f"{number}-{flat}", number + 1
        named[name] = file
    return named


def _parts(named: Mapping[str, FoundFile]) -> Iterator[Mapping[str, FoundFile]]:
    part: dict[str, FoundFile] = {}
    size = 0
    for name, file in named.items():
        if part and (size + file.size > UPLOAD_BYTES or len(part) >= UPLOAD_FILES):
            yield part
            part, size = {}, 0
        part[name] = file
        size += file.size
    if part:
        yield part


def _read(part: Mapping[str, FoundFile]) -> dict[str, bytes]:
    return {name: Path(file.path).read_bytes() for name, file in part.items()}
