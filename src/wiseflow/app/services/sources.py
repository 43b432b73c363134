"""Reads stored sources, as far as they are the principal's tenant's."""

from __future__ import annotations

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.documents import Passage, Source
from wiseflow.core.errors import NotFound


class SourcesService:
    """Stored sources, for one principal.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._documents = application.documents_of(principal.tenant)
        self.principal = principal

    async def source(self, source_id: str) -> Source:
        """A source of the tenant's collections, or that its researches read or cite.

        Raises:
            NotFound: there is none such.
            Forbidden: the principal may not read.
        """
        self.principal.require(Scope.READ)
        if source_id not in await self._documents.visible([source_id]):
            raise NotFound(f"there is no source {source_id!r}")
        return await self._documents.source(source_id)

    async def passages(self, source_id: str) -> list[Passage]:
        """The passages of such a source in order; raises as ``source``."""
        await self.source(source_id)
        return await self._documents.passages(source_id)
