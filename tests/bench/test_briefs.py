"""The figures of briefs, over data sets of a few made-up paragraphs."""

import json

import pytest

from wiseflow.bench.briefs import measure_briefs
from wiseflow.core.errors import NotFound

PARAGRAPHS = [
    (
        "Circum-Baikal Railway",
        [
            "The Circum-Baikal Railway runs along the shore of Lake Baikal in Siberia.",
            " The railway was planned by the engineer Boris Savrimovich.",
        ],
    ),
    (
        "Boris Savrimovich",
        [
            "Boris Savrimovich was a railway engineer who was born in Riga.",
            " The old man liked to fish and to walk in the hills.",
        ],
    ),
    ("Sourdough", ["Sourdough is bread that is leavened by wild yeast and bacteria."]),
    ("Kayak", ["A kayak is a small boat that is moved with a paddle of two blades."]),
]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "data"
    corpus = [
        {"id": f"d{n}", "title": title, "text": "".join(sents), "sents": sents}
        for n, (title, sents) in enumerate(PARAGRAPHS)
    ]
    question = "In which city was the engineer who planned the Circum-Baikal Railway born?"
    write(folder / "mh_hotpot/corpus.jsonl", corpus)
    write(
        folder / "mh_hotpot/dev/queries.jsonl",
        [
            {"id": "q1", "text": question, "answer": "Riga", "aliases": []},
            {"id": "q2", "text": "Is a kayak a small boat?", "answer": "yes", "aliases": []},
        ],
    )
    write(
        folder / "mh_hotpot/dev/qrels.jsonl",
        [
            {"qid": "q1", "doc": "d0", "rel": 1, "sents": [1]},
            {"qid": "q1", "doc": "d1", "rel": 1, "sents": [0]},
            {"qid": "q2", "doc": "d3", "rel": 1, "sents": [0]},
        ],
    )
    articles = [{**row, "title": "", "section": row["title"]} for row in corpus]
    write(folder / "freshwiki/corpus.jsonl", articles)
    write(
        folder / "freshwiki/dev/queries.jsonl",
        [
            {"id": "t1", "text": "Sourdough", "lead": "Sourdough is a bread."},
            {"id": "t2", "text": "Quantum chromodynamics", "lead": "It is about quarks."},
        ],
    )
    write(
        folder / "freshwiki/dev/qrels.jsonl",
        [{"qid": "t1", "doc": "d2", "rel": 1}, {"qid": "t2", "doc": "d0", "rel": 1}],
    )
    return folder


def test_briefs_are_measured_through_the_real_handler(data_dir, tmp_path):
    figures = {
        (figure.subject, figure.measure): figure
        for figure in measure_briefs(data_dir, tmp_path / "work")
    }

    assert figures["mh_hotpot", "citations that are verbatim spans"].value == 1.0
    assert figures["mh_hotpot", "topics that got a report"].value == 1.0
    assert figures["mh_hotpot", "supporting-sentence F1 of the summary"].value > 0.5
    assert figures["mh_hotpot", "answer inside the first five cited sentences"].samples == 1
    assert figures["freshwiki", "citations on topic"].value == 1.0
    assert figures["freshwiki", "topics that got a report"].value == 0.5
    assert figures["freshwiki", "topics that got a report"].holds is False
    assert 0 < figures["freshwiki", "ROUGE-1 F against the lead"].value < 1


def test_a_data_set_that_is_missing_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"corpus\.jsonl"):
        measure_briefs(tmp_path, tmp_path / "work")
