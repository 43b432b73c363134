"""Answers of a form from models that do not keep to it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.calls import RunContext
from wiseflow.core.errors import (
    BadRequest,
    BudgetSpent,
    ContextTooLong,
    MalformedOutput,
    ModelMissing,
    ProviderDown,
)
from wiseflow.research.modelled.answers import PLAN, SECTION, SUMMARY
from wiseflow.research.modelled.forms import Faulty
from wiseflow.research.modelled.prompting import prompt
from wiseflow.research.modelled.structured import Ask, Asker, Tally, form, within

PLANNED = form(*PLAN, items="sections")
SECTIONED = within(form(*SECTION, items="claims"), "passages", ["p1", "p2", "p3"])
SUMMED = within(form(*SUMMARY, items="claims"), "claims", ["c1", "c2"])
GOOD = '{"claims": [{"text": "It is deep.", "passages": ["p1"], "quote": ""}]}'
NONSENSE = "I am sorry, I cannot do that."


def make_ask(wanted=SECTIONED):
    values = {"pieces": (), "topic": "T", "title": "S", "most": 3, "language": "", "remarks": ()}
    return Ask(
        model="near:writer",
        step="draft",
        prompt=prompt("write", **values),
        simpler=prompt("write_simpler", **values),
        form=wanted,
        max_tokens=100,
    )


@pytest.fixture
def asked(make_models):
    """What a model with this script is asked, and what comes of it."""

    async def ask(*said, wanted=SECTIONED, **context):
        steps = ["draft", "draft/repair", "draft/simpler"]
        models = make_models(script={step: [one] for step, one in zip(steps, said, strict=False)})
        tally = Tally()
        asker = Asker(models, RunContext(run_id="r", **context), tally)
        return models, tally, await asker.ask(make_ask(wanted))

    return ask


async def test_a_good_answer_takes_one_call(asked):
    models, tally, answer = await asked(GOOD)

    assert [said.text for said in answer.claims] == ["It is deep."]
    assert models.steps == ["draft"]
    assert tally.retries == 0


async def test_the_request_names_the_prompts_version_and_a_strict_schema(asked):
    models, _, _ = await asked(GOOD)

    request = models.asked[0][1]
    assert request.schema_name == "write_v2"
    assert request.schema["additionalProperties"] is False
    assert request.schema["required"] == ["claims"]
    assert "$ref" not in json.dumps(request.schema)


async def test_what_was_wrong_is_told_once_by_field(asked):
    models, tally, answer = await asked('{"claims": [{"passages": ["p1"]}]}', GOOD)

    again = models.asked[1][1]
    assert models.steps == ["draft", "draft/repair"]
    assert "- claims.0.text: Field required" in again.messages[1].text
    assert [one.speaker for one in again.messages] == ["system", "user"]
    assert again.schema_name == "repair_v1"
    assert (tally.repairs, tally.simpler) == (1, 0)
    assert answer.claims


async def test_an_answer_that_cites_nothing_given_is_told_what_there_is(asked):
    models, _, _ = await asked(GOOD.replace("p1", "p9"), GOOD)

    assert "claims.0.passages: give ids of those that were given: p1, p2, p3" in (
        models.asked[1][1].messages[1].text
    )


async def test_after_two_failures_plain_lines_are_asked_for(asked):
    told = []

    async def tell(kind, data):
        told.append((kind, data))

    models, tally, answer = await asked(
        NONSENSE, "{", "1. It is deep [p1].\n- **It is wide** (p2, p3)", tell=tell
    )

    assert models.steps == ["draft", "draft/repair", "draft/simpler"]
    assert models.asked[2][1].schema is None
    assert [(said.text, said.ids) for said in answer.claims] == [
        ("It is deep", ("p1",)),
        ("It is wide", ("p2", "p3")),
    ]
    assert (tally.repairs, tally.simpler, tally.retries) == (1, 1, 2)
    assert [(kind, data["how"]) for kind, data in told] == [
        ("asked_again", "repair"),
        ("asked_again", "simpler"),
    ]


async def test_when_nothing_helps_the_output_is_malformed(asked):
    with pytest.raises(MalformedOutput, match=r"near:writer.*'draft'.*square brackets"):
        await asked(NONSENSE, NONSENSE, NONSENSE)


async def test_an_answer_that_the_gateway_found_broken_is_asked_for_again(asked):
    models, _, answer = await asked(MalformedOutput("no choices"), GOOD)

    assert answer.claims
    assert "no choices" in models.asked[1][1].messages[1].text


async def test_a_server_that_refuses_schemas_is_asked_for_plain_lines(asked):
    refused = BadRequest("response_format is not supported")

    models, tally, answer = await asked(refused, NONSENSE, "It is deep [p1]")

    assert models.steps == ["draft", "draft/simpler"]
    assert (tally.repairs, tally.simpler) == (0, 1)
    assert answer.claims


@pytest.mark.parametrize(
    "error",
    [
        ContextTooLong("long"),
        ModelMissing("none"),
        ProviderDown("down"),
        BudgetSpent("spent", resource="money"),
    ],
)
async def test_errors_that_another_question_does_not_help_pass(asked, error):
    with pytest.raises(type(error)):
        await asked(error)


async def test_a_repair_that_is_too_long_gives_way_to_plain_lines(asked):
    models, _, answer = await asked(NONSENSE, ContextTooLong("long"), "It is deep [p1]")

    assert answer.claims
    assert models.steps[-1] == "draft/simpler"


@given(st.lists(st.text(max_size=60) | st.sampled_from([GOOD, "[]", "{}", "null"]), max_size=3))
async def test_whatever_a_model_says_only_malformed_output_is_raised(said):
    from tests.research.conftest import ScriptedModels  # noqa: PLC0415 - no fixtures under given

    steps = ["draft", "draft/repair", "draft/simpler"]
    models = ScriptedModels(script={step: [one] for step, one in zip(steps, said, strict=False)})
    asker = Asker(models, RunContext(run_id="r"), Tally())

    try:
        answer = await asker.ask(make_ask())
    except MalformedOutput:
        return

    assert all(set(one.ids) <= {"p1", "p2", "p3"} and one.text for one in answer.claims)


@pytest.mark.parametrize(
    ("value", "claims"),
    [
        ([{"text": "A b.", "passages": ["p1"]}], [("A b.", ("p1",))]),
        ({"answer": {"claims": [{"text": "A b.", "passages": "p1"}]}}, [("A b.", ("p1",))]),
        ([{"claims": [{"claim": "A b.", "ids": ["[P2]"]}]}], [("A b.", ("p2",))]),
        ({"sentences": [{"sentence": "A b.", "citations": [3, "7"]}]}, [("A b.", ("p3",))]),
        ({"claims": ["A b [p1, p2].", "C d [1]"]}, [("A b.", ("p1", "p2")), ("C d", ("p1",))]),
        (
            {"claims": [{"text": "Built (1899) [p1]. It stands.", "passages": ["passage 2"]}]},
            [("Built (1899).", ("p2", "p1")), ("It stands.", ("p2", "p1"))],
        ),
        (
            {"claims": [{"text": "A b.", "passages": ["p1"], "quote": ["x"]}, {"text": "– [p1]"}]},
            [("A b.", ("p1",))],
        ),
        ({"claims": []}, []),
    ],
)
def test_answers_are_taken_as_they_are_meant(value, claims):
    answer = SECTIONED.read(value)

    assert [(said.text, said.ids) for said in answer.claims] == claims


def test_summaries_say_what_was_not_found():
    answer = SUMMED.read(
        {"summary": [{"text": "A b.", "claims": ["c2", "c9"]}], "not_found": "No price.\n"}
    )

    assert [(said.text, said.ids) for said in answer.claims] == [("A b.", ("c2",))]
    assert answer.not_found == ("No price.",)
    assert SUMMED.read([{"text": "A b.", "claims": ["c1"]}]).claims[0].ids == ("c1",)


def test_outlines_are_cleaned():
    sections = ["1. **Depth**", {"title": "Ice", "queries": "ice"}]

    outline = PLANNED.read({"title": "# “Lakes”", "language": None, "sections": sections})

    assert outline.title == "Lakes"
    assert [one.title for one in outline.sections] == ["Depth", "Ice"]
    assert [one.queries for one in outline.sections] == [(), ("ice",)]


@pytest.mark.parametrize("value", [{"sections": []}, {"sections": [{"title": "**"}]}, 3, None])
def test_an_outline_without_titles_is_faulty(value):
    with pytest.raises(Faulty):
        PLANNED.read(value)


def test_titles_are_taken_from_lines():
    lines = (
        "Here are the titles:\n1. Depth\n- Ice and snow\nI hope that this helps you.\n" + "x" * 300
    )

    assert [one.title for one in PLANNED.read_lines(lines).sections] == ["Depth", "Ice and snow"]
    with pytest.raises(Faulty):
        PLANNED.read_lines("I cannot do that.")


def test_lines_without_ids_are_faulty_and_marks_within_a_paragraph_are_read():
    assert [said.text for said in SECTIONED.read_lines("One [p1]. Two [p2][p3]. [p1]").claims] == [
        "One",
        "Two",
    ]
    with pytest.raises(Faulty):
        SECTIONED.read_lines("Nothing is cited here, in (1899).")
