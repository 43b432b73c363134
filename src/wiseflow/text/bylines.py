"""Who wrote a document, and where it stands: short clean names, whatever the document claims."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from itertools import islice

from wiseflow.text.blocks import one_line
from wiseflow.text.encoding import clean

MOST_AUTHORS = 50
LONGEST_NAME = 200
# Names that are looked at: more than are kept, as some are repeated or empty; and the characters of
# a text that may hold several.
_MOST_TOLD = 1_000
_LONGEST_TOLD = 20_000

_TAG = re.compile(r"<[^<>]{0,300}>")
# Characters that turn the direction of the text around them.
# Source: Unicode Standard Annex 9, section 2 "Directional Formatting Characters".
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BY = re.compile(r"(?:written )?by:?\s+(?=\w)", re.IGNORECASE)
_EDGES = " ,;:|/·•-–—"
# What programs write where nobody told them a name.
_NOBODY = frozenset(
    ("admin", "administrator", "anonymous", "author", "none", "null", "root", "unknown", "user",
     "python-docx", "microsoft office user", "windows user")
)  # fmt: skip
_SURE_MARK = re.compile(r"[;|]")
_LIKELY_MARK = re.compile(r",\s+(?:and\s+|&\s+)?|\s+(?:and|&)\s+")
# Words of the names of offices, which may hold an "and" or a comma themselves.
_OFFICE = frozenset(("of", "for", "the", "in", "at"))
_FEWEST_WORDS, _MOST_WORDS = 2, 4


def author_names(told: Iterable[str]) -> tuple[str, ...]:
    """The names in what a document tells, each once, at most ``MOST_AUTHORS``, in its order.

    Args:
        told: a name each; markup, addresses and what acts on the text around it are taken off.
    """
    names: dict[str, str] = {}
    for one in islice(told, _MOST_TOLD):
        name = _name(one)
        if name and name.casefold() not in _NOBODY:
            names.setdefault(name.casefold(), name)
        if len(names) == MOST_AUTHORS:
            break
    return tuple(names.values())


def site_name(told: str) -> str:
    """The name of a site or a journal; "" where there is none in it."""
    return _name(told)


def names_in(text: str) -> list[str]:
    """The names in a text that may hold several, not yet clean.

    A semicolon parts names for sure. A comma or an "and" may stand within one (``Brandt, Ada``,
    ``Department of Health and Human Services``), so they part only what looks like whole names of
    people.
    """
    text = _plain(text[:_LONGEST_TOLD])
    parts = [part.strip() for part in _SURE_MARK.split(text) if part.strip()]
    if len(parts) > 1:
        return parts
    likely = [part for part in _LIKELY_MARK.split(text.strip(_EDGES)) if part]
    return likely if all(map(_looks_whole, likely)) else parts


def given_first(name: str) -> str:
    """``Brandt, Ada`` as ``Ada Brandt``; a name without one comma as it is."""
    family, comma, given = name.partition(",")
    if not comma or "," in given or not family.strip() or not given.strip():
        return name
    return f"{given.strip()} {family.strip()}"


def _looks_whole(name: str) -> bool:
    words = name.split()
    told = _FEWEST_WORDS <= len(words) <= _MOST_WORDS
    return told and _OFFICE.isdisjoint(words) and not any(map(str.isdigit, name))


def _name(told: str) -> str:
    """One line of plain text with a letter in it, or ""."""
    words = _plain(told[: 4 * LONGEST_NAME]).split()
    named = _BY.sub("", " ".join(word for word in words if not _is_address(word)), 1)
    name = named.strip(_EDGES)[:LONGEST_NAME].strip()
    return name if any(map(str.isalpha, name)) else ""


def _plain(text: str) -> str:
    """One line without markup and without what acts on the text around it."""
    return one_line(_TURNING.sub("", clean(_TAG.sub(" ", html.unescape(text)))))


def _is_address(word: str) -> bool:
    return "@" in word or "://" in word or word.lower().startswith("www.")
