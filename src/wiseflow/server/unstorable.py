"""Texts that could not be stored or answered, whichever way they came in."""

from __future__ import annotations

from typing import cast

MOST_DEPTH = 32


def why_unstorable(value: object, *, depth: int = MOST_DEPTH) -> str:
    """Why JSON values cannot be kept, or "".

    NUL is taken by PostgreSQL nowhere, and half of a surrogate pair is no character.

    Args:
        value: as it was read.
        depth: how deep it may be nested.
    """
    if depth < 0:
        return f"it is nested more than {MOST_DEPTH} deep"
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        parts = [*members, *members.values()]
    elif isinstance(value, list):
        parts = cast("list[object]", value)
    else:
        return ""
    return next((why for part in parts if (why := why_unstorable(part, depth=depth - 1))), "")


def _of_text(text: str) -> str:
    if "\0" in text:
        return "a text holds the character NUL"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "a text holds half of a surrogate pair"
    return ""
