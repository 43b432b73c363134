"""Reads JSON that a model wrote, with the damage that models do. Pure, in linear time.

What is mended: single and typographic quotes, quotes within strings, line breaks within strings,
keys and words without quotes, commas missing or too many, comments, ``NaN`` and Python's names of
constants, and brackets that an answer cut short left open. What was under way when it was cut is
left out of its list, as half a sentence is no sentence.

Source: RFC 8259 for what is no damage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn, cast

# Deeper than any answer that is asked for; the reader calls itself for each level.
DEEPEST = 24
# A text may hold several values, for instance an example before the answer.
MOST_VALUES = 8
_LONGEST_NUMBER = 40

_OPENING = re.compile(r"[{\[]")
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.{0,200}?\*/|#[^\n]*)*+", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?=[\s,}\]]|\Z)")
_BARE = re.compile(r"[^,:{}\[\]\n\"]*+")
# What has to follow a quotation mark for it to end its string: by what the string is.
_AFTER_KEY = re.compile(r"\s*:")
_AFTER_ITEM = re.compile(
    r"\s*+(?:\]|\Z|,?\s*+//|,\s*(?:[\"'“{\[\]\d-]|\Z|true|false|null|None|NaN))"
    r"|[ \t]*+\n\s*+[\"'“{\[]"
)
_AFTER_VALUE = re.compile(
    r"\s*+(?:[}\]]|\Z|,?\s*+//|,\s*+(?:[}\]]|\Z|[\"'“]?[\w -]{1,40}[\"'”]?\s*+:)"
    r"|[\"'“][\w -]{1,40}[\"'”]\s*:)"
)
_PIECE = re.compile(r"[^\"'”\\]++|\\u[0-9a-fA-F]{4}|\\.|[\"'”\\]", re.DOTALL)
_CLOSERS = {'"': '"', "'": "'", "“": "”"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS: dict[str, object] = {
    "true": True, "false": False, "null": None, "none": None, "nan": None, "undefined": None,
    "infinity": None, "-infinity": None,
}  # fmt: skip


class NotJson(ValueError):
    """There is nothing in the text that can be read as JSON."""


def values(text: str) -> Iterator[object]:
    """The objects and lists in ``text``, one after another, mended where that is needed.

    Args:
        text: what a model wrote; words around the values are passed over.
    """
    place, found = 0, 0
    while found < MOST_VALUES and (opening := _OPENING.search(text, place)):
        found += 1
        try:
            value, place = _first(text, opening.start())
        except NotJson:
            place = opening.end()
        else:
            yield value


def _first(text: str, start: int) -> tuple[object, int]:
    """The value that begins at ``start``, and where it ends. Raises ``NotJson``."""
    try:
        return _STRICT.raw_decode(text, start)
    except (ValueError, RecursionError):
        return _Reader(text, start).read()


def _no_constant(_: str) -> None:
    """``NaN`` and the infinities are no values of JSON: nothing is told."""


_STRICT = json.JSONDecoder(strict=False, parse_constant=_no_constant)


class _Reader:
    """Reads one value; ``cut`` is set when the text ended before it did."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._place = start
        self._cut = False

    def read(self) -> tuple[object, int]:
        return self._value(_AFTER_VALUE, 0), self._place

    def _value(self, after: re.Pattern[str], depth: int) -> object:
        sign = self._next()
        if depth > DEEPEST:
            self._give_up()
        if sign == "{":
            return self._object(depth)
        if sign == "[":
            return self._list(depth)
        if sign in _CLOSERS:
            return self._string(after)
        return self._bare()

    def _object(self, depth: int) -> dict[str, object]:
        self._place += 1
        members: dict[str, object] = {}
        while (sign := self._next()) != "}":
            if sign == ",":
                self._place += 1
            elif not sign or sign == "]":
                # A list's end closes the object that was left open within it.
                self._cut = self._cut or not sign
                return members
            else:
                self._member(members, depth)
        self._place += 1
        return members

    def _member(self, members: dict[str, object], depth: int) -> None:
        key = self._key()
        if self._next() != ":":
            # A word where a key should be: passed over, unless it is the text's end.
            self._cut = self._cut or not self._next()
            return
        self._place += 1
        if self._next() in {"", ",", "}", "]"}:
            self._cut = self._cut or not self._next()
            return
        value = self._value(_AFTER_VALUE, depth + 1)
        if not (self._cut and isinstance(value, str)):
            members[key] = value

    def _list(self, depth: int) -> list[object]:
        self._place += 1
        items: list[object] = []
        while (sign := self._next()) != "]":
            if sign in {",", ":"}:
                self._place += 1
            elif not sign or sign == "}":
                self._cut = self._cut or not sign
                return items
            else:
                item = self._value(_AFTER_ITEM, depth + 1)
                if not self._cut or isinstance(item, list):
                    items.append(cast("object", item))
        self._place += 1
        return items

    def _key(self) -> str:
        if self._next() in _CLOSERS:
            return self._string(_AFTER_KEY)
        found = _BARE.match(self._text, self._place)
        word = found[0].strip(" '\"") if found else ""
        # Always goes on by something, or the reader would stand still.
        self._place = max(found.end() if found else 0, self._place + 1)
        return word

    def _string(self, after: re.Pattern[str]) -> str:
        closer = _CLOSERS[self._text[self._place]]
        self._place += 1
        parts: list[str] = []
        while found := _PIECE.match(self._text, self._place):
            self._place = found.end()
            piece = found[0]
            if piece == closer and after.match(self._text, self._place):
                return _joined(parts)
            parts.append(_unescaped(piece) if piece[0] == "\\" else piece)
        self._cut = True
        return _joined(parts)

    def _bare(self) -> object:
        if number := _NUMBER.match(self._text, self._place):
            self._place = number.end()
            return _number(number[0])
        found = _BARE.match(self._text, self._place)
        word = found[0].strip() if found else ""
        self._place = max(found.end() if found else 0, self._place + 1)
        self._cut = self._cut or self._place >= len(self._text)
        return _WORDS.get(word.casefold(), word)

    def _next(self) -> str:
        """The next character that is no space, or "" at the end; ``_place`` is at it then."""
        found = _SPACE.match(self._text, self._place)
        self._place = found.end() if found else self._place
        return self._text[self._place : self._place + 1]

    def _give_up(self) -> NoReturn:
        raise NotJson(f"brackets are nested more than {DEEPEST} deep")


def _joined(parts: list[str]) -> str:
    """The parts as one text, the halves of characters beyond the first 65,536 put together."""
    text = "".join(parts)
    if not any("\ud800" <= part <= "\udfff" for part in parts):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(piece: str) -> str:
    if len(piece) > len("\\n"):
        return chr(int(piece[2:], base=16))  # noqa: FURB166 - "\\u" is no prefix of a number
    return _ESCAPES.get(piece[1:], piece[1:] or piece)


def _number(text: str) -> float | int | str:
    """The number, or its characters where it has more digits than anybody means."""
    if len(text) > _LONGEST_NUMBER:
        return text
    return float(text) if set(text) & set(".eE") else int(text)
