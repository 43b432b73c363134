from pathlib import Path

from wiseflow.library.indexing import index_exists


async def test_an_index_whose_record_is_damaged_is_erased(tmp_path: Path):
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "current.json").write_bytes(b"\x00" * 40)

    assert not await index_exists(folder)
    assert not folder.exists()
