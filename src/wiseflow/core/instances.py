"""Instances: the running processes of the program that share a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class InstanceKind(StrEnum):
    """What an instance was started as."""

    SERVE = "serve"
    WORKER = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign of life.

    Args:
        name: of the instance, as its leases have it.
        kind: what it was started as.
        host: the machine it runs on.
        version: of the program.
        capacity: how many jobs it runs at once.
        running: how many it runs now.
    """

    name: str
    kind: InstanceKind
    host: str
    version: str
    capacity: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance as it is known. Times are seconds since the epoch by the database's clock.

    Args:
        sign: the last one it gave.
        started_at: when it gave the first.
        seen_at: when it gave the last.
        alive: whether that was lately enough; one that ended in order is not known any more.
    """

    sign: Sign
    started_at: float
    seen_at: float
    alive: bool


class InstanceStore(Protocol):
    """Who is there, kept by the instances themselves."""

    async def beat(self, sign: Sign) -> None:
        """Keep a sign of life."""
        ...

    async def leave(self, name: str) -> None:
        """Forget an instance that ends in order."""
        ...

    async def instances(self, *, alive_s: float) -> Sequence[Instance]:
        """All that are known, by their start.

        Args:
            alive_s: one that was not seen for longer is not alive.
        """
        ...

    async def prune(self, *, unseen_s: float) -> int:
        """Forget those that were not seen for longer than that; how many there were."""
        ...
