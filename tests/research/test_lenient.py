"""JSON as models write it: read where it can be, and never more than that."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.research.modelled.finding import candidates, plain
from wiseflow.research.modelled.lenient import DEEPEST, MOST_VALUES, values

ANSWER = {"claims": [{"text": "It is deep.", "passages": ["p1", "p2"], "quote": "deep"}]}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def first(text):
    return next(iter(values(text)), None)


@given(st.lists(JSON_VALUES) | st.dictionaries(TEXTS, JSON_VALUES), st.booleans())
def test_json_is_read_as_it_is(value, ascii_only):
    assert first(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text(alphabet="{}[]\"':,\\ \n/*#`“”abpu01-.NT", max_size=80) | st.text(max_size=80))
def test_any_text_gives_values_or_none(text):
    for value in candidates(text):
        json.dumps(value)
    plain(text)


@pytest.mark.parametrize(
    "damaged",
    [
        '{"claims": [{"text": "It is deep.", "passages": ["p1", "p2",], "quote": "deep",},],}',
        str(ANSWER),
        '{claims: [{text: "It is deep.", passages: [p1, p2], quote: deep}]}',
        "{“claims”: [{“text”: “It is deep.”, “passages”: [“p1”, “p2”], “quote”: “deep”}]}",
        '{"claims": [{"text": "It is deep." "passages": ["p1"\n"p2"]\n"quote": "deep"}]}',
        '{"claims": [{"text": "It is deep.", // why\n"passages": ["p1", "p2"], "quote": "deep"}]',
        f"Sure {{as asked}}! Here:\n```json\n{json.dumps(ANSWER)}\n```\nI hope {{this}} helps.",
        '{"claims": [{"text": "It is deep.", "passages": ["p1", "p2"], "quote": "deep"]}',
    ],
)
def test_the_usual_damage_is_mended(damaged):
    assert ANSWER in list(candidates(damaged))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "He said "no", then left", "b": "c"}', {"a": 'He said "no", then left', "b": "c"}),
        ("{'a': 'it's'}", {"a": "it's"}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": NaN, "b": -Infinity, "c": 1}', {"a": None, "b": None, "c": 1}),
        ('{"a": True, "b": undefined, "c": 1.5e2,}', {"a": True, "b": None, "c": 150.0}),
        ('{"a": "\\u00e9 \\ud83d\\ude00 \\q \\n", }', {"a": "é 😀 q \n"}),
        ('{"a": ' + "9" * 60 + ",}", {"a": "9" * 60}),
        ('{"a": , "b": 2,}', {"b": 2}),
        ('{a, "b": 2}', {"b": 2}),
        ('{"a": /* why */ 1, # so\n"b": 2,}', {"a": 1, "b": 2}),
        ("[a: b,]", ["a", "b"]),
        ('{"a": [1, 2}, "b": 3', {"a": [1, 2]}),
    ],
)  # fmt: skip
def test_single_damages(text, value):
    assert first(text) == value


@pytest.mark.parametrize(
    ("cut", "value"),
    [
        ('{"claims": [{"text": "Whole."}, {"text": "Ha', {"claims": [{"text": "Whole."}]}),
        ('{"a": 1, "sections": [{"title": "A"}', {"a": 1, "sections": [{"title": "A"}]}),
        ('{"title": "Half a ti', {}),
        ('{"a": ["x", "y', {"a": ["x"]}),
        ('{"a": [["x"], ["y"', {"a": [["x"], ["y"]]}),
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": 1, "b":', {"a": 1}),
        ('{"a": 1, "b": tr', {"a": 1}),
        ('{"a": "x\\', {}),
    ],
)  # fmt: skip
def test_what_was_under_way_at_a_cut_is_left_out(cut, value):
    assert first(cut) == value


def test_only_the_first_values_are_looked_at_and_none_that_is_too_deep():
    assert len(list(values("{} " * 50))) == MOST_VALUES
    assert first("[" * (DEEPEST + 40)) is None
    assert first('{"a":' * 100_000) is None


@pytest.mark.parametrize(
    "repeated",
    ["'\"", "{/*", "{#", '"b" c" d, {', '{"a": ', "```json", '", ', "\\", '"\n,', "<think>"],
)
def test_a_model_that_repeats_itself_without_end_costs_little(repeated):
    text = '{"a": "b", "c": ' + repeated * (40_000 // len(repeated))

    started = time.perf_counter()
    list(candidates(text))

    # json_repair takes 29 s for half as much of the first; see ADR 75.
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('<think>{"a": 1}</think>{"b": 2}', {"b": 2}),
        ('<thinking>so</thinking>\n```\n{"b": 2}\n```', {"b": 2}),
        ('Let me see {"a": 1}</think>{"b": 2}', {"b": 2}),
        ('{"b": "a </think> tag"}', {"b": "a </think> tag"}),
    ],
)
def test_thoughts_are_no_answer(text, left):
    assert next(iter(candidates(text))) == left


def test_thoughts_that_never_end_leave_nothing():
    assert not list(candidates('<think>It could be {"a": 1}'))
    assert not plain("<think>one [p1]").strip()


def test_plain_lines_lose_their_fence():
    assert plain("Here:\n```text\nA line [p1]\n```\nDone") == "A line [p1]\n"
