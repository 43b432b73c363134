"""What a request may name where it named something unknown."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel

# As little alike as two names may be for one to be meant by the other.
ALIKE = 0.6


def tell_unknown(route: object, place: Sequence[str | int]) -> str:
    """What is wrong with a field that is not known, with the nearest known one or all of them.

    Args:
        route: that the request was for.
        place: of the field, from "body" or "query" down.
    """
    known = _fields(_model_of(route, str(place[0])), place[1:-1])
    near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=ALIKE)
    if near:
        return f"it is not known; did you mean {near[0]!r}?"
    return f"it is not known; known are {', '.join(known)}" if known else "it is not known"


def _model_of(route: object, part: str) -> Any:
    """The type that a part of the request is read as."""
    if not isinstance(route, APIRoute):
        return None
    if part == "body":
        return route.body_field and route.body_field.field_info.annotation
    fields = route.dependant.query_params
    return fields[0].field_info.annotation if part == "query" and fields else None


def _fields(annotation: Any, place: Sequence[str | int]) -> list[str]:
    """The names that are known at a place within what is read as a type."""
    models = [one for one in _members(annotation) if issubclass(one, BaseModel)]
    if not models:
        return []
    fields = models[0].model_fields
    inward = [one for one in place if isinstance(one, str)]
    if not inward:
        return sorted(fields)
    inner = fields.get(inward[0])
    return _fields(inner.annotation, inward[1:]) if inner is not None else []


def _members(annotation: Any) -> list[type[Any]]:
    """The classes within a type such as ``list[A] | None``."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [one for inner in get_args(annotation) for one in _members(inner)]
