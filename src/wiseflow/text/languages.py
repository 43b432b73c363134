"""Tells the language of a text."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Protocol, cast

_SAMPLE_CHARACTERS = 2_000
_FEWEST_LETTERS = 20
# Chinese, Japanese and Korean say in one character what takes letters a syllable or a word.
_LETTERS_AN_IDEOGRAPH = 3
# The model's confidence is its softmax tempered by length; below this, every second one is wrong.
_LEAST_CONFIDENCE = 0.3


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the language of ``text``; "" when it is too short or unclear.

    Source: M. Lui, T. Baldwin, "langid.py: An Off-the-shelf Language Identification Tool" (2012).
    """
    sample = _sample(text)
    letters = sum(map(str.isalpha, sample))
    wide = sum(1 for character in sample if "\u3040" <= character <= "\ud7af")
    if letters + wide * (_LETTERS_AN_IDEOGRAPH - 1) < _FEWEST_LETTERS:
        return ""
    language, confidence = _identifier().classify(sample)
    return language if confidence >= _LEAST_CONFIDENCE and len(language) == len("en") else ""


def _sample(text: str) -> str:
    """The start of ``text``, and for a long one a part from its middle: front matter misleads."""
    if len(text) <= _SAMPLE_CHARACTERS:
        return text
    half, middle = _SAMPLE_CHARACTERS // 2, len(text) // 2
    return f"{text[:half]}\n{text[middle : middle + half]}"


class _Identifier(Protocol):
    def classify(self, text: str) -> tuple[str, float]: ...


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    # Inside, because it imports numpy and unpacks a model, which takes most of a second.
    library = importlib.import_module("py3langid.langid")
    model = library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)
    return cast("_Identifier", model)
