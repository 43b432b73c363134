from __future__ import annotations

import gzip
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from wiseflow.engine.processes import ProcessLimits, ProcessPool
from wiseflow.library.ingesting import Library
from wiseflow.library.planning import IngestLimits
from wiseflow.library.searching import search_collection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.schema import open_database
from wiseflow.text.limits import ParseLimits

# Small enough that a small file is read in parts and a large one is refused.
LIMITS = IngestLimits(
    parse=ParseLimits(file_bytes=200_000, unpacked_bytes=400_000),
    jsonl_bytes=400_000,
    part_bytes=4_000,
    call_bytes=3_000,
    call_files=3,
)


# One event loop and one worker process for all tests: starting it takes longer than most of them.
@pytest_asyncio.fixture(loop_scope="session")
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await open_database(f"sqlite:///{tmp_path}/data/wiseflow.db")
    async with database:
        yield database


@pytest.fixture
def store(database: Database) -> SqlDocumentStore:
    return SqlDocumentStore(database)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def compute() -> AsyncGenerator[ProcessPool]:
    limits = ProcessLimits(memory_bytes=2**30, cpu_s=60)
    async with ProcessPool(workers=1, name="test", timeout_s=60, limits=limits) as pool:
        yield pool
        await pool.close(grace_s=30)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def make_library(
    store: SqlDocumentStore, compute: ProcessPool, data_folder: Path
) -> Callable[..., Library]:
    """Makes a library over the test's own parts, or over others in their place."""
    parts: dict[str, Any] = {
        "store": store,
        "parsing": compute,
        "indexing": compute,
        "data_folder": data_folder,
    }
    return lambda **others: Library(**(parts | others))


@pytest.fixture
def library(make_library: Callable[..., Library]) -> Library:
    return make_library(limits=LIMITS, lock_wait_s=0.2)


@pytest.fixture
def search(compute: ProcessPool, data_folder: Path) -> Callable[[str], Awaitable[list[str]]]:
    """The ids of the documents that a query finds in the collection ``c``, the best first."""

    async def found(query: str) -> list[str]:
        hits = await search_collection(
            compute, data_folder=data_folder, collection="c", query=query, k=5
        )
        return [hit.document_id for hit in hits]

    return found


@pytest.fixture
def records() -> Callable[[int], list[dict[str, object]]]:
    """Makes so many documents, each with a word of its own: its number."""
    return lambda count: [
        {"id": f"d{n}", "title": f"Document {n}", "text": f"The number of this text is n{n}. " * 9}
        for n in range(count)
    ]


@pytest.fixture
def jsonl() -> Callable[[Path, Sequence[Mapping[str, object]]], Path]:
    """Writes records as JSON lines, packed when the name says so."""

    def write(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
        data = "".join(json.dumps(record) + "\n" for record in records).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return write


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of documents: two that are good, one that is bad, and what is passed over."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "heat.md").write_text("# Heat pumps\n\nA heat pump moves heat from cold to warm.\n")
    (folder / "deep" / "tides.txt").write_text("The tides follow the moon and the sun.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and no more")
    (folder / ".git" / "hidden.md").write_text("never seen")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder
