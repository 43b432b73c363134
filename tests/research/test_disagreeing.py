"""Sources that give different values for the same; and those that only seem to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.documents import Hit, Passage
from wiseflow.research.disagreeing import MOST, disagreements
from wiseflow.research.values import Kind, differ, values_in
from wiseflow.text import words


def hits(*texts, language="en"):
    found = []
    for number, text in enumerate(texts):
        passage = Passage(
            passage_id=f"s{number}:10-{10 + len(text)}",
            source_id=f"s{number}",
            start=10,
            end=10 + len(text),
            text=text,
        )
        found.append(Hit(passage=passage, score=1.0, language=language))
    return found


def values(*texts):
    return [set(one.values) for one in disagreements("Depth", hits(*texts))]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (
            "The founding year of Velmora Institute is 1950.",
            "For Velmora Institute, the register gives 1963 as the founding year.",
            {"1950", "1963"},
        ),
        (
            "Lake Baikal has a greatest depth of 1,642 metres.",
            "The greatest depth of Lake Baikal is 1,637 metres.",
            {"1,642 metres", "1,637 metres"},
        ),
        (
            "The Channel Tunnel was opened on 6 May 1994.",
            "The Channel Tunnel was opened in June 1995.",
            {"6 May 1994", "June 1995"},
        ),
        (
            "The director of Velmora Institute is Ada Abara.",
            "The director of Velmora Institute is Jonas Grieg.",
            {"Ada Abara", "Jonas Grieg"},
        ),
        (
            "Velmora Institute spent 12 percent of its money on paint.",
            "Velmora Institute spent 21 percent of its money on paint.",
            {"12 percent", "21 percent"},
        ),
    ],
)
def test_another_value_for_the_same_is_told(one, other, told):
    assert values(one, other) == [told]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Another relation, another subject, another time, another kind of value.
        (
            "For Velmora Institute, the register gives 3 May 1999 as the date of opening.",
            "For Velmora Institute, the register gives 5 June 2001 as the date of the last audit.",
        ),
        (
            "The length of cable of Velmora Works is 12 kilometres.",
            "The length of cable of Velmora Trust is 15 kilometres.",
        ),
        (
            "The population of Velmora City was 12,000 in 1990.",
            "The population of Velmora City was 15,000 in 2010.",
        ),
        ("The size of Velmora Works is 12 kilometres.", "The size of Velmora Works is 300 people."),
        # Less exact, and the same.
        ("The Channel Tunnel was opened on 6 May 1994.", "The Channel Tunnel was opened in 1994."),
        (
            "The depth of Lake Baikal is 1,642 metres.",
            "The depth of Lake Baikal is about 1,600 metres.",
        ),
        # Said of something that another sentence names.
        (
            "On Rotten Tomatoes, the film has an approval rating of 46%.",
            "On Rotten Tomatoes, the film has an approval rating of 90%.",
        ),
        # Denied, and asked.
        (
            "The founding year of Velmora Institute is 1950.",
            "The founding year of Velmora Institute is not 1960.",
        ),
        ("Wenne is a river of North Rhine, Germany.", "Salza is a river of Lower Hesse, Germany."),
    ],
)
def test_what_only_looks_like_a_disagreement_is_not_told(one, other):
    assert values(one, other) == []


def test_one_source_is_not_said_to_disagree_with_itself():
    text = "The founding year of Velmora Institute is 1950."
    both = f"{text} The founding year of Velmora Institute is 1960."

    assert disagreements("Depth", hits(both)) == ()
    assert disagreements("Depth", hits(text, text)) == ()


def test_both_sentences_are_cited_to_the_character():
    texts = (
        "First words. The founding year of Velmora Institute is 1950.",
        "The founding year of Velmora Institute is 1960. Last words.",
    )

    (found,) = disagreements("Depth", hits(*texts))

    for citation, text in zip(found.citations, texts, strict=True):
        assert text[citation.start - 10 : citation.end - 10] == citation.quote
    assert found.section == "Depth"
    assert found.values == ("1950", "1960")


def test_a_section_has_a_bound():
    texts = [f"The founding year of Velmora Institute is {year}." for year in range(1950, 1970)]

    assert len(disagreements("Depth", hits(*texts))) == MOST


@given(st.lists(st.text(max_size=120), max_size=4), st.sampled_from(["", "en", "de", "zh"]))
def test_any_passages_are_compared(texts, language):
    found = disagreements("Any", hits(*texts, language=language))

    assert len(found) <= MOST


@given(st.text(max_size=150))
def test_values_stand_where_they_say(sentence):
    for value in values_in(sentence, words.names(sentence)):
        assert value.text
        assert value.text in sentence[value.start : value.end]


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("It took 12 kilometres.", 12, "kilometr"),
        ("It cost 3.5 million crowns.", 3_500_000, "crown"),
        ("It cost $12 billion in all.", 12_000_000_000, "$"),
        ("It is 46% of it.", 46, "%"),
        ("It is 46 percent of it.", 46, "%"),
        ("There are 1,234 of them.", 1234, ""),
    ],
)
def test_quantities_have_an_amount_and_a_unit(text, amount, unit):
    (value,) = [one for one in values_in(text, []) if one.kind is Kind.QUANTITY]

    assert (value.amount, value.unit) == (Decimal(amount), unit)


@given(st.integers(1, 10**9))
def test_a_number_never_differs_from_itself(number):
    (value,) = values_in(f"It has {number:,} parts.", [])

    assert not differ(value, value)
