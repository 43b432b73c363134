"""JSON of others, read without trust: what is of another shape is as if it were not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def fields_of(value: object) -> Mapping[str, Any]:
    """The fields of an object; none for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def items_of(value: object) -> list[object]:
    """The items of a list; none for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list, read by their fields; what else is in it is left out."""
    return [cast("Mapping[str, Any]", one) for one in items_of(value) if isinstance(one, dict)]


def text_of(value: object) -> str:
    """A text; "" for anything else."""
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """A whole number that is not negative; 0 for anything else."""
    return value if isinstance(value, int) and value > 0 else 0
