"""Questions of several hops, and how the simulated model goes from hop to hop."""

import json

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import Prompt
from wiseflow.simulator.finding import Finder
from wiseflow.simulator.reasoning import Chain, read_chain
from wiseflow.simulator.world import World
from wiseflow.simulator.writer import Writer

WORLD = World(3, links=True)
HOPS = (1, 2, 3, 4)
READING = {
    "properties": {
        "answered": {"type": "boolean"},
        "passages": {"type": "array", "items": {"type": "string"}},
        "questions": {"type": "array", "items": {"type": "string"}},
    }
}
CRITIQUE = {
    "properties": {
        "needs_more": {
            "type": "array",
            "items": {
                "properties": {
                    "section": {"type": "string"},
                    "queries": {"type": "array", "items": {"type": "string"}},
                }
            },
        }
    }
}
CLAIMS = {
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "properties": {
                    "text": {"type": "string"},
                    "passages": {"type": "array", "items": {"type": "string"}},
                    "quote": {"type": "string"},
                }
            },
        }
    }
}


def asked(question, facts, schema):
    """What the model answers, given these facts as passages."""
    passages = "\n".join(
        f'<passage id="p{number}">\n{fact.sentence(number % 3)}\n</passage>'
        for number, fact in enumerate(facts, start=1)
    )
    text = f"{passages}\n\n<topic>\n{question.text}\n</topic>"
    written = Writer(WORLD).write(Prompt(text=text, schema=schema))
    return json.loads(written.text)


@pytest.mark.parametrize("hops", HOPS)
def test_a_question_has_as_many_hops_as_are_asked_for(hops):
    question = WORLD.chain(5, hops)

    assert len(question.facts) == hops
    for one, following in zip(question.facts, question.facts[1:], strict=False):
        assert one.value == following.entity
    assert len({fact.entity for fact in question.facts}) == hops


@pytest.mark.parametrize("hops", HOPS)
def test_a_question_is_read_as_it_was_made(hops):
    for number in range(20):
        question = WORLD.chain(number, hops)

        nouns = tuple(fact.relation.noun for fact in question.facts)
        assert read_chain(question.text) == Chain(entity=question.facts[0].entity, nouns=nouns)


def test_other_questions_are_no_chains():
    assert read_chain(WORLD.question(0).text) is None
    assert read_chain("What is the weather of tomorrow?") is None


def test_each_hop_is_stated_on_a_page_that_its_query_finds():
    finder = Finder(WORLD)
    for fact in WORLD.chain(7, 4).facts:
        hits = finder.find(f"{fact.relation.noun} of {fact.entity}", 4)

        assert any(fact in hit.page.facts for hit in hits)


@pytest.mark.parametrize("known", range(4))
def test_a_reader_asks_for_the_first_hop_that_it_cannot_tell(known):
    question = WORLD.chain(2, 4)
    missing = question.facts[known]

    found = asked(question, question.facts[:known], READING)

    assert found["answered"] is False
    assert found["questions"] == [f"{missing.relation.noun} of {missing.entity}"]
    assert found["passages"] == [f"p{number}" for number in range(1, known + 1)]


def test_a_reader_does_not_skip_a_hop_that_no_passage_tells():
    question = WORLD.chain(2, 3)
    without_second = [question.facts[0], question.facts[2]]

    found = asked(question, without_second, READING)

    assert found["questions"] == [
        f"{question.facts[1].relation.noun} of {question.facts[1].entity}"
    ]


def test_when_all_hops_are_told_nothing_is_asked_or_wanting():
    question = WORLD.chain(2, 3)

    assert asked(question, question.facts, READING)["answered"] is True
    assert asked(question, question.facts, READING)["questions"] == []
    assert asked(question, question.facts, CRITIQUE) == {"needs_more": []}


def test_a_critic_names_what_is_wanting():
    question = WORLD.chain(2, 2)
    missing = question.facts[1]

    (remark,) = asked(question, question.facts[:1], CRITIQUE)["needs_more"]

    assert remark["section"] == "s1"
    assert remark["queries"] == [f"{missing.relation.noun} of {missing.entity}"]


def test_a_writer_states_each_hop_and_cites_it():
    question = WORLD.chain(2, 3)

    claims = asked(question, question.facts, CLAIMS)["claims"]

    assert [claim["passages"] for claim in claims] == [["p1"], ["p2"], ["p3"]]
    assert all(
        fact.value in claim["text"] for fact, claim in zip(question.facts, claims, strict=True)
    )


def test_a_world_without_links_has_no_such_questions():
    with pytest.raises(InvalidInput, match="questions of 2 hops"):
        World(3).chain(0, 2)
    with pytest.raises(InvalidInput, match="questions of 4 hops"):
        WORLD.chain(10_000, 4)


def test_links_change_nothing_else_in_a_world():
    plain = World(3)

    assert [topic.facts for topic in plain.topics] == [topic.facts for topic in WORLD.topics]
    assert set(plain.pages) <= set(WORLD.pages)
