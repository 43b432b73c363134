"""What whoever runs researches is told of those that are asked outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCall:
    """A provider is asked for the first time.

    Args:
        provider: its name.
        address: scheme, host and port, or words for them.
    """

    provider: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageBegun:
    """A provider does not answer, nobody stands in for it, and its calls wait for it.

    Args:
        provider: its name.
        why: what was wrong with the last attempt, in words.
        cure: what the reader can do about it.
        wait_s: how long the first of the calls goes on waiting, in seconds.
    """

    provider: str
    why: str
    cure: str
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageOver:
    """A provider whose calls waited answers again."""

    provider: str


ProviderNews = FirstCall | OutageBegun | OutageOver
OnNews = Callable[[ProviderNews], None]
