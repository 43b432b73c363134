"""Verdicts: what a quote supports, and what it never may."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.report import Citation, Verdict
from wiseflow.research.verifying import Surroundings, entailment, verdict_of

QUOTE = (
    "Kepler published the first two laws in Prague in 1609. "
    "The third law, which Galileo never accepted, appeared in 1619."
)


def cite(quote, start, stored=None):
    return Citation(
        source_id="s", passage_id="s:0-9", start=start, end=start + len(quote), quote=quote
    )


@given(
    before=st.text(max_size=40),
    sentence=st.text(min_size=1, max_size=80),
    after=st.text(max_size=40),
    language=st.sampled_from(["", "en", "de", "zh"]),
)
def test_a_verbatim_sentence_is_always_supported(before, sentence, after, language):
    stored = before + sentence + after

    verdict = verdict_of(sentence, cite(sentence, len(before)), stored, language=language)

    assert verdict is Verdict.SUPPORTED


@given(st.text(max_size=60), st.text(max_size=120), st.sampled_from(["", "en", "ja"]))
def test_any_two_texts_get_a_verdict(sentence, quote, language):
    assert entailment(sentence, quote, language=language) in Verdict


def test_a_quote_that_is_not_at_its_span_is_unsupported():
    stored = "x" + QUOTE

    assert verdict_of(QUOTE, cite(QUOTE, 0), stored, language="en") is Verdict.UNSUPPORTED


def test_a_citation_of_nothing_is_unsupported():
    assert verdict_of("", cite("", 0), QUOTE, language="en") is Verdict.UNSUPPORTED


def test_a_sentence_in_the_quotes_own_words_and_order_is_supported():
    sentence = "Kepler published two laws in Prague in 1609."

    assert entailment(sentence, QUOTE, language="en") is Verdict.SUPPORTED


@given(st.integers(1, 3000).filter(lambda year: year not in {1609, 1619}))
def test_a_changed_number_is_never_supported(year):
    sentence = f"Kepler published the first two laws in Prague in {year}."

    assert entailment(sentence, QUOTE, language="en") is Verdict.UNSUPPORTED


@pytest.mark.parametrize(
    "sentence",
    [
        "Kepler did not publish the first two laws in Prague in 1609.",
        "Kepler never published the first two laws in Prague in 1609.",
        "The third law, which Galileo accepted, appeared in 1619.",
    ],
)
def test_a_changed_denial_is_never_supported(sentence):
    assert entailment(sentence, QUOTE, language="en") is not Verdict.SUPPORTED


@given(st.sampled_from(["Newton", "Brahe", "Tycho Brahe", "IBM", "Ada Lovelace"]))
def test_a_changed_name_is_never_supported(name):
    sentence = f"{name} published the first two laws in Prague in 1609."

    assert entailment(sentence, QUOTE, language="en") is not Verdict.SUPPORTED


@pytest.mark.parametrize("name", ["Vienna", "Graz", "New York"])
def test_a_changed_place_is_unsupported(name):
    sentence = f"Kepler published the first two laws in {name} in 1609."

    assert entailment(sentence, QUOTE, language="en") is Verdict.UNSUPPORTED


def test_the_same_words_in_another_order_are_not_supported():
    quote = "The hunter chased the wolf across the frozen river."
    sentence = "The wolf chased the hunter across the frozen river."

    assert entailment(sentence, quote, language="en") is not Verdict.SUPPORTED


def test_a_paraphrase_that_words_cannot_judge_is_unverified():
    sentence = "Kepler printed the first two laws in Prague."

    assert entailment(sentence, QUOTE, language="en") is Verdict.UNVERIFIED


def test_a_sentence_on_something_else_is_unsupported():
    sentence = "Bakers keep a part of the dough for the next day."

    assert entailment(sentence, QUOTE, language="en") is Verdict.UNSUPPORTED


def test_a_sentence_without_content_is_unverified():
    assert entailment("It is.", QUOTE, language="en") is Verdict.UNVERIFIED


# What a sentence and its quote stand among

DEEP = "Its greatest depth of 1,642 metres was measured in 2002."
AROUND = Surroundings(
    language="en",
    title="Lake Baikal",
    passage=f"The lake was mapped by Russian sailors in 1798. {DEEP}",
)


def verdict(sentence, quote=DEEP, **changes):
    return entailment(sentence, quote, language="en", around=replace(AROUND, **changes))


def test_what_a_document_is_about_need_not_be_in_the_quote():
    sentence = "Lake Baikal's greatest depth of 1,642 metres was measured in 2002."

    assert verdict(sentence) is Verdict.SUPPORTED
    assert verdict(sentence, title="") is Verdict.UNSUPPORTED


def test_names_and_numbers_of_the_passage_are_no_contradiction_and_no_support():
    sentence = "The greatest depth of 1,642 metres was measured in 1798."

    assert verdict(sentence) is Verdict.UNVERIFIED
    assert verdict(sentence, passage="") is Verdict.UNSUPPORTED


@pytest.mark.parametrize(
    "sentence",
    [
        "Anna sold the mill to Boris before the winter.",
        "Before the winter, Boris bought the mill that Anna had.",
    ],
)
def test_names_in_another_order_are_not_supported(sentence):
    quote = "Before the winter, Boris sold the mill to Anna."

    assert entailment(sentence, quote, language="en") is not Verdict.SUPPORTED


def test_a_sentence_that_joins_two_quotes_is_supported_by_both():
    sentence = "Savrimovich planned the railway and was born in Riga."
    one, other = "Savrimovich planned the railway.", "The engineer Savrimovich was born in Riga."

    assert verdict(sentence, one, beside=other) is Verdict.SUPPORTED
    assert verdict(sentence, other, beside=one) is Verdict.SUPPORTED
    assert verdict(sentence, one) is Verdict.UNSUPPORTED


def test_a_quote_that_brings_nothing_to_a_joined_sentence_is_unsupported():
    sentence = "Savrimovich planned the railway and was born in Riga."

    assert verdict(sentence, "Bakers keep a part of the dough.", beside=sentence) is (
        Verdict.UNSUPPORTED
    )


@pytest.mark.parametrize(
    ("sentence", "language", "expected"),
    [
        ("Er ist bis zu 1642 Meter tief.", "de", Verdict.UNVERIFIED),
        ("Er ist bis zu 1742 Meter tief.", "de", Verdict.UNSUPPORTED),
        ("Наибольшая глубина озера 1642 метра.", "", Verdict.UNVERIFIED),
        ("最大の深さは1642メートルです。", "", Verdict.UNVERIFIED),
    ],
)
def test_words_say_nothing_across_languages_but_numbers_do(sentence, language, expected):
    around = replace(AROUND, language=language)

    assert entailment(sentence, DEEP, language="en", around=around) is expected


def test_japanese_scripts_are_one():
    quote = "バイカル湖は世界で最も深い湖です。"

    assert entailment("最も深い湖", quote, language="ja") is not Verdict.UNSUPPORTED
