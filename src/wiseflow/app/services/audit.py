"""Reads the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.audit import AuditEntry


class AuditService:
    """The audit log, for one principal: what its tenant did; the tenant "" sees all.

    Args:
        application: open.
        principal: who asks; an administrator.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    async def entries(self, *, before: int = 0, limit: int = 100) -> Sequence[AuditEntry]:
        """What was done, the newest first.

        Args:
            before: only entries with a lower number; 0 for the newest.
            limit: at most so many (1–1,000).

        Raises:
            Forbidden: the principal is no administrator.
        """
        self.principal.require(Scope.ADMIN)
        return await self._app.auditor.log.entries(
            tenant=self.principal.tenant or None, before=before, limit=limit
        )
