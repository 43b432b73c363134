"""What an ingest reads, leaves out, and keeps of files that changed."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.engine.processes import ProcessLimits, ProcessPool
from wiseflow.library.ingesting import Library
from wiseflow.library.planning import IngestLimits
from wiseflow.library.searching import search_collection
from wiseflow.library.tally import IngestProgress, IngestReport
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.text.limits import ParseLimits

pytestmark = pytest.mark.asyncio(loop_scope="session")


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    """Added, changed, unchanged, removed, failed."""
    return report.added, report.changed, report.unchanged, report.removed, len(report.failed)


async def test_a_folder_is_read_and_can_be_searched(library: Library, docs: Path, search):
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
    library: Library, docs: Path, search, store: SqlDocumentStore
):
    await library.ingest([docs], "c")
    (docs / "heat.md").write_text("# Volcanoes\n\nLava is molten rock.\n")

    report = await library.ingest([docs], "c")

    assert counts(report) == (0, 1, 2, 0, 1)
    assert (await search("lava"))[0] == "heat.md"
    assert [one.sources for one in await store.collections()] == [2]


async def test_files_that_are_gone_are_dropped(
    library: Library, docs: Path, search, store: SqlDocumentStore
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


async def test_a_named_file_is_taken_whatever_its_suffix(library: Library, tmp_path: Path, search):
    odd = tmp_path / "notes.odd"
    odd.write_text("Glaciers move slowly down the valley.")

    assert counts(await library.ingest([odd], "c")) == (1, 0, 0, 0, 0)
    assert await search("glaciers") == ["notes.odd"]


@pytest.mark.parametrize("name", ["many.jsonl", "many.jsonl.gz"])
async def test_json_lines_are_read_in_parts(
    library: Library, tmp_path: Path, name: str, search, jsonl, records
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
    library: Library, tmp_path: Path, jsonl, records
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
    library: Library, tmp_path: Path, jsonl, records
):
    file = jsonl(tmp_path / "many.jsonl", records(30))
    with file.open("a") as lines:
        lines.write(("not json " * 500 + "\n") * 3)

    report = await library.ingest([file], "c")

    assert report.passages == 30
    assert "from line 32: " in report.failed[0][1]


async def test_a_file_full_of_problems_names_the_first_ones(
    library: Library, tmp_path: Path, jsonl, records
):
    file = jsonl(tmp_path / "many.jsonl", records(1))
    with file.open("a") as lines:
        lines.write("not json\n" * 300)

    report = await library.ingest([file], "c")

    assert "line 2: not JSON" in report.failed[0][1]
    assert report.failed[0][1].endswith("and 280 more problems")


async def test_lines_without_ids_get_ids_of_their_own(
    library: Library, tmp_path: Path, search, jsonl
):
    file = jsonl(
        tmp_path / "few.jsonl", [{"text": "Bees make honey."}, {"text": "Ants make hills."}]
    )

    await library.ingest([file], "c")

    (first, *_), (second, *_) = await search("bees honey"), await search("ants hills")
    assert first != second
    assert first.startswith("few.jsonl#")


async def test_wide_characters_in_json_lines(library: Library, tmp_path: Path, records):
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
    make_library: Callable[..., Library], docs: Path
):
    # A worker with too little time: the call for all files fails, and so does each alone.
    async with ProcessPool(workers=1, name="slow", timeout_s=0.0001) as slow:
        report = await make_library(parsing=slow).ingest([docs], "c")

    assert [reason[:12] for _, reason in report.failed] == ["reading it t"] * 3
    assert (await make_library().ingest([docs], "c")).added == 0


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
    make_library: Callable[..., Library], docs: Path
):
    (docs / "bomb.pdf").write_bytes(pdf_bomb())
    limits = ProcessLimits(memory_bytes=500_000_000, cpu_s=20)
    async with ProcessPool(workers=1, name="tight", timeout_s=60, limits=limits) as tight:
        report = await make_library(parsing=tight).ingest([docs], "c")

    assert report.added == 2
    assert [Path(path).name for path, _ in report.failed] == ["bomb.pdf", "broken.pdf"]


async def test_a_bad_file_is_read_again_under_other_limits(
    make_library: Callable[..., Library], tmp_path: Path
):
    packed = tmp_path / "packed.txt.gz"
    packed.write_bytes(gzip.compress(b"It holds many words. " * 1_000))

    def library(unpacked_bytes: int) -> Library:
        limits = IngestLimits(parse=ParseLimits(unpacked_bytes=unpacked_bytes))
        return make_library(limits=limits)

    refused = await library(10_000).ingest([packed], "c")
    again = await library(10_000).ingest([packed], "c")
    raised = await library(100_000).ingest([packed], "c")

    assert "unpacks to more" in refused.failed[0][1]
    assert (again.unchanged, again.failed) == (1, refused.failed)
    assert counts(raised) == (0, 1, 0, 0, 0)


@pytest.mark.parametrize("workers", ["", "one second"])
async def test_a_file_that_took_too_long_is_read_again_when_it_may_take_longer(
    make_library: Callable[..., Library], docs: Path, workers: str
):
    async with ProcessPool(workers=1, name="slow", timeout_s=0.0001) as slow:
        library = make_library(parsing=slow, limits=IngestLimits(workers=workers))
        await library.ingest([docs], "c")
        again = await library.ingest([docs], "c")

    longer = make_library(limits=IngestLimits(workers=workers and "two"))
    report = await longer.ingest([docs], "c")

    # Without a name for the workers' limits nobody can tell that they are the same.
    assert again.unchanged == (3 if workers else 0)
    assert [Path(path).name for path, _ in report.failed] == ["broken.pdf"]


async def test_a_large_file_that_the_machine_refused_is_read_again(
    library: Library, tmp_path: Path, search, monkeypatch: pytest.MonkeyPatch, jsonl, records
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


async def test_progress_is_told(library: Library, docs: Path):
    told: list[IngestProgress] = []

    await library.ingest([docs], "c", progress=told.append)

    assert (told[0].files_done, told[0].files_total) == (0, 3)
    assert (told[-1].files_done, told[-1].passages, told[-1].passages_indexed) == (3, 2, 2)


async def test_a_collection_that_is_not_private_is_not_made_so(library: Library, docs: Path):
    await library.ingest([docs], "open")
    await library.ingest([docs], "shut", private=True)

    with pytest.raises(Conflict, match="is not private"):
        await library.ingest([docs], "open", private=True)
    assert (await library.ingest([docs], "shut")).unchanged == 3


@pytest.mark.parametrize(
    ("query", "k", "named"),
    [("  ", 5, "empty"), ("x" * 100_001, 5, "100,001 characters"), ("x", 0, "0 hits")],
)
async def test_a_search_that_makes_no_sense_is_refused(
    compute: ProcessPool, data_folder: Path, query: str, k: int, named: str
):
    with pytest.raises(InvalidInput, match=named):
        await search_collection(compute, data_folder=data_folder, collection="c", query=query, k=k)
