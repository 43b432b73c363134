from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from wiseflow.core.errors import Conflict, InvalidInput, NotFound, StorageError
from wiseflow.core.library import IndexChange
from wiseflow.core.ports import Compute
from wiseflow.engine.processes import ProcessLimits, ProcessPool
from wiseflow.library.collections import collection_folder
from wiseflow.library.ingesting import Library
from wiseflow.library.locking import collection_lock
from wiseflow.library.planning import IngestLimits
from wiseflow.library.searching import search_collection
from wiseflow.library.tally import IngestProgress, IngestReport
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.text.limits import ParseLimits

pytestmark = pytest.mark.asyncio(loop_scope="session")


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    """Added, changed, unchanged, removed, failed."""
    return report.added, report.changed, report.unchanged, report.removed, len(report.failed)


def jsonl(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    text = "".join(json.dumps(record) + "\n" for record in records)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def records(count: int) -> list[dict[str, object]]:
    return [
        {"id": f"d{n}", "title": f"Document {n}", "text": f"The number of this text is n{n}. " * 9}
        for n in range(count)
    ]


class Search:
    def __init__(self, compute: ProcessPool, data_folder: Path) -> None:
        self._compute = compute
        self._data_folder = data_folder

    async def __call__(self, query: str, *, collection: str = "c") -> list[str]:
        """The document ids found, the best first."""
        hits = await search_collection(
            self._compute, data_folder=self._data_folder, collection=collection, query=query, k=5
        )
        return [hit.document_id for hit in hits]


@pytest.fixture
def search(compute: ProcessPool, data_folder: Path) -> Search:
    return Search(compute, data_folder)


async def test_a_folder_is_read_and_can_be_searched(library: Library, docs: Path, search: Search):
    report = await library.ingest([docs], "c")

    assert counts(report) == (2, 0, 0, 0, 1)
    assert report.passages == 2
    assert report.failed[0][0].endswith("broken.pdf")
    assert (await search("heat pump"))[0] == "heat.md"
    assert (await search("moon tides"))[0] == "deep/tides.txt"


async def test_a_second_run_reads_nothing_and_names_the_bad_file_again(
    library: Library, docs: Path, store: SqlDocumentStore
):
    first = await library.ingest([docs], "c")

    second = await library.ingest([docs], "c")

    assert counts(second) == (0, 0, 3, 0, 1)
    assert second.failed == first.failed
    assert second.passages == 0


async def test_a_touched_file_is_unchanged(library: Library, docs: Path):
    await library.ingest([docs], "c")
    os.utime(docs / "heat.md", ns=(1, 1))

    assert counts(await library.ingest([docs], "c")) == (0, 0, 3, 0, 1)


async def test_a_changed_file_takes_the_place_of_the_old(
    library: Library, docs: Path, search: Search, store: SqlDocumentStore
):
    await library.ingest([docs], "c")
    (docs / "heat.md").write_text("# Volcanoes\n\nLava is molten rock.\n")

    report = await library.ingest([docs], "c")

    assert counts(report) == (0, 1, 2, 0, 1)
    assert (await search("lava"))[0] == "heat.md"
    assert [one.sources for one in await store.collections()] == [2]


async def test_files_that_are_gone_are_dropped(
    library: Library, docs: Path, search: Search, store: SqlDocumentStore
):
    await library.ingest([docs], "c")
    shutil.rmtree(docs / "deep")

    report = await library.ingest([docs], "c")

    assert counts(report) == (0, 0, 2, 1, 1)
    assert await search("moon tides") == ["heat.md"] or await search("moon tides") == []


async def test_only_files_below_the_given_folder_are_dropped(library: Library, docs: Path):
    await library.ingest([docs], "c")
    (docs / "heat.md").unlink()

    report = await library.ingest([docs / "deep"], "c")

    assert report.removed == 0


async def test_a_file_named_alone_that_is_gone_is_an_error(library: Library, docs: Path):
    await library.ingest([docs / "heat.md"], "c")
    (docs / "heat.md").unlink()

    with pytest.raises(InvalidInput, match="there is no file or folder"):
        await library.ingest([docs / "heat.md"], "c")


async def test_a_named_file_is_taken_whatever_its_suffix(
    library: Library, tmp_path: Path, search: Search
):
    odd = tmp_path / "notes.odd"
    odd.write_text("Glaciers move slowly down the valley.")

    assert counts(await library.ingest([odd], "c")) == (1, 0, 0, 0, 0)
    assert await search("glaciers") == ["notes.odd"]


@pytest.mark.parametrize("name", ["many.jsonl", "many.jsonl.gz"])
async def test_json_lines_are_read_in_parts(
    library: Library, tmp_path: Path, name: str, search: Search
):
    file = tmp_path / name
    if name.endswith(".gz"):
        # Random ids keep the packed file long enough to be read in parts.
        many = [{"id": os.urandom(30).hex(), "text": f"Text n{n}."} for n in range(300)]
    else:
        many = records(100)
    jsonl(file, many)

    report = await library.ingest([file], "c")

    assert counts(report) == (1, 0, 0, 0, 0)
    assert report.passages == len(many)
    assert (await search("n77"))[0] == many[77]["id"]
    assert counts(await library.ingest([file], "c")) == (0, 0, 1, 0, 0)
    os.utime(file, ns=(1, 1))
    assert counts(await library.ingest([file], "c")) == (0, 0, 1, 0, 0)


async def test_bad_lines_are_named_by_their_number_and_the_rest_is_read(
    library: Library, tmp_path: Path
):
    many = records(60)
    many[40] = {"id": "d40", "title": "no text"}
    many[50] = {"id": "d7", "text": "the same id as another"}
    file = jsonl(tmp_path / "many.jsonl", many)
    with file.open("a") as lines:
        lines.write("\n" * 5_000)

    report = await library.ingest([file], "c")

    assert counts(report) == (1, 0, 0, 0, 1)
    assert report.passages == 58
    (_, reason), *_ = report.failed
    assert "line 41: text is missing" in reason
    assert "the document 'd7' occurs more than once" in reason


async def test_a_part_without_any_document_does_not_lose_the_others(
    library: Library, tmp_path: Path
):
    file = jsonl(tmp_path / "many.jsonl", records(30))
    with file.open("a") as lines:
        lines.write(("not json " * 500 + "\n") * 3)

    report = await library.ingest([file], "c")

    assert report.passages == 30
    assert "from line 32: " in report.failed[0][1]


async def test_a_file_full_of_problems_names_the_first_ones(library: Library, tmp_path: Path):
    file = jsonl(tmp_path / "many.jsonl", records(1))
    with file.open("a") as lines:
        lines.write("not json\n" * 300)

    report = await library.ingest([file], "c")

    assert "line 2: not JSON" in report.failed[0][1]
    assert report.failed[0][1].endswith("and 280 more problems")


async def test_lines_without_ids_get_ids_of_their_own(
    library: Library, tmp_path: Path, search: Search
):
    file = jsonl(
        tmp_path / "few.jsonl", [{"text": "Bees make honey."}, {"text": "Ants make hills."}]
    )

    await library.ingest([file], "c")

    (first, *_), (second, *_) = await search("bees honey"), await search("ants hills")
    assert first != second
    assert first.startswith("few.jsonl#")


async def test_wide_characters_in_json_lines(library: Library, tmp_path: Path):
    file = tmp_path / "wide.jsonl"
    text = "".join(json.dumps(record) + "\n" for record in records(40))
    file.write_bytes(text.encode("utf-16"))

    assert (await library.ingest([file], "c")).passages == 40


async def test_files_that_cannot_be_read_are_listed_with_the_reason(
    library: Library, tmp_path: Path
):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "good.txt").write_text("This one is good.")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (folder / "huge.txt").write_bytes(b"word " * 50_000)
    (folder / "broken.jsonl.gz").write_bytes(b"\x1f\x8b" + os.urandom(5_000))
    (folder / "bomb.jsonl.gz").write_bytes(gzip.compress(b"\n" * 10_000_000))
    (folder / "junk.jsonl").write_bytes(b"junk\n" * 2_000)
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")

    report = await library.ingest([folder], "c")

    reasons = {Path(path).name: reason for path, reason in report.failed}
    assert report.added == 1
    assert sorted(reasons) == sorted(
        path.name for path in folder.iterdir() if path.name != "good.txt"
    )
    assert "empty" in reasons["empty.txt"]
    assert "binary" in reasons["binary.txt"]
    assert "more than the" in reasons["huge.txt"]
    assert "broken" in reasons["broken.jsonl.gz"]
    assert "unpacks to more than" in reasons["bomb.jsonl.gz"]
    assert "no document" in reasons["junk.jsonl"]


async def test_a_file_that_brings_its_worker_down_costs_itself_only(
    store: SqlDocumentStore, compute: ProcessPool, data_folder: Path, docs: Path
):
    # A worker with too little time: the call for all files fails, and so does each alone.
    async with ProcessPool(workers=1, name="slow", timeout_s=0.0001) as slow:
        library = Library(store=store, parsing=slow, indexing=compute, data_folder=data_folder)

        report = await library.ingest([docs], "c")

    assert [reason[:12] for _, reason in report.failed] == ["reading it t"] * 3
    assert (await library_with(store, compute, data_folder).ingest([docs], "c")).added == 0


def pdf_bomb() -> bytes:
    """A page whose content unpacks twice, to a gigabyte of path operators."""
    packed = zlib.compress(zlib.compress(b"0 0 m 1 1 l S " * 70_000_000, 1), 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%b\nendstream"
        % (len(packed), packed),
    ]
    body = b"".join(b"%d 0 obj%b endobj\n" % (n, one) for n, one in enumerate(objects, start=1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF"


async def test_a_pdf_bomb_goes_off_in_its_worker_and_is_named(
    store: SqlDocumentStore, compute: ProcessPool, data_folder: Path, docs: Path
):
    (docs / "bomb.pdf").write_bytes(pdf_bomb())
    limits = ProcessLimits(memory_bytes=500_000_000, cpu_s=20)
    async with ProcessPool(workers=1, name="tight", timeout_s=60, limits=limits) as tight:
        library = Library(store=store, parsing=tight, indexing=compute, data_folder=data_folder)

        report = await library.ingest([docs], "c")

    assert report.added == 2
    assert [Path(path).name for path, _ in report.failed] == ["bomb.pdf", "broken.pdf"]


async def test_a_bad_file_is_read_again_under_other_limits(
    store: SqlDocumentStore, compute: ProcessPool, data_folder: Path, tmp_path: Path
):
    packed = tmp_path / "packed.txt.gz"
    packed.write_bytes(gzip.compress(b"It holds many words. " * 1_000))

    def library(unpacked_bytes: int) -> Library:
        limits = IngestLimits(parse=ParseLimits(unpacked_bytes=unpacked_bytes))
        return library_with(store, compute, data_folder, limits)

    refused = await library(10_000).ingest([packed], "c")
    again = await library(10_000).ingest([packed], "c")
    raised = await library(100_000).ingest([packed], "c")

    assert "unpacks to more" in refused.failed[0][1]
    assert (again.unchanged, again.failed) == (1, refused.failed)
    assert counts(raised) == (0, 1, 0, 0, 0)


@pytest.mark.parametrize("workers", ["", "one second"])
async def test_a_file_that_took_too_long_is_read_again_when_it_may_take_longer(
    store: SqlDocumentStore, compute: ProcessPool, data_folder: Path, docs: Path, workers: str
):
    async with ProcessPool(workers=1, name="slow", timeout_s=0.0001) as slow:
        limits = IngestLimits(workers=workers)
        library = Library(
            store=store, parsing=slow, indexing=compute, data_folder=data_folder, limits=limits
        )
        await library.ingest([docs], "c")
        again = await library.ingest([docs], "c")

    longer = library_with(store, compute, data_folder, IngestLimits(workers=workers and "two"))
    report = await longer.ingest([docs], "c")

    # Without a name for the workers' limits nobody can tell that they are the same.
    assert again.unchanged == (3 if workers else 0)
    assert [Path(path).name for path, _ in report.failed] == ["broken.pdf"]


async def test_a_large_file_that_the_machine_refused_is_read_again(
    library: Library, tmp_path: Path, search: Search, monkeypatch: pytest.MonkeyPatch
):
    file = jsonl(tmp_path / "corpus.jsonl.gz", [*records(40), {"text": os.urandom(9_000).hex()}])
    gone = tmp_path / "gone"
    # No folder for the unpacked copy: the disk refuses it.
    with monkeypatch.context() as patched:
        patched.setattr(
            "wiseflow.library.ingesting.tempfile.TemporaryDirectory",
            lambda **_: contextlib.nullcontext(str(gone)),
        )
        refused = await library.ingest([file], "c")

    report = await library.ingest([file], "c")

    assert refused.failed == ((str(file), "no such file or directory"),)
    assert (report.unchanged, report.failed) == (0, ())
    assert (await search("n7"))[0] == "d7"


def library_with(
    store: SqlDocumentStore,
    compute: ProcessPool,
    data_folder: Path,
    limits: IngestLimits | None = None,
) -> Library:
    return Library(
        store=store, parsing=compute, indexing=compute, data_folder=data_folder, limits=limits
    )


async def test_progress_is_told(library: Library, docs: Path):
    told: list[IngestProgress] = []

    await library.ingest([docs], "c", progress=told.append)

    assert (told[0].files_done, told[0].files_total) == (0, 3)
    assert (told[-1].files_done, told[-1].passages, told[-1].passages_indexed) == (3, 2, 2)


async def test_two_changes_of_one_collection_at_once_are_refused(
    library: Library, docs: Path, data_folder: Path
):
    lock = collection_folder(data_folder, "c").lock
    async with collection_lock(lock, collection="c", wait_s=1):
        with pytest.raises(Conflict, match="being changed by another command"):
            await library.ingest([docs], "c")

    assert (await library.ingest([docs], "c")).added == 2


async def test_a_collection_that_is_not_private_is_not_made_so(library: Library, docs: Path):
    await library.ingest([docs], "open")
    await library.ingest([docs], "shut", private=True)

    with pytest.raises(Conflict, match="is not private"):
        await library.ingest([docs], "open", private=True)
    assert (await library.ingest([docs], "shut")).unchanged == 3


async def test_a_deleted_collection_is_gone_and_can_be_made_again(
    library: Library, docs: Path, data_folder: Path, search: Search
):
    await library.ingest([docs], "c")

    await library.delete("c")

    assert not collection_folder(data_folder, "c").path.exists()
    with pytest.raises(NotFound, match="no documents in the collection"):
        await search("heat")
    with pytest.raises(NotFound):
        await library.delete("c")
    assert (await library.ingest([docs], "c")).added == 2
    assert (await search("heat"))[0] == "heat.md"


async def test_what_a_crash_in_a_deletion_left_is_not_found_again(
    library: Library, docs: Path, store: SqlDocumentStore, tmp_path: Path, search: Search
):
    await library.ingest([docs], "c")
    await store.delete_collection("c")
    other = tmp_path / "other.txt"
    other.write_text("Something else.")

    await library.ingest([other], "c")

    assert await search("heat pump") in ([], ["other.txt"])


async def test_a_lost_index_is_made_anew_also_from_files_elsewhere(
    library: Library, docs: Path, data_folder: Path, tmp_path: Path, search: Search
):
    other = tmp_path / "other.txt"
    other.write_text("Penguins live in the south.")
    await library.ingest([docs, other], "c")
    shutil.rmtree(collection_folder(data_folder, "c").index)

    report = await library.ingest([docs], "c")

    assert report.unchanged == 0
    assert (await search("penguins"))[0] == "other.txt"
    assert (await search("heat pump"))[0] == "heat.md"


async def test_a_crash_between_storing_and_indexing_is_mended_by_the_next_run(
    library: Library,
    docs: Path,
    store: SqlDocumentStore,
    search: Search,
    compute: ProcessPool,
    data_folder: Path,
):
    class Crash(Exception):
        pass

    class Crashing:
        async def run(self, *args: object, **kwargs: object) -> object:
            raise Crash

    crashing = Library(
        store=store, parsing=compute, indexing=cast("Compute", Crashing()), data_folder=data_folder
    )
    with pytest.raises(Crash):
        await crashing.ingest([docs], "c")
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
from wiseflow.text.limits import ParseLimits
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


@pytest.mark.parametrize("lines", [1, 3, 4])
async def test_a_killed_ingest_is_mended_by_the_next(
    library: Library,
    store: SqlDocumentStore,
    data_folder: Path,
    tmp_path: Path,
    search: Search,
    lines: int,
):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3):
        jsonl(folder / f"{number}.jsonl", records(100)[number * 30 :])
    ingest = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, str(data_folder), str(folder), stdout=subprocess.PIPE
    )
    assert ingest.stdout is not None
    for _ in range(lines):
        await ingest.stdout.readline()
    ingest.kill()
    await ingest.communicate()

    await library.ingest([folder], "c")

    assert [one.passages for one in await store.collections()] == [100 + 70 + 40]
    assert await store.pending_changes("c", limit=9) == IndexChange()
    assert (await search("n99"))[0] == "d99"


async def test_cancelling_leaves_a_collection_that_the_next_run_completes(
    library: Library, tmp_path: Path, store: SqlDocumentStore
):
    file = jsonl(tmp_path / "many.jsonl", records(100))
    async with asyncio.TaskGroup() as group:
        run = group.create_task(library.ingest([file], "c"), name="ingest")
        await asyncio.sleep(0.3)
        run.cancel()

    await library.ingest([file], "c")

    assert [one.passages for one in await store.collections()] == [100]


async def test_a_database_that_refuses_is_one_error(
    compute: ProcessPool, data_folder: Path, docs: Path, store: SqlDocumentStore
):
    class Full(SqlDocumentStore):
        async def store(self, collection: str, files: object) -> None:
            raise StorageError("no room")

    full = Full(store._database)

    with pytest.raises(StorageError, match="no room"):
        await library_with(full, compute, data_folder).ingest([docs], "c")


async def test_a_data_folder_that_cannot_be_written_is_named(
    store: SqlDocumentStore, compute: ProcessPool, tmp_path: Path, docs: Path
):
    taken = tmp_path / "taken"
    taken.write_text("a file where a folder is wanted")

    with pytest.raises(StorageError, match="taken"):
        await library_with(store, compute, taken).ingest([docs], "c")


@pytest.mark.parametrize(
    ("query", "k", "named"),
    [("  ", 5, "empty"), ("x" * 100_001, 5, "100,001 characters"), ("x", 0, "0 hits")],
)
async def test_a_search_that_makes_no_sense_is_refused(
    compute: ProcessPool, data_folder: Path, query: str, k: int, named: str
):
    with pytest.raises(InvalidInput, match=named):
        await search_collection(compute, data_folder=data_folder, collection="c", query=query, k=k)
