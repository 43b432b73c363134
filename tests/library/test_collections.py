from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.library.collections import (
    check_collection_name,
    collection_folder,
    collection_for_folder,
)


def test_a_folder_has_one_collection_by_whatever_way_it_is_reached(tmp_path: Path):
    (tmp_path / "My Notes").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "My Notes")

    name = collection_for_folder(tmp_path / "My Notes")

    assert name.startswith("my-notes-")
    assert collection_for_folder(tmp_path / "link") == name
    assert collection_for_folder(tmp_path / "My Notes" / ".." / "link") == name
    assert collection_for_folder(tmp_path) != name


def test_several_folders_have_one_collection_whatever_their_order(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"

    name = collection_for_folder(one, other)

    assert collection_for_folder(other, one, other) == name
    assert name not in {collection_for_folder(one), collection_for_folder(other)}


@given(st.text(max_size=300), st.text(max_size=300))
def test_collections_never_share_a_folder_nor_leave_the_data_folder(one: str, other: str):
    first, second = (collection_folder(Path("data"), name).path for name in (one, other))

    assert (first == second) == (one == other)
    assert first.parent == Path("data/collections")
    assert first.name.replace("-", "").isalnum()
    assert len(first.name) < 60


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\x1b[31m", "\ud800"])
def test_names_that_cannot_be_used_are_refused(name: str):
    with pytest.raises(InvalidInput, match="collection's name"):
        check_collection_name(name)


@pytest.mark.parametrize(
    ("name", "said", "cure"),
    [
        (" ", "is blank", "Give it a name"),
        ("ß" * 101, "has 202 bytes, more than 200", "Shorten it to 200 bytes"),
        ("a\tb", r"'a\\tb' holds control characters", "Take them out"),
    ],
)
def test_a_refused_name_comes_with_its_cure(name: str, said: str, cure: str):
    with pytest.raises(InvalidInput, match=said) as raised:
        check_collection_name(name)

    assert raised.value.cure.startswith(cure)


@pytest.mark.parametrize("name", ["default", "Größe 1", "..", "a/b"])
def test_other_names_are_taken(name: str):
    assert check_collection_name(name) == name
