"""Which characters belong to scripts that are written without spaces."""

from __future__ import annotations

import re

# Source: the Unicode 15 block names for these ranges.
IDEOGRAPHS = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Han, Hiragana and Katakana, as the inside of a character class."""

UNSPACED = f"{IDEOGRAPHS}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Those and Thai, Lao, Burmese and Khmer: no spaces between their words."""

HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
"""Korean: it has spaces, but particles are glued to its words."""

MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd"
    "\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b4d\u0b82"
    "\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c4d\u0c81-\u0c83\u0cbc-\u0ccd\u0d00-\u0d03\u0d3b-\u0d4d"
    "\u0d82\u0d83\u0dca-\u0ddf\u200c\u200d"
)
"""Vowel signs, accents and joiners: parts of words that ``\\w`` leaves out."""

_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}\u3001\u3002\uff01-\uff60]")


def is_ideograph(character: str) -> bool:
    """Whether no space belongs beside ``character``: Han, kana, and their punctuation."""
    return bool(_IDEOGRAPH.match(character))
