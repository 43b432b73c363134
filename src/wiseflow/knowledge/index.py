"""The door for readers: open an index and search it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from tantivy import DocAddress, Index, Occur, Query

from wiseflow.core.documents import Hit
from wiseflow.core.errors import IndexDamaged, NotFound, SchemaMismatch
from wiseflow.knowledge.analysis import terms
from wiseflow.knowledge.embedding import Embedder, HashedEmbedder, Matrix
from wiseflow.knowledge.layout import (
    build_folder,
    check_embedder,
    disk_errors,
    no_index,
    read_build,
    read_generation,
)
from wiseflow.knowledge.lookup import Filters, filter_query, lexical_query
from wiseflow.knowledge.querying import Question, inverse_frequency, read_question
from wiseflow.knowledge.ranking import HYBRID, Ranking, Weights, fuse, nearest
from wiseflow.knowledge.schema import current_generation, read_hit, rows_of, schema, stored_content
from wiseflow.knowledge.vectors import DEAD, MappedVectors, Rows

# Candidates each list gives to the fusion, at least.
CANDIDATES = 200
# More passages than this are not all compared by vector: only the lexical candidates are.
EXACT_SCAN_ROWS = 50_000
_OPEN_ATTEMPTS = 5
_MOST_LANGUAGES = 4


def open_index(folder: Path, *, embedder: Embedder | None = None) -> PassageIndex:
    """The index in ``folder``, for reading; cheap, and many processes may have it open.

    Args:
        folder: of the index.
        embedder: the one its vectors were made with; the hashed one when absent.

    Raises:
        NotFound: there is no index, or it holds nothing.
        SchemaMismatch: it was made by another embedder or version.
        IndexDamaged: a file of it is missing or broken.
        StorageError: the disk refuses.
    """
    index = PassageIndex(folder, embedder or HashedEmbedder())
    if not index.passage_count:
        raise no_index(folder)
    return index


def fault_of(folder: Path) -> str:
    """Why the index in ``folder`` has to be made anew, or "" when it can be used as it is.

    Raises:
        StorageError: the disk refuses, which says nothing about the index.
    """
    try:
        PassageIndex(folder, HashedEmbedder())
    except (NotFound, IndexDamaged, SchemaMismatch) as error:
        return error.message
    return ""


class PassageIndex:
    """One commit of an index, mapped into memory. Use it from one thread at a time.

    Args:
        folder: of the index.
        embedder: the one its vectors were made with.
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._folder = folder
        self._embedder = embedder
        with disk_errors(folder):
            self._open()

    @property
    def passage_count(self) -> int:
        """How many passages can be found."""
        return self._generation.passages

    @property
    def generation(self) -> int:
        """The number of the commit that is read."""
        return self._generation.number

    def refresh(self) -> bool:
        """Read the newest commit if there is a newer one; whether there was."""
        with disk_errors(self._folder):
            if self._signature == _signature(self._folder):
                return False
            self._open()
        return True

    def search(
        self, query: str, *, k: int = 10, filters: Filters | None = None, weights: Weights = HYBRID
    ) -> tuple[Hit, ...]:
        """The best ``k`` passages for a query of any content, best first.

        Args:
            query: words, a question or a longer text; nothing in it is syntax.
            k: how many to return at most.
            filters: which passages may be found.
            weights: what counts how much.

        Raises:
            IndexDamaged: a file of the index is broken.
        """
        with disk_errors(self._folder):
            return self._search(query, k, filters, weights)

    def _search(
        self, query: str, k: int, filters: Filters | None, weights: Weights
    ) -> tuple[Hit, ...]:
        allowed = filter_query(filters or Filters(), self._searcher)
        limit = max(CANDIDATES, 2 * k)
        question = read_question(query, self._languages)
        rows, scores = self._lexical(question, allowed, limit, weights)
        near = self._near(query, allowed, limit, rows) if weights.vector else (rows[:0], scores[:0])
        ranking = fuse((rows, scores), near, weight=weights.vector, listed=limit)
        return self._hits(ranking, k) if k > 0 and len(ranking.rows) else ()

    def document_frequency(self, term: str, *, language: str = "en") -> int:
        """How many passages have the (first) word of ``term``, in any of its forms."""
        return max(map(self._frequency, terms(term, language)[:1]), default=0)

    def inverse_document_frequency(self, term: str, *, language: str = "en") -> float:
        """How much the word ``term`` tells in this index; never negative."""
        found = self.document_frequency(term, language=language)
        return inverse_frequency(found, self.passage_count)

    def _frequency(self, form: str) -> int:
        return self._searcher.doc_freq("terms", form)

    def _open(self) -> None:
        for attempt in range(1, _OPEN_ATTEMPTS + 1):
            signature = _signature(self._folder)
            build = read_build(self._folder)
            if build is None:
                raise no_index(self._folder)
            check_embedder(self._folder, build, self._embedder.fingerprint)
            try:
                self._read(build_folder(self._folder, build.number))
            except (FileNotFoundError, ValueError):
                # A writer cleared these files between our look at the commit and at them.
                if attempt == _OPEN_ATTEMPTS:
                    raise
            else:
                self._signature = signature
                return

    def _read(self, folder: Path) -> None:
        index = Index.open(str(folder / "words"))
        searcher = index.searcher()
        generation = read_generation(folder, current_generation(searcher))
        self._vectors = MappedVectors(folder, generation, self._embedder.dimension)
        self._generation, self._searcher = generation, searcher
        found = searcher.terms_with_prefix("language", "")
        common = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:_MOST_LANGUAGES]
        self._languages = tuple(language for language, _ in common) or ("",)

    def _lexical(
        self, question: Question, allowed: Query | None, limit: int, weights: Weights
    ) -> tuple[Rows, Matrix]:
        wanted = lexical_query(question, self._searcher, self.passage_count, weights)
        if wanted is None:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        hits = self._searcher.search(_within(wanted, allowed), limit=limit, count=False).hits
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        return self._rows([address for _, address in hits]), scores

    def _near(
        self, query: str, allowed: Query | None, limit: int, lexical: Rows
    ) -> tuple[Rows, Matrix]:
        vector = self._embedder.embed([query])[0]
        if self.passage_count > EXACT_SCAN_ROWS:
            return lexical, self._vectors.similarities_at(vector, self._vectors.places(lexical))
        scores = self._vectors.similarities(vector)
        if allowed is not None:
            shut = np.ones(len(scores), np.bool_)
            shut[self._vectors.places(self._allowed_rows(allowed))] = False
            scores[shut] = DEAD
        places = np.union1d(nearest(scores, limit), self._vectors.places(lexical))
        return self._vectors.rows[places], scores[places]

    def _allowed_rows(self, allowed: Query) -> Rows:
        hits = self._searcher.search(allowed, limit=self.passage_count + 1, count=False).hits
        return self._rows([address for _, address in hits])

    def _rows(self, addresses: list[DocAddress]) -> Rows:
        return np.array(rows_of(self._searcher, addresses), dtype=np.int64)

    def _hits(self, ranking: Ranking, k: int) -> tuple[Hit, ...]:
        best = ranking.best(k)
        query = Query.term_set_query(schema(), "row", [int(row) for row in ranking.rows[best]])
        found = self._searcher.search(query, limit=len(best) + 1, count=False).hits
        addresses = [address for _, address in found]
        ties = self._searcher.fast_field_values("tie", addresses)
        places = {int(row): place for row, place in zip(ranking.rows[best], best, strict=True)}
        ordered = sorted(
            (-ranking.scores[places[int(row)]], tie, places[int(row)], address)
            for row, tie, address in zip(self._rows(addresses), ties, addresses, strict=True)
        )
        return tuple(
            replace(
                read_hit(stored_content(self._searcher.doc(address))),
                score=-float(minus),
                lexical_rank=int(ranking.lexical_ranks[place]),
                vector_rank=int(ranking.vector_ranks[place]),
            )
            for minus, _, place, address in ordered[:k]
        )


def _within(query: Query, allowed: Query | None) -> Query:
    if allowed is None:
        return query
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, allowed)])


def _signature(folder: Path) -> tuple[int, ...]:
    """What changes whenever a commit is made: cheap to look at."""
    parts: list[int] = []
    build = folder / "current.json"
    for path in (build, *folder.glob("build-*/words/meta.json")):
        with suppress(FileNotFoundError):
            state = path.stat()
            parts += [state.st_ino, state.st_mtime_ns]
    return tuple(parts)
