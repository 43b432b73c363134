"""What stops an ingest or spoils a collection, and how the next run mends it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wiseflow.core.errors import Conflict, NotFound, StorageError
from wiseflow.core.library import IndexChange
from wiseflow.engine.processes import ProcessPool
from wiseflow.knowledge.writing import apply
from wiseflow.library.collections import collection_folder
from wiseflow.library.ingesting import Library
from wiseflow.library.locking import collection_lock
from wiseflow.library.tally import IngestProgress
from wiseflow.storage.sql.documents import SqlDocumentStore

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_changes_of_one_collection_at_once_are_refused(
    library: Library, docs: Path, data_folder: Path
):
    lock = collection_folder(data_folder, "c").lock
    async with collection_lock(lock, collection="c", wait_s=1):
        with pytest.raises(Conflict, match="being changed by another command"):
            await library.ingest([docs], "c")

    assert (await library.ingest([docs], "c")).added == 2


async def test_a_deleted_collection_is_gone_and_can_be_made_again(
    library: Library, docs: Path, data_folder: Path, search
):
    await library.ingest([docs], "c")

    await library.delete("c")

    assert not collection_folder(data_folder, "c").path.exists()
    with pytest.raises(NotFound, match="has no index"):
        await search("heat")
    with pytest.raises(NotFound):
        await library.delete("c")
    assert (await library.ingest([docs], "c")).added == 2
    assert (await search("heat"))[0] == "heat.md"


async def test_what_a_crash_in_a_deletion_left_is_not_found_again(
    library: Library, docs: Path, store: SqlDocumentStore, tmp_path: Path, search
):
    await library.ingest([docs], "c")
    await store.delete_collection("c")
    other = tmp_path / "other.txt"
    other.write_text("Something else.")

    await library.ingest([other], "c")

    assert await search("heat pump") in ([], ["other.txt"])


async def test_a_lost_index_is_made_anew_also_of_files_that_are_gone(
    library: Library, docs: Path, data_folder: Path, tmp_path: Path, search
):
    other = tmp_path / "other.txt"
    other.write_text("Penguins live in the south.")
    await library.ingest([docs, other], "c")
    shutil.rmtree(collection_folder(data_folder, "c").index)
    other.unlink()

    report = await library.ingest([docs], "c")

    assert report.unchanged == 3
    assert (await search("penguins"))[0] == "other.txt"
    assert (await search("heat pump"))[0] == "heat.md"


async def test_a_crash_between_storing_and_indexing_is_mended_by_the_next_run(
    library: Library,
    make_library: Callable[..., Library],
    docs: Path,
    store: SqlDocumentStore,
    search,
):
    class Crash(Exception):
        pass

    class Crashing:
        async def run(self, *args: object, **kwargs: object) -> object:
            raise Crash

    with pytest.raises(Crash):
        await make_library(indexing=Crashing()).ingest([docs], "c")
    (docs / "new.txt").write_text("Rivers flow to the sea.")

    report = await library.ingest([docs], "c")

    assert report.added == 1
    assert await store.pending_changes("c", limit=9) == IndexChange()
    assert (await search("rivers"))[0] == "new.txt"
    assert (await search("heat pump"))[0] == "heat.md"


SCRIPT = """
import asyncio, sys
from pathlib import Path
from wiseflow.engine.processes import ProcessPool
from wiseflow.library.ingesting import Library
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.schema import open_database

async def main():
    data, documents = map(Path, sys.argv[1:])
    async with (
        await open_database(f"sqlite:///{data}/wiseflow.db") as database,
        ProcessPool(workers=1, name="t", timeout_s=60) as pool,
    ):
        store = SqlDocumentStore(database)
        library = Library(store=store, parsing=pool, indexing=pool, data_folder=data)
        await library.ingest([documents], "c", progress=lambda told: print(told, flush=True))

asyncio.run(main())
"""


@pytest.fixture
def three_files(tmp_path: Path, jsonl, records) -> Path:
    """A folder of three files with 100, 70 and 40 documents."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3):
        jsonl(folder / f"{number}.jsonl", records(100)[number * 30 :])
    return folder


@pytest.fixture
def large_file(tmp_path: Path, jsonl, records) -> Path:
    """A file of 100 documents, so long that it is read in parts."""
    return jsonl(tmp_path / "many.jsonl", records(100))


@pytest.mark.parametrize("lines", [1, 2, 3])
async def test_a_killed_ingest_is_mended_by_the_next(
    library: Library,
    store: SqlDocumentStore,
    data_folder: Path,
    three_files: Path,
    search,
    lines: int,
):
    ingest = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, str(data_folder), str(three_files), stdout=subprocess.PIPE
    )
    try:
        assert ingest.stdout is not None
        for _ in range(lines):
            assert await ingest.stdout.readline()
    finally:
        with contextlib.suppress(ProcessLookupError):
            ingest.kill()
        await ingest.communicate()

    kept = await store.files("c")

    report = await library.ingest([three_files], "c")

    assert report.unchanged == len(kept)  # what was stored is not read again
    assert [one.passages for one in await store.collections()] == [100 + 70 + 40]
    assert await store.pending_changes("c", limit=9) == IndexChange()
    assert (await search("n99"))[0] == "d99"


@pytest.mark.parametrize(
    ("reached", "stored"),
    [
        pytest.param(lambda told: told.passages == 0, 0, id="before-reading"),
        pytest.param(lambda told: told.passages > 0, 0, id="while-parts-are-read"),
        pytest.param(lambda told: told.files_done == 1, 0, id="before-storing"),
        pytest.param(lambda told: told.passages_indexed > 0, 100, id="while-indexing"),
    ],
)
async def test_cancelling_leaves_a_collection_that_the_next_run_completes(
    library: Library,
    store: SqlDocumentStore,
    search,
    large_file: Path,
    reached: Callable[[IngestProgress], bool],
    stored: int,
):
    def cancel(told: IngestProgress) -> None:
        if reached(told) and not run.cancelling():
            run.cancel()

    run = asyncio.create_task(library.ingest([large_file], "c", progress=cancel), name="ingest")
    with pytest.raises(asyncio.CancelledError):
        await run
    assert [one.passages for one in await store.collections()] == [stored]

    report = await library.ingest([large_file], "c")

    assert report.unchanged == (stored > 0)
    assert [one.passages for one in await store.collections()] == [100]
    assert await store.pending_changes("c", limit=9) == IndexChange()
    assert (await search("n99"))[0] == "d99"


async def test_cancelling_while_the_index_is_written_leaves_that_to_the_next_run(
    make_library: Callable[..., Library],
    compute: ProcessPool,
    store: SqlDocumentStore,
    search,
    docs: Path,
    large_file: Path,
):
    class Cancelling:
        async def run(self, function, /, *args: object, **kwargs: object) -> object:
            if function is apply:
                run.cancel()
            return await compute.run(function, *args, **kwargs)

    await make_library().ingest([docs], "c")
    ingest = make_library(indexing=Cancelling()).ingest([large_file], "c")
    run = asyncio.create_task(ingest, name="ingest")
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await store.pending_changes("c", limit=9) != IndexChange()

    report = await make_library().ingest([large_file], "c")

    assert (report.unchanged, report.passages) == (1, 0)
    assert await store.pending_changes("c", limit=9) == IndexChange()
    assert (await search("n99"))[0] == "d99"


async def test_a_database_that_refuses_is_one_error(
    make_library: Callable[..., Library], docs: Path, store: SqlDocumentStore
):
    class Full(SqlDocumentStore):
        async def store(self, collection: str, files: object) -> None:
            raise StorageError("no room")

    with pytest.raises(StorageError, match="no room"):
        await make_library(store=Full(store._database)).ingest([docs], "c")


async def test_a_data_folder_that_cannot_be_written_is_named(
    make_library: Callable[..., Library], tmp_path: Path, docs: Path
):
    taken = tmp_path / "taken"
    taken.write_text("a file where a folder is wanted")

    with pytest.raises(StorageError, match="taken"):
        await make_library(data_folder=taken).ingest([docs], "c")
