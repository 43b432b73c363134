"""Tells the language of a text."""

from __future__ import annotations

import importlib
from collections import Counter
from functools import lru_cache
from typing import Protocol, cast

_WHOLE_CHARACTERS = 2_000
_PARTS, _PART_CHARACTERS = 9, 700
_FEWEST_LETTERS = 20
# Chinese, Japanese and Korean say in one character what takes letters a syllable or a word.
_LETTERS_AN_IDEOGRAPH = 3
# The model's confidence is its softmax tempered by length; below this, every second one is wrong.
_LEAST_CONFIDENCE = 0.3


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the language of ``text``; "" when it is too short or unclear.

    Of a long text, that of most of its parts: front matter, code and quotations mislead.

    Source: M. Lui, T. Baldwin, "langid.py: An Off-the-shelf Language Identification Tool" (2012).
    """
    votes = Counter(told for part in _parts(text) if (told := _language_of(part)))
    return votes.most_common(1)[0][0] if votes else ""


def is_in_language(text: str, language: str) -> bool:
    """Whether the middle of ``text`` is in ``language``: a ninth of the work of detecting it."""
    start = max(0, (len(text) - _PART_CHARACTERS) // 2)
    return bool(language) and _language_of(text[start : start + _PART_CHARACTERS]) == language


def _language_of(part: str) -> str:
    letters = sum(map(str.isalpha, part))
    wide = sum(1 for character in part if "\u3040" <= character <= "\ud7af")
    if letters + wide * (_LETTERS_AN_IDEOGRAPH - 1) < _FEWEST_LETTERS:
        return ""
    language, confidence = _identifier().classify(part)
    return language if confidence >= _LEAST_CONFIDENCE and len(language) == len("en") else ""


def _parts(text: str) -> list[str]:
    """A short text whole; of a long one, parts from its start to its end at equal distances."""
    if len(text) <= _WHOLE_CHARACTERS:
        return [text]
    step = (len(text) - _PART_CHARACTERS) // (_PARTS - 1)
    return [text[place : place + _PART_CHARACTERS] for place in range(0, step * _PARTS, step)]


class _Identifier(Protocol):
    def classify(self, text: str) -> tuple[str, float]: ...


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    # Inside, because it imports numpy and unpacks a model, which takes most of a second.
    library = importlib.import_module("py3langid.langid")
    model = library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)
    return cast("_Identifier", model)
