"""The retriever over the web: searches, the pages they find, and the passages that serve best.

How several providers are asked is in ``searching``; here is what is made of what they find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from wiseflow.core.asking import SearchResult
from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered, Missed, Sought
from wiseflow.core.configuration import ACADEMIC_SOURCES
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import CallError, NoEvidence
from wiseflow.core.ports import Compute
from wiseflow.research.web.choosing import best_of
from wiseflow.research.web.ranking import RankedPage, best_passages, passage_count
from wiseflow.research.web.reading import language_of
from wiseflow.research.web.results import Candidate, key_of
from wiseflow.research.web.searching import Searching
from wiseflow.research.web.shelf import PageShelf, Unread
from wiseflow.research.web.side_by_side import side_by_side
from wiseflow.research.web.sketches import NEAR_DUPLICATE, resemblance

OVERVIEW_RESULTS, QUERY_RESULTS = 10, 8
# A section of 6, 10 or 16 passages reads 3, 4 or 5 pages.
FEWEST_PAGES, PASSAGES_A_PAGE = 2, 5
# So many times the pages that are wanted are tried at most, when some cannot be read.
TRIES_A_PAGE = 3
# A result's text stands for its snippet, where it has none, so far.
SNIPPET_CHARACTERS = 1_200
SNIPPET, ABSTRACT = "snippet", "abstract"
# More passages than this are ranked in a worker process: the loop is held up for 2 ms by as many.
RANKED_ON_THE_LOOP = 150


class WebRetriever:
    """Finds passages in pages of the web, for one research.

    A plan costs one search; a section its searches side by side, then its pages side by side. It
    makes no follow-up searches, as each would cost another search and another page in a row. For
    each further provider a page more is read, so that what it adds takes nobody's place.

    Args:
        searching: the searches of the research.
        shelf: its pages.
        compute: worker processes with bounds on memory and time, as pages are hostile.
    """

    def __init__(self, *, searching: Searching, shelf: PageShelf, compute: Compute) -> None:
        self._searching = searching
        self._shelf = shelf
        self._compute = compute

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
            found = await self._searching.search((query,), OVERVIEW_RESULTS, request.language)
        except CallError as error:
            reason = f"no search was answered: {error.message}"
            raise NoEvidence(reason, cure=error.cure) from error
        results = [one.result for one in found.candidates if _told(one.result)]
        if not results:
            providers = ", ".join(self._searching.providers)
            raise NoEvidence(
                f"the search of {providers} found nothing on {request.topic!r}",
                cure="Ask in other words, of a wider time range, or search elsewhere with "
                "configuration.search_api",
            )
        texts = [_told(result) for result in results]
        language = request.language or await self._compute.run(language_of, texts)
        evidence = tuple(
            _overview_evidence(result, language, rank)
            for rank, result in enumerate(results[: request.limit], start=1)
        )
        return Gathered(evidence=evidence, queries=found.queries, missed=found.missed)

    async def _section(self, request: EvidenceRequest) -> Gathered:
        found = await self._searching.search(request.queries, QUERY_RESULTS, request.language)
        wanted = (
            FEWEST_PAGES + request.limit // PASSAGES_A_PAGE + len(self._searching.providers) - 1
        )
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

    async def _best_pages(
        self, candidates: Sequence[Candidate], wanted: int
    ) -> tuple[list[RankedPage], dict[str, Missed]]:
        """The best pages that can be read, without copies, and those that cannot, by key."""
        read: dict[str, RankedPage] = {}
        missed: dict[str, Missed] = {}
        tried = candidates[: TRIES_A_PAGE * wanted]
        waiting = iter(tried)

        async def read_one() -> None:
            # When a page cannot be read, the next best one takes its place at once.
            for candidate in waiting:
                page = await self._page(candidate)
                if isinstance(page, RankedPage):
                    read[candidate.key] = page
                    return
                missed[candidate.key] = _missed(candidate, page)

        await side_by_side("page", [read_one] * min(wanted, len(tried)))
        return without_copies([read[one.key] for one in tried if one.key in read]), missed

    async def _page(self, candidate: Candidate) -> RankedPage | Unread:
        """A page, or the same work's text from elsewhere where the page cannot be read."""
        result = candidate.result
        page = await self._shelf.page(candidate)
        if isinstance(page, Unread) and candidate.stand_in is not None:
            result = candidate.stand_in
            page = await self._shelf.page(replace(candidate, key=key_of(result.url), result=result))
        if isinstance(page, Unread):
            return page
        published = page.stored.source.published
        if not self._searching.period.holds(published):
            return Unread(reason=f"it was published on {published}, out of the time range")
        scholarly = result.text and result.provider in ACADEMIC_SOURCES
        provider = f"{result.provider} {ABSTRACT}" if scholarly else result.provider
        return RankedPage(reading=page, provider=provider)

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
