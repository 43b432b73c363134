"""Writes down what was done, and forgets what is old."""

from __future__ import annotations

from wiseflow.core.access import Principal
from wiseflow.core.audit import AuditEntry, AuditLog
from wiseflow.core.clock import Clock
from wiseflow.core.errors import StorageError
from wiseflow.observability.logs import Logger

# How often a process that writes looks for what is old.
FORGET_EVERY_S = 3_600.0
DAY_S = 86_400.0
_log = Logger(__name__)


class Auditor:
    """Writes the audit log.

    Args:
        log: where it is kept.
        clock: the time.
        keep_days: for how many days an entry is kept.
    """

    def __init__(self, log: AuditLog, clock: Clock, *, keep_days: float) -> None:
        self.log = log
        self._clock = clock
        self._keep_s = keep_days * DAY_S
        self._forget_at = 0.0

    async def note(
        self,
        principal: Principal,
        action: str,
        *,
        outcome: str,
        target: str = "",
        address: str = "",
    ) -> None:
        """Write down one thing that was done, or refused.

        It has happened by then, so what cannot be written is told to the log file, and to nobody
        as an error of theirs.
        """
        entry = AuditEntry(
            action=action,
            outcome=outcome,
            who=principal.name,
            key_id=principal.key_id,
            tenant=principal.tenant,
            target=target,
            address=address,
        )
        try:
            await self.log.add(entry)
            await self._forget()
        except StorageError as error:
            _log.error(
                "An entry of the audit log could not be kept",
                action=action,
                target=target,
                who=principal.name,
                outcome=outcome,
                error=str(error),
            )

    async def _forget(self) -> None:
        now = self._clock.monotonic()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            await self.log.forget(older_than_s=self._keep_s)
