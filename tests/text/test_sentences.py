from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.text.sentences import is_prose, sentences

PIECES = st.lists(
    st.sampled_from(
        ["One. ", "Dr. ", "two", "\n", "\n\n", "- ", "# ", "1. ", "```", "```\n", "...", "。", "!",
         '"', ")", "[1]", " ", "\t", "A", "U.S. ", "ß", "中文", "\u0301", "> ", "| a |", "é", "?"]
    ),
    max_size=60,
).map("".join)  # fmt: skip
NOISE = set("-*+•‣▪◦>#–")


def split(text: str, language: str = "en") -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, language=language)]


@given(text=st.one_of(st.text(max_size=300), PIECES), language=st.sampled_from(["", "en", "de"]))
@settings(max_examples=400, deadline=None)
def test_spans_are_exact_ordered_and_lose_only_markup(text, language):
    spans = sentences(text, language=language)

    at = 0
    for span in spans:
        assert at <= span.start < span.end <= len(text)
        assert set("".join(text[at : span.start].split())) <= NOISE
        assert text[span.start : span.end] == text[span.start : span.end].strip()
        at = span.end
    assert set("".join(text[at:].split())) <= NOISE


@given(text=PIECES, start=st.integers(0, 80), length=st.integers(0, 80))
def test_a_part_is_cut_within_its_bounds(text, start, length):
    for span in sentences(text, start=start, end=start + length):
        assert start <= span.start < span.end <= min(len(text), start + length)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Dr. Smith went to Washington, D.C. on Jan. 5.", "He paid $3.50."]),
        ("en", ['"Really?" he asked.', 'She said "No."', "Then she left."]),
        ("en", ["The U.S. Army arrived.", "It was made in the U.S.", "The law is old."]),
        ("en", ["J. R. R. Tolkien wrote it.", "See Fig. 3 of vol. 2.", "It is No. 5."]),
        ("en", ["The answer was no.", "The rest is known [3].", "Claims end.[3]", "Next one."]),
        ("en", ["Wait... what is it?", "Well...", "Nothing came of it!", "He left (at last)."]),
        ("en", ["Acme Inc. of Ohio grew.", "It bought Foo Corp.", "The price was 1.5 million."]),
        ("de", ["Am 3. Oktober war es so.", "Das ist z. B. gut.", "Es kam die Nr. 5."]),
        ("fr", ["Il a dit «Non.»", "M. Dupont est parti.", "C'est fini."]),
        ("hi", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("ar", ["هل هذا سؤال؟", "نعم هذا سؤال."]),
    ],
)
def test_sentences_end_where_readers_see_them_end(language, expected):
    assert split(" ".join(expected), language) == expected


def test_chinese_needs_no_spaces():
    assert split("今天天气很好。我们去公园吧！“好的。”他说。", "zh") == [
        "今天天气很好。",
        "我们去公园吧！",
        "“好的。”",
        "他说。",
    ]


def test_headings_items_and_code_are_units_of_their_own():
    text = (
        "A heading\n\n# Other\n- one item. With two\n- next\n1. First\n\n"
        "```py\nx. Y = 1\n\nz\n```\nText."
    )

    assert split(text) == [
        "A heading",
        "Other",
        "one item.",
        "With two",
        "next",
        "1. First",
        "```py\nx. Y = 1\n\nz\n```",
        "Text.",
    ]


def test_a_wrapped_sentence_is_one_and_short_lines_are_their_own():
    wrapped = (
        "This sentence goes over the end of its line because it is longer than the\n"
        "Width of the page allows."
    )

    assert split(wrapped) == [wrapped]
    assert split("Address list\nMain Street 5\nSpringfield") == [
        "Address list",
        "Main Street 5",
        "Springfield",
    ]
    assert split("The house of\nMary") == ["The house of\nMary"]


def test_an_open_fence_costs_its_paragraph_only():
    assert split("```\ncode. Here\n\nA sentence. Another.\n\n```x") == [
        "```\ncode. Here",
        "A sentence.",
        "Another.",
        "```x",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The committee found that the evidence was sound.",
        "Der Ausschuss hielt die Beweise für ausreichend.",
        "委员会认为证据是充分的。",
        "Комитет счёл доказательства достаточными.",
        "It was closed in 1998 [4].",
    ],
)
def test_prose_is_told(text):
    assert is_prose(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Annual Report",
        "Home About Contact",
        "Not much.",
        "Introduction . . . . . . . 7.",
        "| a | b | c |",
        "x = foo(1, 2);",
        "print('a thing') is what() does.",
        "For more see https://example.org.",
        "2019 2020 2021 12.5 13.7 the 14.9.",
        "Copyright © 2020 by the authors of this.",
        "Senior Vice President Of Sales And Marketing Department.",
        "好的。",
    ],
)
def test_what_is_no_prose_is_told(text):
    assert not is_prose(text)
