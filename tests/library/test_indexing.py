"""What is done about an index that cannot be used any more."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from wiseflow.core.errors import StorageError
from wiseflow.engine.processes import ProcessPool
from wiseflow.library.collections import collection_folder
from wiseflow.library.indexing import fault_of_index
from wiseflow.library.ingesting import Library
from wiseflow.library.searching import search_collection
from wiseflow.storage.sql.documents import SqlDocumentStore

P = ParamSpec("P")
T = TypeVar("T")

pytestmark = pytest.mark.asyncio(loop_scope="session")


def emptied(pattern: str) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        for path in index.rglob(pattern):
            # A new file, as a worker may still have mapped the old one into memory.
            path.unlink()
            path.touch()

    return damage


def made_by(**other: object) -> Callable[[Path], None]:
    def change(index: Path) -> None:
        record = index / "current.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | other))

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        *map(emptied, ("rows-*.i8", "vectors-*.f4", "generation-*.json", "*.term")),
        *map(emptied, ("meta.json", "current.json")),
        made_by(format=0),
        made_by(embedder="another"),
    ],
)
async def test_an_index_that_cannot_be_used_is_made_anew_by_the_next_run(
    library: Library,
    docs: Path,
    compute: ProcessPool,
    data_folder: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
):
    async def search() -> list[str]:
        hits = await search_collection(
            compute, data_folder=data_folder, collection="c", query="heat pump", k=1
        )
        return [hit.document_id for hit in hits]

    await library.ingest([docs], "c")
    spoil(collection_folder(data_folder, "c").index)
    with pytest.raises(StorageError, match="wiseflow index PATH"):
        await search()

    with caplog.at_level(logging.WARNING, "wiseflow"):
        report = await library.ingest([docs], "c")

    assert (report.unchanged, report.changed) == (3, 0)  # no file is read again
    assert await search() == ["heat.md"]
    assert any("made anew" in record.getMessage() for record in caplog.records)
    assert (await library.ingest([docs], "c")).unchanged == 3


async def test_a_collection_of_bad_files_only_has_not_lost_its_index(
    library: Library, tmp_path: Path, store: SqlDocumentStore
):
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.touch()
    second.touch()
    await library.ingest([first, second], "c")

    report = await library.ingest([first], "c")

    assert report.unchanged == 1
    assert report.failed == ((str(first), "the file is empty"),)
    assert set(await store.files("c")) == {str(first), str(second)}


async def test_an_index_that_brings_its_reader_down_has_a_fault(
    compute: ProcessPool, tmp_path: Path
):
    class Deadly:
        async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            del function, args, kwargs
            await compute.run(exec, "__import__('os')._exit(3)")
            raise AssertionError("the worker lives on")

    assert "brings down" in await fault_of_index(Deadly(), tmp_path)
