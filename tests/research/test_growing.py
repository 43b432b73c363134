"""How a graph of questions grows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.authoring import Evidence, Findings, Gathered, Plan, PlannedSection
from wiseflow.core.documents import Hit, Passage
from wiseflow.research.growing import (
    MOST_A_LEVEL,
    Explored,
    grown,
    has_news,
    helping,
    joined,
    of_section,
    root,
)

PLAN = Plan(
    title="T",
    language="en",
    sections=tuple(PlannedSection(title=title, queries=(title,)) for title in ("Ships", "Ports")),
)


def evidence(*keys):
    return tuple(
        Evidence(
            hit=Hit(
                passage=Passage(passage_id=key, source_id=key, start=0, end=1, text=key, title=""),
                score=1.0,
            ),
            score=1.0,
        )
        for key in keys
    )


def explored(place, *questions, found=("a",), answered=False, relevant=()):
    return Explored(
        node=root(PLAN, place),
        found=Gathered(evidence=evidence(*found), queries=("q",), considered=found),
        findings=Findings(answered=answered, relevant=relevant, questions=questions),
    )


def test_questions_are_taken_in_turns_of_the_branches():
    level = [explored(0, "red hulls", "green masts"), explored(1, "deep docks")]

    nodes = grown(level, level, "en")

    assert [node.title for node in nodes] == ["red hulls", "deep docks", "green masts"]
    assert [node.section for node in nodes] == [0, 1, 0]
    assert [node.number for node in nodes] == [2, 3, 4]
    assert nodes[0].parent == 0
    assert nodes[0].step == "nodes/2"


def test_what_was_asked_before_is_not_asked_again_in_other_order():
    level = [explored(0, "ships", "Which docks are deep?", "Deep are which docks?")]

    nodes = grown(level, level, "en")

    assert [node.title for node in nodes] == ["Which docks are deep?"]


def test_an_answered_question_asks_nothing():
    level = [explored(0, "red hulls", answered=True), explored(1)]

    assert grown(level, level, "en") == []


@given(st.lists(st.lists(st.text("abcdefg ", min_size=1, max_size=12), max_size=6), max_size=6))
def test_a_level_is_bounded_and_its_numbers_are_new(asked):
    level = [explored(0, *questions) for questions in asked]

    nodes = grown(level, level, "")

    assert len(nodes) <= MOST_A_LEVEL
    assert len({node.number for node in nodes}) == len(nodes)
    assert all(node.number > 0 for node in nodes)
    assert grown(level, level, "") == nodes


def test_news_are_passages_that_nobody_found_before():
    found = Gathered(evidence=evidence("a", "b"))

    assert has_news(found, [explored(0, found=("a",))])
    assert not has_news(found, [explored(0, found=("a", "b", "c"))])
    assert not has_news(Gathered(evidence=()), [])


def test_a_branch_is_joined_without_repeats_and_lost_with_its_own_search():
    own, further = explored(0, found=("a", "b")), explored(0, found=("b", "c"))

    whole = joined([own, further])

    assert whole is not None
    assert {item.hit.passage.passage_id for item in whole.evidence} == {"a", "b", "c"}
    assert whole.queries == ("q", "q")
    assert joined([replace(own, found=None), further]) is None
    assert joined([own, replace(further, found=None)]) == joined([own])


@pytest.mark.parametrize("unread", [True, False])
def test_only_readers_tell_what_helps(unread):
    one = explored(0, found=("a", "b"), relevant=("b", "gone"))
    branch = [replace(one, findings=None) if unread else one]

    assert [item.hit.passage.passage_id for item in helping(branch)] == ([] if unread else ["b"])


def test_a_section_has_its_own_questions():
    all_of_them = [explored(0), explored(1), explored(0)]

    assert len(of_section(all_of_them, 0)) == 2
