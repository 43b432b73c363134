"""The simulator's judge: an oracle over the world's facts, and statements to try one on."""

import json
from collections import Counter
from typing import Any

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import Prompt
from wiseflow.simulator.judging import Case, Judge, asks_for_judgements, cases_in
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.rewording import PLANTED, TRUE, statements
from wiseflow.simulator.world import World
from wiseflow.simulator.writer import Writer

SCHEMA = {
    "properties": {
        "judgements": {
            "type": "array",
            "items": {"properties": {"claim": {"type": "string"}, "verdict": {"type": "string"}}},
        }
    }
}
WORLD = World(3, topics=4)


def cases(world=WORLD):
    for number, one in enumerate(statements(world)):
        passages = {f"p{at}": page.sentences[place] for at, (page, place) in enumerate(one.pages)}
        yield one, Case(claim_id=f"c{number}", text=one.text, passages=passages)


def test_every_true_statement_is_supported_and_no_planted_one():
    judge, found = Judge(WORLD), Counter()

    for one, case in cases():
        supported = judge.supports(case.text, list(case.passages.values()))
        found[one.done, supported] += 1

    assert not [done for done in TRUE if found[done, False]]
    assert not [done for done in PLANTED if found[done, True]]
    assert all(found[done, done in TRUE] for done in (*TRUE, *PLANTED))


def test_a_judge_errs_in_the_share_that_was_told():
    judge = Judge(WORLD, 0.2)

    wrong = [(judge.judge(case)["verdict"] == "supported") is not one.true for one, case in cases()]

    assert 0.15 < sum(wrong) / len(wrong) < 0.25


def test_a_sentence_that_states_no_fact_has_to_stand_there():
    judge = Judge(WORLD)

    assert judge.supports("Teachers speak warmly of it.", ["Yes. Teachers speak warmly of it."])
    assert not judge.supports("Teachers speak warmly of it.", ["Nobody does."])


def test_the_model_judges_claims_of_a_prompt_by_the_passages_they_cite():
    fact = WORLD.facts[0]
    text = (
        f'<passage id="p1" title="t">\n{fact.sentence(0)}\n</passage>\n'
        '<passage id="p2" title="t">\nNothing is known.\n</passage>\n'
        f'<claim id="c1" section="s">\n{fact.sentence(1)}\n</claim>\nc1 cites p1.\n'
        f'<claim id="c2" section="s">\n{fact.sentence(1)}\n</claim>\nc2 cites p2.\n'
    )

    written = Writer(WORLD).write(Prompt(text=text, schema=SCHEMA)).text

    assert '"claim": "c1", "verdict": "supported"' in written
    assert '"claim": "c2", "verdict": "unsupported"' in written
    assert [one.claim_id for one in cases_in(text)] == ["c1", "c2"]


def test_other_schemas_ask_for_no_judgement():
    assert asks_for_judgements(SCHEMA) == "judgements"
    assert not asks_for_judgements({"properties": {"claims": {"items": True}, "other": True}})


@pytest.mark.parametrize("name", ["judge_errors", "own_words", "careless"])
def test_a_share_above_one_is_refused(name):
    shares: dict[str, Any] = {name: 1.5}

    with pytest.raises(InvalidInput, match=name):
        SimulatorOptions(**shares)


def writing(**shares):
    """What a model writes on the facts of a page, by the fact of each sentence."""
    page = WORLD.topics[0].pages[1]
    shown = "\n".join(
        f'<passage id="p{number}" title="t">\n{sentence}\n</passage>'
        for number, sentence in enumerate(page.sentences, start=1)
    )
    claim = {"properties": {"text": {"type": "string"}, "passages": {"type": "array"}}}
    schema = {"properties": {"claims": {"type": "array", "items": claim}}}
    answer = Writer(WORLD, **shares).write(Prompt(text=shown, schema=schema)).text
    return page, answer


def test_a_model_writes_what_it_read_unless_told_otherwise():
    page, answer = writing()

    assert any(sentence in answer for sentence in page.sentences)


def test_a_model_of_own_words_says_the_same_otherwise_and_a_careless_one_something_else():
    page, retold = writing(own_words=1.0)
    _, wrong = writing(own_words=1.0, careless=1.0)
    judge = Judge(WORLD)

    assert not any(sentence in retold for sentence in page.sentences)
    assert [judge.supports(text, page.sentences) for text in texts(retold)] == [True] * 4
    assert [judge.supports(text, page.sentences) for text in texts(wrong)] == [False] * 4


def texts(answer):
    return [claim["text"] for claim in json.loads(answer)["claims"]]
