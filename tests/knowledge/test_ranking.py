"""The pure decisions: what to look up, how lists become one, which segments to merge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.knowledge.analysis import name_of, terms
from wiseflow.knowledge.layout import Segment
from wiseflow.knowledge.querying import MOST_TERMS, informative, inverse_frequency, read_question
from wiseflow.knowledge.ranking import fuse, nearest
from wiseflow.knowledge.vectors import plan_merge


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Running cafés", "en", ["run", "cafe"]),
        ("Running cafés", "", ["running", "cafes"]),
        ("Häuser", "de", ["haus"]),
        ("茶道仪式", "zh", ["茶道", "道仪", "仪式"]),
        ("茶 tea", "", ["茶", "tea"]),
        ("", "en", []),
    ],
)
def test_terms_are_lower_case_stemmed_and_unaccented(text, language, expected):
    assert terms(text, language) == expected


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Moby-Dick (novel)", "moby dick"),
        ("Café Müller", "cafe muller"),
        ("(untitled)", "untitled"),
        ("", ""),
    ],
)
def test_a_name_is_a_title_as_text_would_say_it(title, name):
    assert name_of(title) == name


def test_a_question_has_terms_pairs_and_names():
    question = read_question("Who wrote Moby Dick, who?", ["en"])

    assert [(term.forms, term.count) for term in question.terms] == [
        (("who",), 2),
        (("wrote",), 1),
        (("mobi",), 1),
        (("dick",), 1),
    ]
    assert ("mobi", "dick") in question.pairs
    assert question.names["moby dick"] == ("mobi", "dick")


def test_a_word_has_a_form_for_each_language():
    question = read_question("running", ["en", "de"])

    assert question.terms[0].forms == ("run", "running")


def test_common_words_are_left_out_unless_all_are_common():
    frequencies = {"the": 90, "whale": 3, "zebra": 0}

    def telling(query: str) -> list[str]:
        found = informative(read_question(query, [""]), frequencies.__getitem__, 100)
        return [term.forms[0] for term in found]

    assert telling("the zebra whale") == ["whale"]
    assert telling("the") == ["the"]


def test_of_a_long_query_the_most_telling_terms_are_kept():
    query = " ".join(f"w{number}" for number in range(500))

    found = informative(read_question(query, [""]), lambda term: int(term[1:]) + 1, 10_000)

    assert [term.forms[0] for term in found] == [f"w{number}" for number in range(MOST_TERMS)]


@given(found=st.integers(0, 200), passages=st.integers(0, 100))
def test_a_term_never_tells_less_than_nothing(found, passages):
    assert inverse_frequency(found, passages) >= 0


def test_fused_scores_weigh_both_lists_by_their_best():
    lexical = (np.array([7, 3]), np.array([4.0, 2.0], np.float32))
    near = (np.array([3, 7, 9]), np.array([0.5, 0.25, 0.4], np.float32))

    ranking = fuse(lexical, near, weight=0.1, listed=2)

    assert list(ranking.rows) == [3, 7, 9]
    assert ranking.scores == pytest.approx([0.6, 1.05, 0.08])
    assert list(ranking.lexical_ranks) == [2, 1, 0]
    assert list(ranking.vector_ranks) == [1, 0, 2]
    assert list(ranking.best(1)) == [1]


def test_those_that_tie_with_the_last_are_among_the_best():
    rows = np.arange(4)
    ranking = fuse(
        (rows, np.array([1, 2, 1, 1], np.float32)),
        (rows, np.zeros(4, np.float32)),
        weight=1,
        listed=4,
    )

    assert list(ranking.best(2)) == [0, 1, 2, 3]


@given(st.lists(st.floats(-1, 1, width=32), max_size=40), st.integers(1, 20))
def test_the_nearest_are_the_greatest_above_chance(values, limit):
    similarities = np.array(values, np.float32)

    found = similarities[nearest(similarities, limit)]

    above = sorted((value for value in similarities if value >= 0.15), reverse=True)
    assert sorted(found, reverse=True) == above[:limit]


def test_a_segment_with_many_dead_rows_is_merged_with_all_after_it():
    segments = [
        Segment(number=1, size=1000),
        Segment(number=2, size=100, dead=60),
        Segment(number=3, size=10),
    ]

    assert plan_merge(segments) == 2
    assert plan_merge(segments[:1]) == 0
    assert plan_merge([]) == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300))
def test_segments_stay_few_and_rows_are_copied_seldom(sizes):
    segments: list[Segment] = []
    copied = 0
    for number, size in enumerate(sizes):
        segments.append(Segment(number=number, size=size))
        merged = max(plan_merge(segments), 1)
        total = sum(segment.size for segment in segments[-merged:])
        copied += total if merged > 1 else 0
        segments = [*segments[:-merged], Segment(number=number, size=total)]

    steps = np.log2(sum(sizes)) + 1
    assert len(segments) <= steps
    assert copied <= 3 * steps * sum(sizes)
