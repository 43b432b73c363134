"""From text to the terms that are indexed and looked up, for any language."""

from __future__ import annotations

import re
from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

# The Snowball stemmers that tantivy has, by ISO 639-1 code.
STEMMERS = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
LONGEST_TERM_BYTES = 64

# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")
_BRACKETED_END = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")


def terms(text: str, language: str) -> list[str]:
    """The terms of ``text`` in order: lower case, stemmed, unaccented.

    Runs of a script without spaces become overlapping pairs of characters.

    Args:
        text: any text.
        language: ISO 639-1 code; one without a stemmer, or "", leaves words whole.
    """
    return _analyzer(STEMMERS.get(language, "")).analyze(_paired(storable(text)))


def words(text: str) -> list[str]:
    """The words of ``text`` as they are written, cut where :func:`terms` cuts."""
    return _splitter().analyze(_paired(storable(text)))


def name_of(title: str) -> str:
    """``title`` as it would be named in running text: its words, without a bracketed end."""
    return " ".join(terms(_BRACKETED_END.sub("", title), "") or terms(title, ""))


def storable(text: str) -> str:
    """``text`` with lone surrogates, which UTF-8 cannot hold, replaced by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _paired(text: str) -> str:
    return text if text.isascii() else _UNSPACED.sub(_pairs, text)


def _pairs(match: re.Match[str]) -> str:
    run = match.group()
    pairs = [run[place : place + 2] for place in range(max(len(run) - 1, 1))]
    return f" {' '.join(pairs)} "


@cache
def _splitter() -> TextAnalyzer:
    return TextAnalyzerBuilder(Tokenizer.simple()).build()


@cache
def _analyzer(stemmer: str) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    builder = builder.filter(Filter.remove_long(LONGEST_TERM_BYTES)).filter(Filter.lowercase())
    if stemmer:
        builder = builder.filter(Filter.stemmer(stemmer))
    return builder.filter(Filter.ascii_fold()).build()
