"""What the dashboard reads of the document library, for one principal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wiseflow.app.application import Application
from wiseflow.app.services.sources import SourcesService
from wiseflow.core.access import Principal, Scope
from wiseflow.core.documents import Hit, Passage, Source
from wiseflow.core.errors import NotFound
from wiseflow.core.library import Collection, FileRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A stored document with its passages, in order."""

    source: Source
    passages: tuple[Passage, ...]


class LibraryPages:
    """The library as the dashboard shows it.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    async def collections(self) -> list[Collection]:
        """All collections by name. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        return await self._app.collections(tenant=self.principal.tenant)

    async def files(self, collection: str) -> list[FileRecord]:
        """The files of a collection by path. Raises ``NotFound``, ``Forbidden``."""
        if collection not in {one.name for one in await self.collections()}:
            raise NotFound(f"there is no collection {collection!r}")
        found = await self._app.documents_of(self.principal.tenant).files(collection)
        return [found[path] for path in sorted(found)]

    async def search(self, query: str, *, collection: str, k: int) -> Sequence[Hit]:
        """The best passages of a collection; none when it is empty. Raises ``NotFound``."""
        self.principal.require(Scope.READ)
        return await self._app.search(
            query, collection=collection, k=k, tenant=self.principal.tenant
        )

    async def document(self, source_id: str) -> StoredDocument:
        """One stored document. Raises ``NotFound``, ``Forbidden``."""
        sources = SourcesService(self._app, self.principal)
        source = await sources.source(source_id)
        return StoredDocument(source=source, passages=tuple(await sources.passages(source_id)))
