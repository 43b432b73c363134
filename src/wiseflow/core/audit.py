"""What was done, by whom: the log that only grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did, or tried.

    Args:
        action: such as ``POST /api/v1/keys`` or ``keys create``.
        outcome: the status of the answer, or ``done`` or the kind of the error.
        who: the name of the key, or ``local``.
        key_id: of the key, or "".
        tenant: of who did it.
        target: the id of what it was done to, or "".
        address: where it came from, or "".
        number: grows with each entry; 0 before it is kept.
        at: when, seconds since the epoch by the database's clock; 0 before it is kept.
    """

    action: str
    outcome: str
    who: str
    key_id: str = ""
    tenant: str = ""
    target: str = ""
    address: str = ""
    number: int = 0
    at: float = 0.0


class AuditLog(Protocol):
    """Keeps what was done."""

    async def add(self, entry: AuditEntry) -> None:
        """Keep one more."""
        ...

    async def entries(
        self, *, tenant: str | None = None, before: int = 0, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """The entries of a tenant or of all, the newest first.

        Args:
            tenant: whose; ``None`` for everybody's.
            before: only those with a lower number; 0 for the newest.
            limit: at most so many (1–1,000).
        """
        ...

    async def forget(self, *, older_than_s: float) -> int:
        """Erase what is older than so many seconds; how many entries that were."""
        ...
