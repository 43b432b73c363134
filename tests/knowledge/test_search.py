"""What a search finds, and that no query breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiseflow.core.documents import Hit
from wiseflow.core.errors import NotFound, SchemaMismatch, StorageError
from wiseflow.knowledge import index as index_module
from wiseflow.knowledge.embedding import HashedEmbedder
from wiseflow.knowledge.index import PassageIndex, open_index
from wiseflow.knowledge.lookup import Filters
from wiseflow.knowledge.ranking import PLAIN_BM25, Weights
from wiseflow.knowledge.writing import apply

ALL_WORDS = "captain whale Danube delta pelicans Brot Hefen 茶道"


def sources(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.passage.source_id for hit in hits]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Which captain hunts a whale?", "whale"),
        ("hunting captains", "whale"),
        ("moby dick", "whale"),
        ("pelican", "river"),
        ("wilde Hefe", "brot"),
        ("gebackenes Brot", "brot"),
        ("茶道仪式", "tea"),
        ("capttain of whalees", "whale"),
    ],
)
def test_the_passage_asked_for_comes_first(library, query, expected):
    hits = open_index(library).search(query)

    assert sources(hits)[0] == expected


def test_a_hit_carries_what_was_stored(library):
    hit = open_index(library).search("pelicans", k=1)[0]

    assert hit.passage.text == "Its delta is home to pelicans."
    assert (hit.passage.start, hit.passage.end) == (40, 70)
    assert (hit.path, hit.published, hit.language) == ("/docs/places/danube.md", "2020", "en")
    assert (hit.document_id, hit.passage.title) == ("river", "Danube")
    assert (hit.lexical_rank, hit.vector_rank) == (1, 1)


def test_a_word_the_index_does_not_have_is_found_by_its_letters_alone(library):
    hit = open_index(library).search("pelicanlike", k=1)[0]

    assert hit.passage.text == "Its delta is home to pelicans."
    assert (hit.lexical_rank, hit.vector_rank) == (0, 1)


def test_plain_bm25_finds_nothing_without_a_shared_word(library):
    assert open_index(library).search("pelicanlike", weights=PLAIN_BM25) == ()


def test_a_title_named_in_the_query_counts(tmp_path, source, change):
    named = source("a", "A thing of wood.", title="Long River (film)")
    mentioned = source("b", "The long river, a long river, long as a river.", title="Thing")
    others = [source(f"other{number}", f"Other thing {number}.") for number in range(20)]
    apply(tmp_path, change([named, mentioned, *others]))

    assert sources(open_index(tmp_path).search("who made Long River"))[0] == "a"


def test_equal_passages_come_in_one_order_however_they_were_added(tmp_path, source, change):
    twins = [source(name, "The same thing again.") for name in "abcdef"]
    apply(tmp_path / "once", change(twins))
    for twin in reversed(twins):
        apply(tmp_path / "often", change([twin]))

    first = sources(open_index(tmp_path / "once").search("same thing", k=3))
    second = sources(open_index(tmp_path / "often").search("same thing", k=3))

    assert first == second


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(source_ids=("whale", "tea")), {"whale", "tea"}),
        (Filters(path_prefix="/docs/places"), {"river"}),
        (Filters(path_prefix="/docs/küche (neu)/"), {"brot"}),
        (Filters(language="de"), {"brot"}),
        (Filters(published_since="2020-06-01"), {"brot"}),
        (Filters(published_until="1900"), {"whale"}),
        (Filters(published_since="2020", published_until="2021"), {"river", "brot"}),
        (Filters(published_until="2021-05"), {"whale", "river", "brot"}),
        (Filters(source_ids=("river",), language="de"), set()),
        (Filters(source_ids=("no such",)), set()),
    ],
)
@pytest.mark.parametrize("weights", [Weights(), PLAIN_BM25], ids=["hybrid", "plain"])
def test_filters_let_through_only_what_they_name(library, filters, expected, weights):
    hits = open_index(library).search(ALL_WORDS, filters=filters, weights=weights)

    assert set(sources(hits)) == expected


def test_a_large_index_compares_the_vectors_of_lexical_candidates_only(library, monkeypatch):
    monkeypatch.setattr(index_module, "EXACT_SCAN_ROWS", 1)

    hits = open_index(library).search("pelicans of the delta")

    assert hits[0].passage.text == "Its delta is home to pelicans."
    assert open_index(library).search("pelicanlike") == ()


QUERIES = [
    "",
    " \t\n",
    "?!… — “”",
    "\x00\x07\x1b[31m",
    'title:"a AND (b OR [c TO d]^2 ~ *:* \\',
    "\ud800 lone \udfff",
    "a" * 10_000,
    "whale " * 5_000,
    " ".join(f"word{number}" for number in range(3_000)),
    "茶" * 10_000,
    "https://example.org/?q=%20&x='",
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_nothing_in_a_query_is_syntax(library, query):
    hits = open_index(library).search(query, k=3)

    assert len(hits) <= 3


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=300), k=st.integers(0, 20))
def test_any_query_gives_at_most_k_distinct_hits_best_first(library, query, k):
    hits = open_index(library).search(query, k=k)

    assert len({hit.passage.passage_id for hit in hits}) == len(hits) <= k
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_rare_words_tell_more_than_common_ones(library):
    index = open_index(library)

    assert index.passage_count == 5
    assert index.document_frequency("Pelican") == 1
    assert index.document_frequency("Hefe", language="de") == 1
    assert index.document_frequency("") == 0
    rare, unknown = map(index.inverse_document_frequency, ("pelicans", "zebra"))
    assert 0 < index.inverse_document_frequency("its") <= rare < unknown


@pytest.mark.parametrize("made", [False, True], ids=["missing", "empty"])
def test_without_passages_the_error_says_how_to_make_an_index(tmp_path, change, made):
    folder = tmp_path / "index"
    if made:
        apply(folder, change())

    with pytest.raises(NotFound, match="wiseflow index PATH"):
        open_index(folder)


def test_an_index_of_another_embedder_is_refused(library, change):
    other = HashedEmbedder(64)

    with pytest.raises(SchemaMismatch, match="wiseflow index PATH"):
        open_index(library, embedder=other)
    with pytest.raises(SchemaMismatch, match="embedder"):
        apply(library, change(), embedder=other)


def test_an_index_of_another_format_is_refused(library):
    current = library / "current.json"
    current.write_text(current.read_text().replace('"format": 1', '"format": 99'))

    with pytest.raises(SchemaMismatch, match="format 99"):
        open_index(library)


def test_a_damaged_index_is_an_error_that_names_it(library):
    for path in library.glob("build-*/generation-*.json"):
        path.unlink()

    with pytest.raises(StorageError, match=library.name):
        open_index(library)


def test_an_open_index_notices_a_newer_commit_when_asked(library, source, change):
    index = open_index(library)
    assert not index.refresh()

    apply(library, change([source("new", "A zebra.")], removed=["whale"]))

    assert sources(index.search("whale", k=1)) == ["whale"]
    assert index.refresh()
    assert sources(index.search("zebra", k=1)) == ["new"]
    assert index.generation == open_index(library).generation


def test_an_open_index_may_become_empty(library, change):
    index = open_index(library)

    apply(library, change(removed=["whale", "river", "brot", "tea"]))
    index.refresh()

    assert index.passage_count == 0
    assert index.search("whale") == ()


def test_a_reader_needs_the_folder_only_while_it_opens(library: Path):
    index = PassageIndex(library, HashedEmbedder())

    for path in library.glob("build-*/vectors-*"):
        path.unlink()

    assert sources(index.search("captain", k=1)) == ["whale"]
