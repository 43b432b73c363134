"""Results of steps as JSON text and back, equal."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


class Codec(Generic[T]):
    """Turns values of one type into JSON text and back.

    Values of the frozen dataclasses of ``core``, nested, with enums, tuples and ``None``, read back
    equal. Floats do too, infinite ones included: they are written in the names that Python's
    ``json`` and pydantic both know.

    Args:
        result_type: a dataclass, or anything else that pydantic can validate.
    """

    def __init__(self, result_type: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(result_type)

    def encode(self, value: T) -> str:
        """The value as JSON text in ASCII."""
        # pydantic's own JSON writes an infinite float as null, which does not read back.
        return json.dumps(self._adapter.dump_python(value, mode="json"), separators=(",", ":"))

    def decode(self, text: str) -> T:
        """The value that ``text`` holds.

        Raises:
            ValidationError: it holds no value of this type.
        """
        return self._adapter.validate_json(text)


@cache
def codec(result_type: type[Any]) -> Codec[Any]:
    """The codec of a type; made once, as making one is slow."""
    return Codec(result_type)
