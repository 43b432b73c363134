from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.providers.thoughts import ThoughtFilter, without_thoughts

ANSWERS = [
    ("<think>why</think>\n\nHello", "Hello"),
    ("  <think>a\nb</think>Hi\n<think>x</think>\nThere", "Hi\nThere"),
    ("<thinking>x</thinking>Hello", "Hello"),
    ("<think>never ends", ""),
    ("one\n\n<b>two", "one\n\n<b>two"),
    ("the tag <think> opens a thought", "the tag <think> opens a thought"),
    ("a line\n", "a line\n"),
    ("", ""),
]


@pytest.mark.parametrize(("said", "meant"), ANSWERS)
def test_thoughts_are_left_out(said, meant):
    assert without_thoughts(said) == meant.strip(" ") or without_thoughts(said) == meant


def test_a_thought_whose_start_was_in_the_prompt_is_left_out():
    assert without_thoughts("so he did\n</think>\n\nAnswer") == "Answer"


def test_an_answer_in_json_keeps_such_a_word():
    said = '{"tag": "</think>\n"}'

    assert without_thoughts(said) == said


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "\n", " ", "a", "<", "th", "ink>", "</", "{"])
    ),
    st.data(),
)
def test_it_does_not_matter_in_which_parts_an_answer_comes(pieces, data):
    said = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=5)))
    edges = [0, *cuts, len(said)]
    parts = [said[start:end] for start, end in pairwise(edges)]
    whole, slowly = ThoughtFilter(), ThoughtFilter()

    at_once = whole.feed(said) + whole.end()
    by_parts = "".join(map(slowly.feed, parts)) + slowly.end()

    assert by_parts == at_once


def test_what_cannot_be_a_tag_is_shown_at_once():
    thoughts = ThoughtFilter()

    shown = [thoughts.feed(part) for part in ("<", "b>bold", "\n<th", "ink>no</thi", "nk>\nyes")]

    assert shown == ["", "<b>bold", "", "\n", "yes"]
