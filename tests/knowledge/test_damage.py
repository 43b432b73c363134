from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wiseflow.core.errors import IndexDamaged, SchemaMismatch, StorageError
from wiseflow.knowledge.index import fault_of, open_index
from wiseflow.knowledge.writing import apply


@pytest.fixture
def index(tmp_path: Path, source, change) -> Path:
    """An index of two commits, with a removed source, so that it has every kind of file."""
    folder = tmp_path / "index"
    apply(folder, change([source(f"s{n}", f"A thing of number {n}.") for n in range(9)]))
    apply(folder, change([source("new", "A new thing.")], ["s3"]))
    return folder


VECTOR_FILES = ("rows-2.i8", "rows-3.i8", "vectors-2.f4", "vectors-3.f4", "dead-3.i8")
OUR_FILES = (*VECTOR_FILES, "generation-3.json")
WORD_FILES = ("meta.json", "*.store", "*.term", "*.idx", "*.fast", "*.fieldnorm", "*.pos", "*.del")


def damaged(folder: Path, pattern: str, damage: str) -> None:
    for path in folder.rglob(pattern):
        content = path.read_bytes()
        kept = {"empty": 0, "cut in half": len(content) // 2, "cut at the end": -8}
        # A new file in place of the old one, which something may still have mapped into memory.
        path.unlink()
        if damage != "missing":
            path.write_bytes(content[: kept[damage]])


@pytest.mark.parametrize("damage", ["missing", "empty", "cut in half", "cut at the end"])
@pytest.mark.parametrize("pattern", [*OUR_FILES, *WORD_FILES])
def test_damage_is_told_with_the_folder_and_the_cure(index, pattern, damage):
    assert fault_of(index) == ""
    damaged(index, pattern, damage)

    with pytest.raises(IndexDamaged) as told:
        open_index(index)

    assert str(index) in told.value.message
    assert "wiseflow index PATH" in told.value.cure
    assert fault_of(index) == told.value.message


@pytest.mark.parametrize("name", ["current.json", "generation-3.json"])
@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"format": 1}', '{"segments": 3}'])
def test_a_record_that_says_something_else_is_damage(index, name, content):
    (path,) = index.rglob(name)
    path.write_text(content)

    with pytest.raises(IndexDamaged):
        open_index(index)


def test_rows_out_of_order_are_damage(index):
    (path,) = index.rglob("rows-2.i8")
    path.write_bytes(bytes(len(path.read_bytes())))

    with pytest.raises(IndexDamaged, match="out of order"):
        open_index(index)


def test_damage_under_an_open_index_is_told_when_it_is_read_again(index, source, change):
    reader = open_index(index)
    apply(index, change([source("newer", "A newer thing.")]))
    damaged(index, "dead-4.i8", "empty")

    with pytest.raises(IndexDamaged, match="dead-4"):
        reader.refresh()


def test_a_missing_index_is_a_fault(tmp_path):
    assert "there is no index" in fault_of(tmp_path / "none")


def test_an_index_that_holds_nothing_has_no_fault(tmp_path, change):
    apply(tmp_path, change([], ["gone"]))

    assert fault_of(tmp_path) == ""


@pytest.mark.parametrize("other", [{"format": 0}, {"embedder": "another"}])
def test_an_index_of_another_version_or_embedder_is_a_fault(index, other):
    path = index / "current.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | other))

    with pytest.raises(SchemaMismatch) as told:
        open_index(index)

    assert fault_of(index) == told.value.message


def test_a_disk_that_refuses_is_no_fault_of_the_index(index):
    # A link to itself refuses everybody, root too.
    (index / "current.json").unlink()
    (index / "current.json").symlink_to(index / "current.json")

    with pytest.raises(StorageError, match="cannot be read") as told:
        fault_of(index)

    assert not isinstance(told.value, IndexDamaged)
    assert os.strerror(40) in told.value.message
