"""Cuts text into words, stems, names and numbers, for search and for checking citations."""

from __future__ import annotations

import importlib
import re
import threading
import unicodedata
from functools import lru_cache
from typing import NamedTuple, Protocol, cast

from wiseflow.text.function_words import FUNCTION_WORDS, NEGATIONS
from wiseflow.text.scripts import HANGUL, MARKS, UNSPACED

_BIGRAMS = f"{UNSPACED}{HANGUL}"
_PART = f"(?:[^\\W_{_BIGRAMS}]++[{MARKS}]*+)++"
_WORD = re.compile(f"[{_BIGRAMS}]++|{_PART}(?:['’]{_PART})*+")
_UNSPACED_START = re.compile(f"[{_BIGRAMS}]")
# Source: Snowball's algorithms (https://snowballstem.org/algorithms/), by ISO 639-1 code.
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_DEFAULT_LANGUAGE = "en"
_ELISION = re.compile(r"(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|un|all|dell|dall|nell|sull)['’](?=\w)")
_ELIDING = frozenset(("fr", "it", "ca"))
# Letters that have no decomposition, but that people leave the stroke or joint of.
_UNACCENTED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ё": "е",
     "’": "'"}
)  # fmt: skip
_LAST_FOLDED = "\u03ff"
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,\u00a0\u202f\u2009'’]\d+)*|(?<=[^\W\d])\d+")
_THOUSANDS = re.compile(r"\d{1,3}(?:([,\u00a0\u202f\u2009'’])\d{3})(?:\1\d{3})*(?:\.\d+)?$")
_DOTTED_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?$|\d{1,3}\.\d{3},\d+$")
_GROUPING = re.compile("[,\u00a0\u202f\u2009'’]")
_NAME_PARTICLES = frozenset(
    ("of", "the", "and", "&", "for", "de", "del", "della", "der", "den", "des", "di", "da", "do",
     "dos", "du", "la", "le", "van", "von", "zu", "y", "e", "et", "und", "ibn", "bin", "al")
)  # fmt: skip
_NAME_GAP = re.compile(r"(?:[ \u00a0-]|\. ?| ?& ?|\n)$")
_SENTENCE_END = re.compile(r"[.!?:;…。！？]|\n[ \t]*\n|^[\s\"'“‘(\[]*$")
_LONGEST_NAME = 12


class Word(NamedTuple):
    """A word and where it stands: ``text[start:end] == word.text``."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of ``text`` in order; a run of an unspaced script is one."""
    return [Word(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]


def stems(text: str, language: str = "") -> list[str]:
    """The stems of the words of ``text`` in order: case and accents folded, endings taken off.

    Unspaced scripts and Korean give their pairs of characters instead.

    Args:
        text: any text.
        language: ISO 639-1 code; "" is taken as English, one without a stemmer leaves endings on.

    Source: M. F. Porter, "Snowball: A language for stemming algorithms" (2001).
    """
    found: list[str] = []
    for word in _WORD.findall(text):
        if _UNSPACED_START.match(word):
            found.extend(_bigrams(word))
        else:
            found.append(_stem(word, language))
    return found


def stopwords(language: str) -> frozenset[str]:
    """The function words of a language, case-folded; none for a language that has no list."""
    return FUNCTION_WORDS.get(language, frozenset())


def content_stems(text: str, language: str = "") -> list[str]:
    """As ``stems``, without those of function words."""
    left_out = stopwords(language or _DEFAULT_LANGUAGE)
    found: list[str] = []
    for word in _WORD.findall(text):
        if _UNSPACED_START.match(word):
            found.extend(_bigrams(word))
        elif word.casefold().replace("’", "'") not in left_out:
            found.append(_stem(word, language))
    return found


def fold(text: str) -> str:
    """``text`` case-folded, and without accents on Latin and Greek letters."""
    text = text.casefold()
    if text.isascii():
        return text
    kept: list[str] = []
    base = ""
    for character in unicodedata.normalize("NFD", text.translate(_UNACCENTED)):
        if not unicodedata.combining(character):
            base = character
        elif base <= _LAST_FOLDED:
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def names(text: str) -> list[str]:
    """The names in ``text``, as far as capital letters tell them; each once, in order.

    A phrase of capitalised words, particles between them included, or one such word within a
    sentence. A capitalised word that opens a sentence counts only as part of a phrase, or when it
    is an acronym or has a digit.
    """
    found: dict[str, None] = {}
    run: list[Word] = []
    for word in words(text):
        if run and not _joins(text, run[-1], word):
            _close_name(text, run, found)
            run = []
        if _is_capitalised(word.text) or (run and word.text in _NAME_PARTICLES):
            run.append(word)
        elif run:
            _close_name(text, run, found)
            run = []
    _close_name(text, run, found)
    return list(found)


def numbers(text: str) -> frozenset[str]:
    """The numbers in ``text``, written one way: no grouping, a point before decimals."""
    return frozenset(_plain_number(found) for found in _NUMBER.findall(text))


def is_negated(text: str, language: str = "") -> bool:
    """Whether ``text`` has a word that denies something.

    Args:
        text: any text.
        language: ISO 639-1 code; "" or one without a list is taken as English.
    """
    denials = NEGATIONS.get(language) or NEGATIONS[_DEFAULT_LANGUAGE]
    folded = text.casefold().replace("’", "'")
    if language in _UNSPACED_LANGUAGES:
        return any(denial in folded for denial in denials)
    return any(word in denials or word.endswith("n't") for word in _WORD.findall(folded))


_UNSPACED_LANGUAGES = frozenset(("zh", "ja"))


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 - PyStemmer's name


_stemmers = threading.local()  # a Snowball stemmer has buffers, so each thread needs its own


def _stemmer(language: str) -> _Stemmer | None:
    algorithm = _STEMMERS.get(language or _DEFAULT_LANGUAGE)
    if algorithm is None:
        return None
    known = cast("dict[str, _Stemmer]", _stemmers.__dict__)
    if algorithm not in known:
        # Inside, because PyStemmer is a shared library that few callers of this module need.
        library = importlib.import_module("Stemmer")
        known[algorithm] = cast("_Stemmer", library.Stemmer(algorithm))
    return known[algorithm]


@lru_cache(maxsize=1 << 17)
def _stem(word: str, language: str) -> str:
    word = word.casefold().replace("’", "'")
    if language in _ELIDING:
        word = _ELISION.sub("", word, count=1)
    stemmer = _stemmer(language)
    return fold(stemmer.stemWord(word) if stemmer is not None else word)


def _bigrams(run: str) -> list[str]:
    return [run[index : index + 2] for index in range(max(1, len(run) - 1))]


def _is_capitalised(word: str) -> bool:
    return word[0].isupper() or (word[0].isdigit() and any(map(str.isupper, word)))


def _joins(text: str, before: Word, word: Word) -> bool:
    gap = text[before.end : word.start]
    if not _NAME_GAP.match(gap):
        return False
    # "J. Smith" is one name, "Rome. Caesar" is not.
    return not gap.startswith(".") or (len(before.text) == 1 and before.text.isupper())


def _close_name(text: str, run: list[Word], found: dict[str, None]) -> None:
    while run and not _is_capitalised(run[-1].text):
        run.pop()
    if run and _opens_sentence(text, run[0]) and run[0].text.casefold() in _openers():
        run = run[1:]
        while run and not _is_capitalised(run[0].text):
            run = run[1:]
    if not run or len(run) > _LONGEST_NAME:
        return
    single = len(run) == 1
    if single and (len(run[0].text) == 1 or not _is_name_alone(text, run[0])):
        return
    name = " ".join(text[run[0].start : run[-1].end].split())
    found.setdefault(name.removesuffix("'s").removesuffix("’s"))


def _is_name_alone(text: str, word: Word) -> bool:
    if word.text.casefold() in _openers():
        return False
    telling = word.text[1:] != word.text[1:].lower() or any(map(str.isdigit, word.text))
    return telling or not _opens_sentence(text, word)


def _opens_sentence(text: str, word: Word) -> bool:
    before = text[max(0, word.start - 6) : word.start]
    return not before.strip() or bool(_SENTENCE_END.search(before))


@lru_cache(maxsize=1)
def _openers() -> frozenset[str]:
    """Function words of all languages: capitalised only because they open a sentence."""
    return frozenset(word for listed in FUNCTION_WORDS.values() for word in listed)


def _plain_number(number: str) -> str:
    if not number.isascii():
        number = "".join(str(unicodedata.decimal(character, character)) for character in number)
    if _THOUSANDS.match(number):
        return _GROUPING.sub("", number)
    if _DOTTED_THOUSANDS.match(number):
        return number.replace(".", "").replace(",", ".")
    return number.replace(",", ".")
