from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.text.languages import detect_language
from wiseflow.text.words import (
    content_stems,
    fold,
    is_negated,
    names,
    numbers,
    stems,
    stopwords,
    words,
)


@given(st.text())
def test_words_are_exact_and_in_order(text):
    at = 0
    for word in words(text):
        assert at <= word.start < word.end
        assert text[word.start : word.end] == word.text
        at = word.end


@given(st.text(), st.sampled_from(["", "en", "de", "fr", "zh", "xx"]))
def test_any_text_has_stems_names_and_numbers(text, language):
    assert all(stems(text, language))
    assert set(content_stems(text, language)) <= set(stems(text, language))
    assert all(names(text))
    assert all(numbers(text))
    is_negated(text, language)


def test_stems_fold_case_accents_and_endings():
    assert stems("Running runners' CAFÉS", "en") == ["run", "runner", "cafe"]
    assert stems("L'Économie d’État", "fr") == ["econom", "etat"]
    assert stems("Häuser Straße", "de") == ["haus", "strass"]
    assert stems("Łódź Ærø", "xx") == ["lodz", "aero"]
    assert stems("कमल हिन्दी", "xx") == ["कमल", "हिन्दी"]


def test_scripts_without_spaces_give_pairs():
    assert stems("机器学习 AI", "zh") == ["机器", "器学", "学习", "ai"]
    assert content_stems("猫", "zh") == ["猫"]


def test_function_words_are_left_out():
    assert content_stems("The cats are on the mat", "en") == ["cat", "mat"]
    assert content_stems("Die Katze ist auf der Matte", "de") == ["katz", "matt"]
    assert stopwords("xx") == frozenset()
    assert "und" in stopwords("de")


def test_folding_keeps_the_vowel_signs_of_other_scripts():
    assert fold("ÉTÉ") == "ete"
    assert fold("हिन्दी") == "हिन्दी"
    assert fold("Ёж") == "еж"


def test_names_are_capitalised_phrases_within_sentences():
    text = (
        "The University of Oxford hired J. R. Smith in Rome. Nobody knew Marie Curie's friend."
        " However, NASA and iPhone makers met O'Brien. Then Rome fell."
    )

    found = names(text)

    for name in ("University of Oxford", "J. R. Smith", "Marie Curie", "Rome", "NASA", "O'Brien"):
        assert name in found
    assert "Nobody" not in found
    assert "However" not in found
    assert names("In Spring of") == ["Spring"]
    assert names("He saw A. and left") == []
    assert names(" ".join(["Word"] * 20)) == []


def test_numbers_are_written_one_way():
    assert numbers("1,234,567 and 3.5 or 3,5") == {"1234567", "3.5"}
    assert numbers("1.234.567,89 x 12\u00a0000") == {"1234567.89", "12000"}
    assert numbers("٣ in A4 on 2020-01-05") == {"3", "4", "2020", "01", "05"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It doesn’t work", "en"),
        ("It is not so", ""),
        ("Das ist kein Problem", "de"),
        ("他不知道", "zh"),
        ("No one", "xx"),
    ],
)
def test_denials_are_told(text, language):
    assert is_negated(text, language)
    assert not is_negated("It works 好", language)


def test_the_language_is_told_or_left_open():
    assert detect_language("The committee found that the evidence was quite sound.") == "en"
    assert detect_language("Der Ausschuss hielt die vorgelegten Beweise für sehr gut.") == "de"
    assert detect_language("这是一个中文文本，用来检查语言。") == "zh"
    assert detect_language("Le comité a trouvé que la preuve était bonne. " * 200) == "fr"
    assert detect_language("Hello") == ""
    assert detect_language("12345 67890 " * 10) == ""
