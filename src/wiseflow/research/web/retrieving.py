"""The retriever over the web: searches, the pages they find, and the passages that serve best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from wiseflow.core.asking import SearchAnswer, SearchRequest, SearchResult
from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered, Missed, Sought
from wiseflow.core.calls import RunContext
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import CallError, NoEvidence
from wiseflow.core.gateways import PageCalls, SearchCalls
from wiseflow.core.jobs import Lease
from wiseflow.core.ports import Compute, PageStore
from wiseflow.research.web.choosing import best_of
from wiseflow.research.web.ranking import RankedPage, best_passages, passage_count
from wiseflow.research.web.reading import PageReading, language_of
from wiseflow.research.web.results import Candidate, key_of, merged
from wiseflow.research.web.shelf import PageShelf, Unread
from wiseflow.research.web.side_by_side import side_by_side
from wiseflow.research.web.sketches import NEAR_DUPLICATE, resemblance

SEARCH_STEP = "search"
AGAIN_STEP = "search again"  # another name in the journal, which has the empty answer
OVERVIEW_RESULTS, QUERY_RESULTS = 10, 8
# A section of 6, 10 or 16 passages reads 3, 4 or 5 pages.
FEWEST_PAGES, PASSAGES_A_PAGE = 2, 5
# So many times the pages that are wanted are tried at most, when some cannot be read.
TRIES_A_PAGE = 3
# A result's text stands for its snippet, where it has none, so far.
SNIPPET_CHARACTERS = 1_200
SNIPPET = "snippet"
# More passages than this are ranked in a worker process: the loop is held up for 2 ms by as many.
RANKED_ON_THE_LOOP = 150


class WebRetriever:
    """Finds passages in pages of the web, for one research.

    A plan costs one search; a section its searches side by side, then its pages side by side. It
    makes no follow-up searches, as each would cost another search and another page in a row.

    Args:
        searches: asks search providers.
        pages: fetches pages.
        store: where pages are kept.
        compute: worker processes with bounds on memory and time, as pages are hostile.
        context: of the run.
        lease: the right to keep pages.
        provider: the name of the search provider to ask.
    """

    def __init__(
        self,
        *,
        searches: SearchCalls,
        pages: PageCalls,
        store: PageStore,
        compute: Compute,
        context: RunContext,
        lease: Lease,
        provider: str,
    ) -> None:
        self._searches = searches
        self._shelf = PageShelf(
            pages=pages, store=store, compute=compute, context=context, lease=lease
        )
        self._compute = compute
        self._context = context
        self._provider = provider

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """Passages for a request; none when nothing was found.

        Raises:
            NoEvidence: the search of an overview was not answered, or found nothing.
            CallError: no search of a section was answered; the reason of the last one.
            BudgetSpent: the run may spend no more.
            LeaseLost: another worker holds the job now.
            StorageError: the database refuses.
        """
        return await (self._overview(request) if request.overview else self._section(request))

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best for a request's queries among passages found before."""
        return await self._compute.run(best_of, tuple(found), request.queries, request.limit)

    async def _overview(self, request: EvidenceRequest) -> Gathered:
        """What one search tells by itself: nothing of it is fetched, kept or cited."""
        query = " ".join(dict.fromkeys((request.topic, *request.focus_entities)))
        try:
            found = await self._search((query,), OVERVIEW_RESULTS, request.language)
        except CallError as error:
            reason = f"no search was answered: {error.message}"
            raise NoEvidence(reason, cure=error.cure) from error
        results = [one.result for one in found.candidates if _told(one.result)]
        if not results:
            raise NoEvidence(
                f"the search of {self._provider} found nothing on {request.topic!r}",
                cure="Ask in other words, or search elsewhere with configuration.search_api",
            )
        texts = [_told(result) for result in results]
        language = request.language or await self._compute.run(language_of, texts)
        evidence = tuple(
            _overview_evidence(result, language, rank)
            for rank, result in enumerate(results[: request.limit], start=1)
        )
        return Gathered(evidence=evidence, queries=found.queries)

    async def _section(self, request: EvidenceRequest) -> Gathered:
        found = await self._search(request.queries, QUERY_RESULTS, request.language)
        wanted = FEWEST_PAGES + request.limit // PASSAGES_A_PAGE
        read, missed = await self._best_pages(found.candidates, wanted)
        if not read and missed:
            read = await self._snippets(found.candidates, missed, request.language or "", wanted)
        asked = (*request.queries, request.topic, *request.focus_entities)
        passages = (item for page in read for item in page.reading.stored.passages)
        return Gathered(
            evidence=await self._ranked(read, asked, request.limit),
            queries=found.queries,
            considered=tuple(dict.fromkeys(passage.passage_id for passage in passages)),
            missed=(*found.missed, *missed.values()),
        )

    async def _search(self, queries: Sequence[str], limit: int, language: str | None) -> _Found:
        """What the searches found that were answered. Raises ``CallError`` when none was."""
        queries = tuple(dict.fromkeys(queries))
        asked = [
            SearchRequest(query=query, limit=limit, language=language or "") for query in queries
        ]
        answers = await side_by_side(SEARCH_STEP, [partial(self._answer, one) for one in asked])
        failed = [error for error in answers if isinstance(error, CallError)]
        if failed and len(failed) == len(answers):
            raise failed[-1]
        told = list(zip(queries, answers, strict=True))
        return _Found(
            candidates=merged(one.results for one in answers if isinstance(one, SearchAnswer)),
            queries=tuple(query for query, one in told if isinstance(one, SearchAnswer)),
            missed=tuple(
                Missed(sought=Sought.SEARCH, name=query, reason=str(one))
                for query, one in told
                if isinstance(one, CallError)
            ),
        )

    async def _answer(self, request: SearchRequest) -> SearchAnswer | CallError:
        try:
            answer = await self._asked(request, SEARCH_STEP)
            # Now and then a provider finds nothing where it finds something a moment later.
            return answer if answer.results else await self._asked(request, AGAIN_STEP)
        except CallError as error:
            return error

    async def _asked(self, request: SearchRequest, step: str) -> SearchAnswer:
        return await self._searches.search(
            request, provider=self._provider, context=self._context, step=step
        )

    async def _best_pages(
        self, candidates: Sequence[Candidate], wanted: int
    ) -> tuple[list[RankedPage], dict[str, Missed]]:
        """The best pages that can be read, without copies, and those that cannot, by key."""
        read: dict[str, PageReading] = {}
        missed: dict[str, Missed] = {}
        tried = candidates[: TRIES_A_PAGE * wanted]
        waiting = iter(tried)

        async def read_one() -> None:
            # When a page cannot be read, the next best one takes its place at once.
            for candidate in waiting:
                page = await self._shelf.page(candidate)
                if isinstance(page, PageReading):
                    read[candidate.key] = page
                    return
                missed[candidate.key] = _missed(candidate, page)

        await side_by_side("page", [read_one] * min(wanted, len(tried)))
        found = [
            RankedPage(reading=read[one.key], provider=one.result.provider)
            for one in tried
            if one.key in read
        ]
        return without_copies(found), missed

    async def _snippets(
        self,
        candidates: Sequence[Candidate],
        missed: Mapping[str, Missed],
        language: str,
        wanted: int,
    ) -> list[RankedPage]:
        """What the searches told of pages that cannot be read, marked as no more than that."""
        told = [one for one in candidates if one.key in missed and one.result.snippet.strip()]

        async def kept(candidate: Candidate) -> RankedPage:
            reason = missed[candidate.key].reason
            reading = await self._shelf.snippet(candidate, reason, language)
            return RankedPage(reading=reading, provider=f"{candidate.result.provider} {SNIPPET}")

        pages = await side_by_side(SNIPPET, [partial(kept, one) for one in told[:wanted]])
        return without_copies(pages)

    async def _ranked(
        self, pages: Sequence[RankedPage], asked: Sequence[str], limit: int
    ) -> tuple[Evidence, ...]:
        if passage_count(pages) <= RANKED_ON_THE_LOOP:
            return best_passages(pages, asked, limit)
        return await self._compute.run(best_passages, pages, asked, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the searches of one request gave: pages, the answered queries, and the others."""

    candidates: Sequence[Candidate]
    queries: tuple[str, ...]
    missed: tuple[Missed, ...]


def without_copies(pages: Sequence[RankedPage]) -> list[RankedPage]:
    """The pages without those that nearly repeat one before them."""
    kept: list[RankedPage] = []
    for page in pages:
        sketches = (other.reading.sketch for other in kept)
        if all(resemblance(page.reading.sketch, one) < NEAR_DUPLICATE for one in sketches):
            kept.append(page)
    return kept


def _missed(candidate: Candidate, page: Unread) -> Missed:
    return Missed(sought=Sought.PAGE, name=candidate.result.url, reason=page.reason)


def _told(result: SearchResult) -> str:
    """What a result says of its page."""
    return result.snippet.strip() or result.text[:SNIPPET_CHARACTERS].strip()


def _overview_evidence(result: SearchResult, language: str, rank: int) -> Evidence:
    text = _told(result)
    source_id = key_of(result.url)
    passage = Passage(
        passage_id=f"{source_id}:0-{len(text)}",
        source_id=source_id,
        start=0,
        end=len(text),
        text=text,
        title=result.title,
    )
    hit = Hit(
        passage=passage,
        score=1 / rank,
        url=result.url,
        published=result.published,
        language=language,
    )
    return Evidence(hit=hit, score=hit.score, provider=result.provider)
