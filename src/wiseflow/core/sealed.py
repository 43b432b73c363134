"""Secrets as they are kept: encrypted, each under a key that is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A secret that only who has its key can read.

    Args:
        name: of the setting.
        key_id: of the key that it is encrypted with.
        sealed: what was made of it, as text.
        set_at: when, seconds since the epoch by the database's clock; 0 before it is kept.
    """

    name: str
    key_id: str
    sealed: str
    set_at: float = 0.0


class SecretStore(Protocol):
    """Keeps sealed secrets."""

    async def all(self) -> Sequence[SealedSecret]:
        """Every one, by name."""
        ...

    async def put(self, secrets: Sequence[SealedSecret]) -> None:
        """Keep these, all or none, in place of those of the same names."""
        ...

    async def delete(self, name: str) -> bool:
        """Erase one; whether there was one."""
        ...
