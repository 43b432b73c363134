"""The values in a sentence: quantities with units, dates, names; and when two differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from wiseflow.text import words

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DATE = re.compile(
    rf"\b(?:\d{{1,2}}\s+{_MONTH}\s+\d{{4}}|{_MONTH}\s+\d{{1,2}},\s+\d{{4}}|{_MONTH}\s+\d{{4}}"
    r"|\d{4}-\d{2}-\d{2}|(?:1\d|20)\d{2})\b(?!\s*(?:%|percent\b|per cent\b))"
)
_QUANTITY = re.compile(
    r"(?P<currency>[$€£]\s?)?(?<![\w.,-])(?P<number>\d+(?:[.,]\d+)*)(?![\w-])"
    r"(?P<unit>\s?%|(?:\s+(?:thousand|million|billion|trillion))?(?:\s+[^\W\d_]+)?)"
)
_SPOKEN = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_NO_UNIT = frozenset(("percent", "cent"))


class Kind(StrEnum):
    """What a value is."""

    QUANTITY = "quantity"
    DATE = "date"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value where it stands: ``sentence[start:end] == text``.

    Args:
        kind: of it.
        text: its characters.
        start, end: where they are.
        unit: of a quantity, by its stem; "" where none is told.
        amount: of a quantity.
        digits: how many significant digits a quantity is given with.
    """

    kind: Kind
    text: str
    start: int
    end: int
    unit: str = ""
    amount: Decimal = Decimal(0)
    digits: int = 0


def values_in(sentence: str, named: Sequence[str]) -> Iterator[Value]:
    """The values in a sentence; parts of a date are no quantities.

    Args:
        sentence: any text.
        named: the names in it; numbers in them are none.
    """
    taken = [match.span() for match in _DATE.finditer(sentence)]
    for start, end in taken:
        yield Value(kind=Kind.DATE, text=sentence[start:end], start=start, end=end)
    names = [span for name in named for span in _places(name, sentence)]
    for match in _QUANTITY.finditer(sentence):
        inside = any(
            start < match.end("number") and match.start("number") < end
            for start, end in (*taken, *names)
        )
        value = None if inside else _quantity(match)
        if value is not None:
            yield value
    for start, end in names:
        if not any(character.isdigit() for character in sentence[start:end]):
            yield Value(kind=Kind.NAME, text=sentence[start:end], start=start, end=end)


def differ(one: Value, other: Value) -> bool:
    """Whether two values of one kind and unit cannot both be so.

    A date may be told in less detail, and a number rounded.
    """
    if one.kind is Kind.DATE:
        parts = [set(re.findall(r"\w+", value.text.casefold())) for value in (one, other)]
        return not (parts[0] <= parts[1] or parts[1] <= parts[0])
    if one.kind is Kind.NAME:
        parts = [set(words.stems(value.text)) for value in (one, other)]
        return not parts[0] & parts[1]
    digits = min(one.digits, other.digits)
    return _rounded(one.amount, digits) != _rounded(other.amount, digits)


def _places(name: str, sentence: str) -> Iterator[tuple[int, int]]:
    """Where a name stands."""
    start = sentence.find(name)
    while start >= 0:
        yield start, start + len(name)
        start = sentence.find(name, start + len(name))


def _quantity(match: re.Match[str]) -> Value | None:
    (plain,) = words.numbers(match["number"]) or ("",)
    said = match["unit"].split()
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        return None
    power = _SPOKEN.get(said[0].casefold(), 0) if said else 0
    unit = said[-1] if said and (len(said) > 1 or not power) else ""
    known = unit.casefold() not in words.stopwords("en") if unit else True
    end = match.end() if known else match.end("number")
    if known and unit and end < len(match.string) and match.string[end] == "-":
        return None
    return Value(
        kind=Kind.QUANTITY,
        text=match.string[match.start() : end].strip(),
        start=match.start(),
        end=end,
        unit=f"{(match['currency'] or '').strip()}{_unit(unit if known else '')}",
        amount=amount.scaleb(power),
        digits=len(plain.replace(".", "").strip("0")) or 1,
    )


def _unit(unit: str) -> str:
    if unit.casefold() in _NO_UNIT:
        return "%"
    return "".join(words.stems(unit, "en")) or unit.strip()


def _rounded(amount: Decimal, digits: int) -> Decimal:
    """To so many significant digits."""
    if not amount:
        return amount
    return round(amount, digits - 1 - amount.adjusted())
