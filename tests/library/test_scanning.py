from __future__ import annotations

import os
from pathlib import Path

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.library.scanning import gone, has_suffix, scan

SUFFIXES = (".md", ".txt", ".jsonl", ".jsonl.gz")


def names(folder: Path, *more: Path) -> list[str]:
    return [file.document_id for file in scan([folder, *more], suffixes=SUFFIXES).files]


def make(folder: Path, *paths: str) -> Path:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    return folder


def test_files_come_in_the_order_of_their_paths(tmp_path: Path):
    make(tmp_path, "b.md", "a/z.txt", "a/b.JSONL.GZ", "c.bin", "a.md")

    assert names(tmp_path) == ["a.md", "a/b.JSONL.GZ", "a/z.txt", "b.md"]


def test_hidden_version_control_and_environment_folders_are_passed_over(tmp_path: Path):
    make(tmp_path, ".git/a.md", ".hidden.md", "CVS/a.md", "node_modules/a.md", "env/pyvenv.cfg")
    make(tmp_path, "env/lib/a.md", "kept.md")

    assert names(tmp_path) == ["kept.md"]


def test_a_hidden_folder_that_was_named_is_walked(tmp_path: Path):
    make(tmp_path, ".notes/a.md")

    assert names(tmp_path / ".notes") == ["a.md"]


def test_links_that_lead_back_end_the_walk(tmp_path: Path):
    make(tmp_path, "a/b.md")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")

    assert names(tmp_path) == ["a/b.md"]


def test_a_linked_folder_is_walked_once_under_its_name(tmp_path: Path):
    elsewhere = make(tmp_path / "elsewhere", "a.md")
    root = make(tmp_path / "root", "b.md")
    (root / "link").symlink_to(elsewhere)

    assert names(root) == ["b.md", "link/a.md"]


def test_a_file_found_twice_is_one(tmp_path: Path):
    make(tmp_path, "a.md")

    assert names(tmp_path, tmp_path / "a.md", tmp_path) == ["a.md"]


def test_a_missing_path_is_named(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"there is no file or folder .*nothing"):
        scan([tmp_path / "nothing"], suffixes=SUFFIXES)
    with pytest.raises(InvalidInput, match="cannot be looked at"):
        scan([tmp_path / ("x" * 5000)], suffixes=SUFFIXES)
    with pytest.raises(InvalidInput, match="no file or folder was given"):
        scan([], suffixes=SUFFIXES)


def test_what_is_neither_file_nor_folder_is_listed(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.md")

    assert scan([tmp_path / "pipe.md"], suffixes=SUFFIXES).failed == (
        (str(tmp_path / "pipe.md"), "neither a file nor a folder"),
    )
    os.mkfifo(tmp_path / "pipe.bin")
    found = scan([tmp_path], suffixes=SUFFIXES)
    assert found.files == ()
    assert found.failed == ((str(tmp_path / "pipe.md"), "neither a file nor a folder"),)


def test_a_link_to_nothing_that_was_named_is_told_as_one(tmp_path: Path):
    (tmp_path / "broken.md").symlink_to(tmp_path / "nowhere.md")

    with pytest.raises(
        InvalidInput, match=r"broken\.md is a link to something that does not exist"
    ):
        scan([tmp_path / "broken.md"], suffixes=SUFFIXES)


def test_broken_links_and_odd_names_are_listed(tmp_path: Path):
    (tmp_path / "broken.md").symlink_to(tmp_path / "nowhere.md")
    (tmp_path / "broken.bin").symlink_to(tmp_path / "nowhere.bin")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")).write_text("odd")

    found = scan([tmp_path], suffixes=SUFFIXES)

    assert [(Path(path).name, reason) for path, reason in found.failed] == [
        ("broken.md", "a link to something that does not exist"),
        ("\ufffd.md", "its name is not valid UTF-8"),
    ]
    assert found.files == ()


def test_a_folder_that_cannot_be_read_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(tmp_path, "a/b.md", "c.md")
    real = Path.iterdir

    def refuse(folder: Path):
        if folder.name == "a":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    # The tests may run as a user whom no permission stops.
    monkeypatch.setattr(Path, "iterdir", refuse)

    found = scan([tmp_path], suffixes=SUFFIXES)

    assert found.failed == ((str(tmp_path / "a"), "the folder cannot be read: permission denied"),)
    assert [file.document_id for file in found.files] == ["c.md"]


def test_only_what_does_not_exist_below_the_folders_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make(tmp_path, "root/a.md", "root/.kept.md")
    found = scan([tmp_path / "root"], suffixes=SUFFIXES)
    known = [str(tmp_path / name) for name in ("root/a.md", "root/b.md", "root/.kept.md", "c.md")]

    assert gone(known, found) == [str(tmp_path / "root/b.md")]

    def refuse(_: Path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    assert gone(known, found) == []


@pytest.mark.parametrize(
    ("name", "known"),
    [("a.md", True), ("a.MD", True), ("md", False), ("a.jsonl.gz", True), ("a.gz", False)],
)
def test_suffixes(name: str, known: bool):
    assert has_suffix(name, SUFFIXES) is known
