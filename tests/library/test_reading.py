from __future__ import annotations

import errno
import gzip
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import DocumentError, MissingExtra, StorageError
from wiseflow.library import reading
from wiseflow.library.reading import (
    Outline,
    Part,
    PartReading,
    ReadTask,
    merged,
    outline,
    read_files,
    read_part,
)
from wiseflow.text.limits import ParseLimits
from wiseflow.text.parsing import PARSER_VERSION

LIMITS = ParseLimits(unpacked_bytes=100_000)


def task_for(path: Path, *, known_sha256: str = "") -> ReadTask:
    return ReadTask(
        collection="c",
        document_id=path.name,
        path=str(path),
        size=1,
        modified_ns=2,
        known_sha256=known_sha256,
    )


def outlined(path: Path, *, part_bytes: int = 50, known_sha256: str = "") -> Outline:
    task = task_for(path, known_sha256=known_sha256)
    return outline(task, LIMITS, part_bytes=part_bytes, copy=f"{path}.copy")


def write_lines(path: Path, count: int) -> Path:
    lines = [json.dumps({"id": f"{n}", "text": f"Text {n}."}) for n in range(count)]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_the_parts_of_a_file_are_all_of_its_lines(tmp_path: Path, name: str):
    path = write_lines(tmp_path / name, 40)

    found = outlined(path)
    parts = [read_part(task_for(path), found.path, part, LIMITS) for part in found.parts]
    file = merged(task_for(path), found.sha256, parts)

    assert len(found.parts) > 5
    assert [one.source.document_id for one in file.sources] == [f"{n}" for n in range(40)]
    assert file.record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.record.error == ""
    assert all(
        passage.text == one.source.text[passage.start : passage.end]
        for one in file.sources
        for passage in one.passages
    )


def test_an_unchanged_file_has_no_parts(tmp_path: Path):
    path = write_lines(tmp_path / "a.jsonl", 3)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    assert outlined(path, known_sha256=sha256).parts == ()
    assert read_files([task_for(path, known_sha256=sha256)], LIMITS) == [None]


@given(st.binary(max_size=400), st.integers(1, 100))
def test_parts_lie_side_by_side_whatever_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, part_bytes: int
):
    path = tmp_path_factory.mktemp("parts") / "a.jsonl"
    path.write_bytes(b"{" + data)

    parts = outlined(path, part_bytes=part_bytes).parts

    assert [part.offset for part in parts[1:]] == [part.offset + part.size for part in parts[:-1]]
    assert sum(part.size for part in parts) == len(data) + 1


def test_a_broken_or_endless_gzip_file_is_refused(tmp_path: Path):
    broken, bomb = tmp_path / "broken.jsonl.gz", tmp_path / "bomb.jsonl.gz"
    broken.write_bytes(gzip.compress(b"x" * 9_000)[:-9])
    bomb.write_bytes(gzip.compress(b"\n" * 1_000_000))

    with pytest.raises(DocumentError, match="the gzip file is broken"):
        outlined(broken)
    with pytest.raises(DocumentError, match="unpacks to more than 100,000 bytes"):
        outlined(bomb)


def test_a_file_that_goes_away_is_told(tmp_path: Path):
    task = task_for(tmp_path / "gone.jsonl")

    with pytest.raises(StorageError, match="no such file"):
        outlined(tmp_path / "gone.jsonl")
    part = Part(offset=0, size=1, lines_before=0)
    with pytest.raises(StorageError, match="no such file"):
        read_part(task, task.path, part, LIMITS)
    (file,) = read_files([task], LIMITS)
    assert file is not None
    assert (file.record.error, file.record.parser) == ("no such file or directory", "")


def test_a_blank_part_is_no_problem(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n\n")

    part = Part(offset=0, size=2, lines_before=7)
    assert read_part(task_for(path), str(path), part, LIMITS) == PartReading()


def test_a_bad_file_is_remembered_with_its_reason(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"")

    (file,) = read_files([task_for(path)], LIMITS)

    assert file is not None
    assert file.sources == ()
    assert (file.record.error, file.record.parser) == ("the file is empty", PARSER_VERSION)


def test_a_file_that_needs_an_extra_is_read_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.4")

    def lacking(*_: object, **__: object):
        raise MissingExtra("pdf", "Reading PDF files")

    monkeypatch.setattr(reading, "parse", lacking)

    (file,) = read_files([task_for(path)], LIMITS)

    assert file is not None
    assert "wiseflow[pdf]" in file.record.error
    assert file.record.parser == ""


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("failure", "lasting"), [(FULL, False), (MemoryError(), False), (OSError("odd bytes"), True)]
)
def test_what_the_machine_refuses_is_not_held_against_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, lasting: bool
):
    path = tmp_path / "a.html"
    path.write_text("<html><body><p>Something is written here.</p></body></html>")

    def refused(*_: object, **__: object):
        raise failure

    monkeypatch.setattr("wiseflow.text.parsing._parse", refused)

    (file,) = read_files([task_for(path)], LIMITS)

    assert file is not None
    assert file.record.error
    assert bool(file.record.parser) == lasting


def test_a_part_that_the_machine_refuses_is_told_apart_from_a_bad_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_lines(tmp_path / "a.jsonl", 3)
    part = outlined(path).parts[0]

    def refused(*_: object, **__: object):
        raise FULL

    monkeypatch.setattr("wiseflow.text.parsing._parse", refused)

    with pytest.raises(StorageError, match="No space left"):
        read_part(task_for(path), str(path), part, LIMITS)


def test_the_same_id_twice_keeps_the_first(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "x", "text": "One."}\n{"id": "x", "text": "Two."}\n')

    (file,) = read_files([task_for(path)], LIMITS)

    assert file is not None
    assert [one.source.text for one in file.sources] == ["One."]
    assert "'x' occurs more than once" in file.record.error


def test_ids_depend_on_collection_path_document_and_text():
    ids = {
        reading.source_id_of(*named)
        for named in (
            ("c", "p", "d", "t"),
            ("C", "p", "d", "t"),
            ("c", "P", "d", "t"),
            ("c", "p", "D", "t"),
            ("c", "p", "d", "T"),
        )
    }

    assert len(ids) == 5
    assert reading.source_id_of("c", "p", "d", "t") in ids
