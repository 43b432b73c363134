"""The audit log under ``/api/v1/audit``, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from wiseflow.app import Application
from wiseflow.app.services.audit import AuditService
from wiseflow.core.access import Principal
from wiseflow.core.audit import AuditEntry
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.scopes import ADMIN

# The greatest number that both databases number rows by.
LARGEST = 2**63 - 1
router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[ADMIN])


class AuditAnswer(BaseModel):
    """One thing that was done; ``at`` is seconds since the epoch."""

    number: int
    at: float
    tenant: str
    who: str
    key_id: str
    action: str
    target: str
    address: str
    outcome: str

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditAnswer:
        """The answer that tells of an entry."""
        return cls(
            number=entry.number,
            at=entry.at,
            tenant=entry.tenant,
            who=entry.who,
            key_id=entry.key_id,
            action=entry.action,
            target=entry.target,
            address=entry.address,
            outcome=entry.outcome,
        )


def audit_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> AuditService:
    """The audit log, for who asks."""
    return AuditService(application, principal)


@router.get("")
async def list_audit(
    audit: Annotated[AuditService, Depends(audit_of)],
    before: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[AuditAnswer]:
    """What was done, the newest first; ``before`` the number of an entry for those before it."""
    return [AuditAnswer.of(one) for one in await audit.entries(before=before, limit=limit)]
