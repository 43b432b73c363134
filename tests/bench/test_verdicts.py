"""The measurement of verdicts: claims of every class, from a world and from real paragraphs."""

import json
import random

import pytest

from wiseflow.bench.conflicts import measure_conflicts
from wiseflow.bench.rewordings import reworded
from wiseflow.bench.verdicts import measure_verdicts, measure_world
from wiseflow.core.errors import NotFound
from wiseflow.simulator.rewording import PLANTED, TRUE, Done

SENTS = [
    "The Long Winter was directed by Anna Berg (a Swede), who lived in Oslo.",
    " The film was released in 1987 and won three prizes in Rome.",
]
TEXT = "".join(SENTS)
ROW = {"id": "d1", "title": "The Long Winter", "text": TEXT, "sents": SENTS}
OTHER = ["Bakers in Saint Petersburg keep a part of the dough for the next day."]


@pytest.fixture
def data(tmp_path):
    (tmp_path / "mh_hotpot").mkdir()
    sents = ["Old Bakers Union keeps a part of the dough in Saint Petersburg for the next day."]
    other = {"id": "d2", "title": "Dough", "text": sents[0], "sents": sents}
    rows = "\n".join(json.dumps(row) for row in (ROW, other))
    (tmp_path / "mh_hotpot" / "corpus.jsonl").write_text(rows)
    return tmp_path


def test_a_paragraph_makes_claims_of_every_class():
    made = {one.done: one for one in reworded(ROW, OTHER, random.Random(1))}

    assert set(made) == set(Done)
    assert made[Done.SHORTENED].text == "The Long Winter was directed by Anna Berg."
    assert made[Done.RELATION].text != SENTS[1].strip()
    assert len(made[Done.MERGED].spans) == 2
    for one in made.values():
        assert all(TEXT[start:end] in map(str.strip, SENTS) for start, end in one.spans)


def test_the_bars_hold_with_a_judge_who_never_errs_and_each_class_has_three_shares():
    figures = measure_world(topics=2, errors=0.0)

    barred = [figure for figure in figures if figure.holds is not None]
    assert [figure for figure in barred if not figure.holds] == []
    for subject in ("world, words alone", "world, with a judge"):
        for done in (*TRUE, *PLANTED):
            shares = [
                figure.value
                for figure in figures
                if figure.subject == subject
                and f" {done}: " in figure.measure
                and not figure.measure.endswith("caught")
            ]
            assert len(shares) == 3
            assert sum(shares) == pytest.approx(1)


def test_a_judge_who_errs_often_misses_the_bar():
    figures = measure_world(topics=1, errors=0.5)

    assert [figure for figure in figures if figure.holds is False]


def test_words_alone_pass_nothing_that_was_planted_in_the_world():
    passed = [
        figure.value
        for figure in measure_world(topics=1)
        if figure.subject == "world, words alone"
        and figure.measure.startswith("planted")
        and figure.measure.endswith(": supported")
    ]

    assert passed == [0.0] * len(PLANTED)


def test_real_paragraphs_are_measured_beside_the_world(data):
    figures = measure_verdicts(data, topics=1)

    assert {figure.subject for figure in figures} >= {"world", "mh_hotpot, with a judge"}


def test_disagreements_are_found_on_a_world_with_conflicts(data):
    told, found, false = measure_conflicts(data)

    assert told.holds
    assert found.holds
    assert false.value == 0


def test_missing_paragraphs_are_named(tmp_path):
    with pytest.raises(NotFound, match=r"corpus\.jsonl"):
        measure_verdicts(tmp_path, topics=1)
