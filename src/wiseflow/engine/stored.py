"""What JSON gave, checked: it may be damaged, or another program's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Greater than anything that is learned, and so small that its square is still a number.
GREATEST = 1e60


def numbers(stored: Sequence[Any], *, least: float = -GREATEST) -> list[float]:
    """These as numbers. Raises ``ValueError`` or ``TypeError`` when they are none, or too great."""
    if not all(least <= number <= GREATEST for number in stored):
        raise ValueError("a number is out of range")
    return [float(number) for number in stored]


def counts(stored: Sequence[Any]) -> list[int]:
    """These as counts. Raises ``ValueError`` or ``TypeError`` when they are none."""
    if not all(isinstance(count, int) and 0 <= count <= GREATEST for count in stored):
        raise ValueError("a count is none")
    return [int(count) for count in stored]
