"""The library: collections, documents and passages, search in them, and earlier reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Response

from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.server.pages.site import PageRoute, Visiting
from wiseflow.server.scopes import READ

HITS = 20
REPORTS_READ = 1_000
REPORTS_SHOWN = 50
FILES_A_PAGE = 100
# Of a stored text so many characters are shown at once; around what is cited where it is named.
WINDOW = 20_000
router = APIRouter(route_class=PageRoute, dependencies=[READ])


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWindow:
    """A part of a stored text, with what is cited of it in the middle.

    Args:
        before, cited, after: the characters in order.
        start, end: of the part in the whole text.
        whole: how long that is.
    """

    before: str
    cited: str
    after: str
    start: int
    end: int
    whole: int


@router.get("/dashboard/library")
async def library_page(visit: Visiting, q: str = "", collection: str = "") -> Response:
    """Collections, what a search finds in one, and the reports that match."""
    collections = await visit.library.collections()
    names = [one.name for one in collections]
    chosen = collection or (DEFAULT_COLLECTION if DEFAULT_COLLECTION in names else "")
    chosen = chosen or (names[0] if names else "")
    hits: Sequence[Hit] = ()
    trouble = ""
    if q.strip() and chosen:
        try:
            hits = await visit.library.search(q, collection=chosen, k=HITS)
        except NotFound as error:
            trouble = error.message
    ended = (JobStatus.COMPLETED,)
    reports = matching(await visit.researches.recent(REPORTS_READ, statuses=ended), q)
    return visit.show(
        "library.html",
        nav="library",
        q=q,
        chosen=chosen,
        collections=collections,
        hits=hits,
        trouble=trouble,
        reports=reports[:REPORTS_SHOWN],
        more=max(0, len(reports) - REPORTS_SHOWN),
    )


@router.get("/dashboard/library/collection/{name}")
async def collection_page(name: str, visit: Visiting, page: int = 1) -> Response:
    """The files of a collection."""
    files = await visit.library.files(name)
    pages = max(1, -(-len(files) // FILES_A_PAGE))
    page = min(max(page, 1), pages)
    first = (page - 1) * FILES_A_PAGE
    return visit.show(
        "collection.html",
        nav="library",
        name=name,
        files=files[first : first + FILES_A_PAGE],
        count=len(files),
        unread=sum(bool(one.error) for one in files),
        page=page,
        pages=pages,
    )


@router.get("/dashboard/library/source/{source_id}")
async def source_page(source_id: str, visit: Visiting, start: int = 0, end: int = 0) -> Response:
    """The stored text of a source, at what is cited of it."""
    document = await visit.library.document(source_id)
    return visit.show(
        "source.html",
        nav="library",
        source=document.source,
        passages=document.passages,
        text=window(document.source.text, start, end),
        inside=[one for one in document.passages if _holds(one, start, end)],
    )


def matching(jobs: Sequence[Job], query: str) -> list[Job]:
    """The researches whose topic or tags hold all words of a query."""
    wanted = query.casefold().split()
    return [
        job
        for job in jobs
        if all(word in " ".join((job.title, *job.tags)).casefold() for word in wanted)
    ]


def window(text: str, start: int, end: int) -> TextWindow:
    """The part of a text around characters ``start`` to ``end``."""
    start = min(max(start, 0), len(text))
    end = min(max(end, start), len(text))
    first = max(0, start - WINDOW // 2) if len(text) > WINDOW else 0
    last = min(len(text), max(first + WINDOW, end))
    return TextWindow(
        before=text[first:start],
        cited=text[start:end],
        after=text[end:last],
        start=first,
        end=last,
        whole=len(text),
    )


def _holds(passage: Passage, start: int, end: int) -> bool:
    return end > start and passage.start <= start and end <= passage.end
