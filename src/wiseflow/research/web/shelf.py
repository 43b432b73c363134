"""The pages of one research: each is fetched and read once, whoever asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from wiseflow.core.asking import FetchRequest, SearchResult
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import CallError, DocumentError, WorkerError
from wiseflow.core.gateways import PageCalls
from wiseflow.core.jobs import Lease
from wiseflow.core.library import KeptPage, StoredSource
from wiseflow.core.ports import Compute, PageStore
from wiseflow.research.web.reading import (
    LIMITS,
    PageReading,
    read_again,
    read_given,
    read_page,
    read_snippet,
)
from wiseflow.research.web.results import Candidate, key_of

FETCH_STEP = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A page that cannot be read, and why."""

    reason: str


class PageShelf:
    """Gets pages, and keeps them in the database as sources of the research.

    Parts of a research that run side by side share it. A page that one of them is getting is waited
    for by the others; should the first be cancelled, the next takes its place. What an earlier
    attempt of the same job kept is not fetched again, nor is what it could not read.

    Args:
        pages: fetches.
        store: where pages are kept.
        compute: worker processes with bounds on memory and time, as pages are hostile.
        context: of the run.
        lease: the right to keep pages.
    """

    def __init__(
        self,
        *,
        pages: PageCalls,
        store: PageStore,
        compute: Compute,
        context: RunContext,
        lease: Lease,
    ) -> None:
        self._pages = pages
        self._store = store
        self._compute = compute
        self._context = context
        self._lease = lease
        self._done: dict[str, PageReading | Unread] = {}
        self._flights: dict[str, asyncio.Event] = {}
        self._kept: Mapping[str, KeptPage] | None = None
        self._reading_kept = asyncio.Lock()

    async def page(self, candidate: Candidate) -> PageReading | Unread:
        """The page that a search found, kept; or why it cannot be read.

        Raises:
            BudgetSpent: the run may spend no more.
            LeaseLost: another worker holds the job now.
            StorageError: the database refuses.
        """
        while candidate.key not in self._done:
            flight = self._flights.get(candidate.key)
            if flight is None:
                await self._fly(candidate)
            else:
                await flight.wait()
        return self._done[candidate.key]

    async def snippet(self, candidate: Candidate, reason: str, language: str) -> PageReading:
        """What the search told of a page that cannot be read for ``reason``, kept in its place."""
        reading = await self._compute.run(read_snippet, candidate.result, language)
        await self._keep(candidate.result, reading.stored, error=reason)
        return reading

    async def _fly(self, candidate: Candidate) -> None:
        flight = self._flights[candidate.key] = asyncio.Event()
        try:
            self._done[candidate.key] = await self._obtained(candidate)
        finally:
            del self._flights[candidate.key]
            flight.set()

    async def _obtained(self, candidate: Candidate) -> PageReading | Unread:
        kept = (await self._of_earlier_attempts()).get(candidate.key)
        if kept and kept.error:
            return Unread(reason=kept.error)
        stored = kept and (await self._store.pages([kept.source_id])).get(kept.source_id)
        if stored:
            return await self._compute.run(read_again, stored)
        try:
            reading = await self._read(candidate.result)
        except (CallError, DocumentError, WorkerError) as error:
            await self._keep(candidate.result, error=str(error))
            return Unread(reason=str(error))
        await self._keep(candidate.result, reading.stored)
        return reading

    async def _read(self, result: SearchResult) -> PageReading:
        if result.text.strip():
            return await self._compute.run(read_given, result)
        request = FetchRequest(url=result.url, max_bytes=LIMITS.file_bytes)
        page = await self._pages.fetch(request, context=self._context, step=FETCH_STEP)
        return await self._compute.run(read_page, page, result)

    async def _of_earlier_attempts(self) -> Mapping[str, KeptPage]:
        async with self._reading_kept:
            if self._kept is None:
                kept = await self._store.kept(self._lease.job_id)
                self._kept = {key_of(url): page for url, page in kept.items()}
            return self._kept

    async def _keep(
        self, result: SearchResult, stored: StoredSource | None = None, *, error: str = ""
    ) -> None:
        await self._store.keep(self._lease, result.url, stored, error=error)
