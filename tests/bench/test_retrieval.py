"""The retrieval benchmark, on a tiny corpus."""

from __future__ import annotations

import json

import pytest

from wiseflow.bench.retrieval import measure_retrieval
from wiseflow.core.errors import NotFound

CORPUS = [
    {"id": "a", "title": "Moby-Dick", "text": "A captain hunts a white whale."},
    {"id": "b", "title": "Danube", "text": "The river flows through ten countries."},
    {"id": "c", "title": "Sourdough", "text": "Bread that rises by wild yeast."},
]
QUERIES = [
    {"id": "hp_1", "text": "Who hunts the whale?"},
    {"id": "mq_1", "text": "river and yeast", "abstract": "countries of the Danube"},
    {"id": "hp_unjudged", "text": "Nothing is known of this."},
]
QRELS = [
    {"qid": "hp_1", "doc": "a", "rel": 1},
    {"qid": "mq_1", "doc": "b", "rel": 1},
    {"qid": "mq_1", "doc": "c", "rel": 1},
]


@pytest.fixture
def data(tmp_path):
    for name in ("mh_mix", "deepscholar", "freshwiki"):
        split = tmp_path / "data" / name / "dev"
        split.mkdir(parents=True)
        for path, rows in (
            (split.parent / "corpus.jsonl", CORPUS),
            (split / "queries.jsonl", QUERIES),
            (split / "qrels.jsonl", QRELS),
        ):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "data"


def test_recalls_and_paired_differences_are_told_by_set(data, tmp_path):
    figures = measure_retrieval(data, tmp_path / "work")

    told = {(figure.subject, figure.measure): figure for figure in figures}
    assert told["HotpotQA", "R@5, hybrid"].value == 100.0
    assert told["MuSiQue", "R@5, hybrid"].bar == 46.0
    assert told["MuSiQue", "all-gold@5, plain BM25"].value == 100.0
    assert told["MuSiQue", "R@2, hybrid"].value == 100.0
    assert told["mh_mix", "R@5, hybrid − plain BM25"].holds
    assert told["mh_mix", "R@5, hybrid − plain BM25: worse"].value == 0
    assert told["deepscholar", "R@20, hybrid"].samples == 2
    assert told["freshwiki", "R@50, plain BM25"].value == 100.0
    assert ("mh_mix", "passages indexed a second of CPU") in told


def test_an_index_that_is_there_is_used_again(data, tmp_path):
    first = measure_retrieval(data, tmp_path / "work")
    second = measure_retrieval(data, tmp_path / "work")

    assert [figure.measure for figure in second] == [
        figure.measure for figure in first if "indexed" not in figure.measure
    ]


def test_missing_data_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"mh_mix.*corpus\.jsonl"):
        measure_retrieval(tmp_path, tmp_path / "work")
