"""The retriever over the sources of an earlier research: nothing is searched or fetched outside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered
from wiseflow.core.library import StoredSource
from wiseflow.core.ports import Compute, PageStore
from wiseflow.research.earlier import Known
from wiseflow.research.extractive.reading import content_terms
from wiseflow.research.web.choosing import best_of
from wiseflow.research.web.ranking import RankedPage, best_passages
from wiseflow.research.web.reading import PageReading, read_again
from wiseflow.research.web.side_by_side import side_by_side

# A passage with less of what a query asks for (its content words) is on something else.
LEAST_SHARE = 0.5
# So many of the sources are looked through at most, those first that the earlier report cites.
MOST_SOURCES = 100
UNKNOWN_PROVIDER = "earlier research"


class StoredRetriever:
    """Finds passages in the sources that a job took over.

    They are read from the database once, at the first request.

    Args:
        pages: where the sources are.
        compute: worker processes with bounds on memory and time, as pages are hostile.
        known: names the sources.
        least_share: what a passage holds at least of a query's content words; 0 where a model tells
            by itself what answers a question in other words.
    """

    def __init__(
        self, *, pages: PageStore, compute: Compute, known: Known, least_share: float = LEAST_SHARE
    ) -> None:
        self._least_share = least_share
        self._pages = pages
        self._compute = compute
        self._known = known
        self._read: list[RankedPage] | None = None
        self._reading = asyncio.Lock()

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """The passages that hold enough of a query's words, the best first; maybe none.

        Raises:
            StorageError: the database refuses.
            WorkerError: a worker did not finish.
        """
        pages = await self._pages_read()
        asked = tuple(dict.fromkeys((*request.queries, *request.focus_entities)))
        found = await self._compute.run(
            fitting_passages, pages, asked, request.limit, self._least_share
        )
        passages = (passage for page in pages for passage in page.reading.stored.passages)
        return Gathered(
            evidence=found,
            queries=asked,
            considered=tuple(dict.fromkeys(passage.passage_id for passage in passages)),
        )

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best for a request's queries among passages found before."""
        return await self._compute.run(best_of, tuple(found), request.queries, request.limit)

    async def _pages_read(self) -> list[RankedPage]:
        async with self._reading:  # sections ask side by side
            if self._read is None:
                ids = self._known.source_ids[:MOST_SOURCES]
                stored = await self._pages.pages(ids)
                parts = [partial(self._again, stored[one]) for one in ids if one in stored]
                readings = await side_by_side("source", parts)
                self._read = [self._page(reading) for reading in readings]
            return self._read

    async def _again(self, stored: StoredSource) -> PageReading:
        return await self._compute.run(read_again, stored)

    def _page(self, reading: PageReading) -> RankedPage:
        source_id = reading.stored.source.source_id
        provider = self._known.providers.get(source_id, UNKNOWN_PROVIDER)
        return RankedPage(reading=reading, provider=provider)


def fitting_passages(
    pages: Sequence[RankedPage], asked: Sequence[str], limit: int, least_share: float
) -> tuple[Evidence, ...]:
    """The best passages of the pages, of those that hold enough of a query.

    Args:
        pages: in any order.
        asked: the queries.
        limit: at most so many.
        least_share: of a query's content words that a passage holds.
    """
    ordered = sorted(pages, key=lambda page: -_best_share(page, asked))
    found = best_passages(ordered, asked, limit)
    return tuple(one for one in found if share_held(one, asked) >= least_share)


def share_held(evidence: Evidence, asked: Sequence[str]) -> float:
    """The greatest share of a query's content words that a passage holds, its title included."""
    passage, language = evidence.hit.passage, evidence.hit.language
    held = content_terms(f"{passage.title} {passage.heading} {passage.text}", language)
    return max((_share(query, held, language) for query in asked), default=0.0)


def _best_share(page: RankedPage, asked: Sequence[str]) -> float:
    language = page.reading.stored.source.language
    shares = (
        _share(query, terms.split(), language) for terms in page.reading.terms for query in asked
    )
    return max(shares, default=0.0)


def _share(query: str, held: Sequence[str], language: str) -> float:
    wanted = set(content_terms(query, language))
    return len(wanted.intersection(held)) / len(wanted) if wanted else 0.0
