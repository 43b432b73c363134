"""Sentences of one author that say the same become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.report import Citation, Claim
from wiseflow.research.modelled.folding import folded

OPENED = "The date of opening of Selrinia Harbour Array is 16 January 2017."
REGISTER = "For Selrinia Harbour Array, the register gives 16 January 2017 as the date of opening."
YEARLY = (
    "Selrinia Harbour Array lists a date of opening of 16 January 2017 in its yearly statement."
)


def claim(text, source="s1"):
    citation = Citation(source_id=source, passage_id=f"{source}:0-9", start=0, end=9, quote=text)
    return Claim(text=text, citations=(citation,))


def sources(folding):
    return [[citation.source_id for citation in one.citations] for one in folding]


def test_one_fact_from_several_sources_is_said_once_in_the_fewest_words():
    written = [
        claim(REGISTER, "s1"),
        claim("Another fact."),
        claim(YEARLY, "s3"),
        claim(OPENED, "s2"),
    ]

    folding = folded(written, "en")

    assert [one.text for one in folding] == [OPENED, "Another fact."]
    assert sources(folding) == [["s2"], ["s1"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Holdings bought Bolt Works in 1998.", "Bolt Works bought Acme Holdings in 1998."),
        ("The mill at Oster closed in May 1998.", "The mill at Oster closed in May 1999."),
        ("The old mill at Oster closed early.", "The old mill at Oster never closed early."),
        ("The old mill at Oster closed early.", "The old mill at Velden closed early."),
        (
            "The plant cut its emissions sharply.",
            "The plant cut its emissions sharply, while costs of energy, wages and transport rose.",
        ),
    ],
)
def test_what_says_something_else_is_kept(one, other):
    assert [kept.text for kept in folded([claim(one), claim(other)], "en")] == [one, other]


@given(
    st.lists(
        st.builds(
            claim,
            st.sampled_from([OPENED, REGISTER, "The pier was built of oak.", ""]),
            st.sampled_from("abcdef"),
        ),
        max_size=12,
    )
)
def test_folding_loses_no_fact_and_invents_none(claims):
    folding = folded(claims, "en")

    assert set(folding) <= set(claims)
    assert len({one.text for one in folding}) == len(folding)
    assert bool(folding) == bool(claims)
    assert folded(folding, "en") == folding
