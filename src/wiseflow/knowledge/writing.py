"""Changes to an index: each call is one commit, whole or not at all.

The order makes it so: the new vectors and the record of the generation are written and synced as
files that nobody reads yet; then tantivy's commit, one rename, makes its new segments and the
document that names the generation visible together; then files that no reader needs are removed.
A crash before the rename leaves the old state, a crash after it the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tantivy import Index, Query, Searcher

from wiseflow.core.documents import Passage, Source
from wiseflow.core.library import IndexChange
from wiseflow.knowledge.embedding import Embedder, HashedEmbedder, Matrix
from wiseflow.knowledge.layout import (
    Build,
    Generation,
    build_folder,
    check_embedder,
    disk_errors,
    read_build,
    read_generation,
    sync_folder,
    write_build,
    write_generation,
)
from wiseflow.knowledge.locking import writer_lock
from wiseflow.knowledge.schema import (
    CURRENT,
    GENERATION,
    current_generation,
    generation_document,
    passage_document,
    rows_of,
    schema,
    searched_text,
    stored_content,
    stored_form,
    stored_source_id,
)
from wiseflow.knowledge.vectors import Rows, VectorChange, files_of, write_change

WRITER_WAIT_S = 60.0
_WRITER_MEMORY_BYTES = 64_000_000
_EMBED_AT_ONCE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatistics:
    """What a change did and what the index holds after it.

    Args:
        added, removed: passages this change added and removed.
        passages: passages that can be found now.
        generation: the number of the commit.
    """

    added: int
    removed: int
    passages: int
    generation: int


def apply(
    folder: Path,
    change: IndexChange,
    *,
    embedder: Embedder | None = None,
    wait_s: float = WRITER_WAIT_S,
) -> IndexStatistics:
    """Add and remove sources, all or none; doing it again changes nothing.

    Args:
        folder: of the index; made if there is none.
        change: a source in it replaces one of the same id.
        embedder: makes the vectors; the hashed one when absent.
        wait_s: how long to wait for another writer.

    Raises:
        Conflict: another writer did not end in time.
        SchemaMismatch: the index was made by another embedder or version.
        StorageFull, StorageError: the disk refuses.
    """
    embedder = embedder or HashedEmbedder()
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(folder, wait_s=wait_s):
            build = read_build(folder)
            if build is None:
                return _new_build(folder, [change], embedder)
            check_embedder(folder, build, embedder.fingerprint)
            return _commit(build_folder(folder, build.number), change, embedder)


def rebuild(
    folder: Path,
    changes: Iterable[IndexChange],
    *,
    embedder: Embedder | None = None,
    wait_s: float = WRITER_WAIT_S,
) -> IndexStatistics:
    """Make the index anew beside the old one, and put it in its place at one moment.

    Args:
        folder: of the index, whatever made it, or of none.
        changes: everything it shall hold, in parts that fit into memory.
        embedder: makes the vectors; the hashed one when absent.
        wait_s: how long to wait for another writer.

    Raises:
        Conflict: another writer did not end in time.
        StorageFull, StorageError: the disk refuses; the old index is as it was.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(folder, wait_s=wait_s):
            return _new_build(folder, changes, embedder or HashedEmbedder())


def _new_build(folder: Path, changes: Iterable[IndexChange], embedder: Embedder) -> IndexStatistics:
    old = sorted(folder.glob("build-*"))
    number = 1 + max((int(path.name.removeprefix("build-")) for path in old), default=0)
    target = build_folder(folder, number)
    (target / "words").mkdir(parents=True)
    statistics = _commit(target, IndexChange(), embedder)
    for change in changes:
        done = _commit(target, change, embedder)
        statistics = replace(done, added=statistics.added + done.added)
    sync_folder(folder)
    write_build(folder, Build(number=number, embedder=embedder.fingerprint))
    for path in old:
        # Readers that have the old build open keep its files until they close them.
        shutil.rmtree(path)
    return statistics


def _commit(folder: Path, change: IndexChange, embedder: Embedder) -> IndexStatistics:
    index = Index(schema(), str(folder / "words"))
    searcher = index.searcher()
    number = current_generation(searcher)
    previous = read_generation(folder, number) if number else Generation()
    work = _plan(searcher, change)
    if number and not work.pairs and not work.gone:
        return _statistics(previous)
    end = previous.next_row + len(work.pairs)
    vectors = VectorChange(
        number=previous.number + 1,
        dimension=embedder.dimension,
        rows=np.arange(previous.next_row, end, dtype=np.int64),
        vectors=_embedded([passage for _, passage in work.pairs], embedder),
        dead=work.dead,
    )
    generation = Generation(
        number=vectors.number,
        next_row=end,
        passages=previous.passages - len(work.dead) + len(work.pairs),
        segments=write_change(folder, previous, vectors),
    )
    write_generation(folder, generation)
    for draft in (folder / "words").glob(".tmp*"):
        draft.unlink()
    _commit_words(index, work, generation)
    _clear(folder, {*files_of(previous), *files_of(generation)})
    return _statistics(generation, added=len(work.pairs), removed=len(work.dead))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is left to do of a change, seen what the index holds."""

    pairs: Sequence[tuple[Source, Passage]]
    gone: Sequence[str]
    dead: Rows


def _plan(searcher: Searcher, change: IndexChange) -> _Work:
    added = {stored.source.source_id: stored for stored in change.added}
    present = _present(searcher, sorted({*change.removed, *added}))
    rows = {source_id: [row for row, _ in held] for source_id, held in present.items()}
    # A change that is made again after a crash must leave the index as it is, term statistics too.
    unchanged = {
        source_id
        for source_id, stored in added.items()
        if sorted(content for _, content in present.get(source_id, []))
        == sorted(stored_form(stored.source, passage) for passage in stored.passages)
    }
    gone = sorted(present.keys() - unchanged)
    return _Work(
        pairs=[
            (stored.source, passage)
            for source_id, stored in added.items()
            if source_id not in unchanged
            for passage in stored.passages
        ],
        gone=gone,
        dead=np.sort(np.array([row for key in gone for row in rows[key]], dtype=np.int64)),
    )


def _present(searcher: Searcher, source_ids: Sequence[str]) -> dict[str, list[tuple[int, bytes]]]:
    """Rows and contents of the passages that the index holds of these sources."""
    if not source_ids or not searcher.num_docs:
        return {}
    query = Query.term_set_query(schema(), "source_id", source_ids)
    hits = searcher.search(query, limit=searcher.num_docs, count=False).hits
    addresses = [address for _, address in hits]
    rows = rows_of(searcher, addresses)
    found: dict[str, list[tuple[int, bytes]]] = {}
    for row, address in zip(rows, addresses, strict=True):
        content = stored_content(searcher.doc(address))
        found.setdefault(stored_source_id(content), []).append((row, content))
    return found


def _statistics(generation: Generation, *, added: int = 0, removed: int = 0) -> IndexStatistics:
    return IndexStatistics(
        added=added, removed=removed, passages=generation.passages, generation=generation.number
    )


def _commit_words(index: Index, work: _Work, generation: Generation) -> None:
    writer = index.writer(heap_size=_WRITER_MEMORY_BYTES, num_threads=1)
    # What a killed writer left behind may have the very names that this commit is about to use.
    writer.garbage_collect_files()
    for source_id in work.gone:
        writer.delete_documents_by_term("source_id", source_id)
    first_row = generation.next_row - len(work.pairs)
    for row, (source, passage) in enumerate(work.pairs, first_row):
        writer.add_document(passage_document(source, passage, row))
    writer.delete_documents_by_term(GENERATION, CURRENT)
    writer.add_document(generation_document(generation.number))
    writer.commit()
    writer.wait_merging_threads()


def _embedded(passages: Sequence[Passage], embedder: Embedder) -> Iterator[Matrix]:
    for start in range(0, len(passages), _EMBED_AT_ONCE):
        part = passages[start : start + _EMBED_AT_ONCE]
        yield embedder.embed([searched_text(passage) for passage in part])


def _clear(folder: Path, needed: set[str]) -> None:
    # A reader may just have read the previous commit, so its files stay for one more.
    for path in folder.iterdir():
        if path.is_file() and path.name not in needed:
            path.unlink()
