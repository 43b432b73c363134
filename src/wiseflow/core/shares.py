"""Reports that are shown to whoever has a link, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A link to a report; times are seconds since the epoch by the database's clock.

    Args:
        job_id: of the research.
        expires_at: from when on it shows nothing.
        revoked_at: when somebody took it back; ``None`` when nobody did.
    """

    share_id: str
    job_id: str
    tenant: str
    submitter: str
    created_at: float
    expires_at: float
    revoked_at: float | None = None


class ShareStore(Protocol):
    """Keeps links; with a research, its links go."""

    async def add(self, job_id: str, *, tenant: str, submitter: str, seconds: float) -> Share:
        """A new link that holds for so long. Raises ``NotFound`` without such a research."""
        ...

    async def list(self, job_id: str, *, tenant: str) -> list[Share]:
        """The links to a research's report, newest first."""
        ...

    async def revoke(self, share_id: str, *, tenant: str) -> Share:
        """Take a link back. Raises ``NotFound``."""
        ...

    async def shared(self, share_id: str) -> str | None:
        """The research that a link shows; ``None`` when it shows nothing, or nothing any more."""
        ...

    async def signing_key(self, name: str) -> str:
        """A key that all instances share, made when it is first asked for."""
        ...
