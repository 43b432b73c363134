"""A small web in memory behind the gateway's ports, and a real database that keeps what is read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from wiseflow.core.asking import FetchRequest, Page, SearchAnswer, SearchRequest, SearchResult
from wiseflow.core.authoring import EvidenceRequest
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import ProviderDown
from wiseflow.core.jobs import JobRequest, JobStatus, Lease, Outcome
from wiseflow.research.web.retrieving import WebRetriever
from wiseflow.research.web.searching import Searching
from wiseflow.research.web.shelf import PageShelf
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.pages import SqlPageStore
from wiseflow.storage.sql.reports import SqlReportStore
from wiseflow.storage.sql.schema import open_database

CALL_S = 0.01

PAGES = {
    "https://lakes.example/depth": (
        "How deep Lake Baikal is",
        (
            "Lake Baikal is the deepest lake in the world. "
            "Its greatest depth of 1,642 metres was measured in 2002 by a Russian expedition. "
            "The floor of the lake lies far below the level of the sea."
        ),
    ),
    "https://seals.example/baikal": (
        "The Baikal seal",
        (
            "The Baikal seal lives only in Lake Baikal and is the smallest of all seals. "
            "About eighty thousand seals live in the lake today. "
            "The seals eat golomyanka, a fish that is nearly transparent."
        ),
    ),
    "https://rails.example/circum": (
        "The railway at the lake",
        (
            "The Circum-Baikal Railway runs along the shore of Lake Baikal through 38 tunnels. "
            "Engineers built the railway between 1899 and 1904. "
            "Today the railway carries mostly tourists along the cliffs of the lake."
        ),
    ),
    "https://rift.example/geology": (
        "The rift under the lake",
        (
            "The rift under Lake Baikal is still opening by about two centimetres a year. "
            "Earthquakes shake the shores of the lake every few years. "
            "The sediments on its floor are seven kilometres thick."
        ),
    ),
    "https://ice.example/winter": (
        "Winter on the lake",
        (
            "The ice of Lake Baikal carries lorries from January to the end of April. "
            "In clear winters the ice is so transparent that the floor can be seen. "
            "The ice breaks up in May, first in the south of the lake."
        ),
    ),
}


def html(title: str, text: str) -> str:
    paragraphs = "".join(f"<p>{text}</p>" for text in text.split("\n"))
    return (
        f"<html lang='en'><head><title>{title}</title></head><body><nav>Home</nav>"
        f"<article><h1>{title}</h1>{paragraphs}</article></body></html>"
    )


def result(url: str, **fields) -> SearchResult:
    title, text = PAGES.get(url, ("", ""))
    values: dict[str, Any] = {"title": title, "snippet": text[:60], "provider": "tavily", **fields}
    return SearchResult(url=url, **values)


@dataclass
class Web:
    """Searches and pages; ``SearchCalls`` and ``PageCalls``.

    Args:
        results: what every query finds, unless ``by_query`` says otherwise.
        broken: errors by query or address.
        empty_at_first: how often a query finds nothing before it finds something.
        further: what other providers find, whatever they are asked.
        requests: all that was searched for: provider, request, whether it waits.
        asked: how often each query and address was asked for.
        most_at_once: of all calls.
    """

    results: list[SearchResult] = field(default_factory=lambda: [result(url) for url in PAGES])
    by_query: dict[str, list[SearchResult]] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    empty_at_first: int = 0
    further: dict[str, list[SearchResult]] = field(default_factory=dict)
    requests: list[tuple[str, SearchRequest, bool]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    most_at_once: int = 0
    page_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, url: str, title: str, text: str, **fields) -> None:
        body = html(title, text).encode()
        values: dict[str, Any] = {"content_type": "text/html", "body": body, **fields}
        self.pages[url] = Page(url=url, **values)

    async def search(
        self,
        request: SearchRequest,
        *,
        provider: str,
        context: RunContext,
        step: str,
        patient: bool = True,
    ) -> SearchAnswer:
        self.requests.append((provider, request, patient))
        if provider != "tavily":
            return await self._searched_further(provider, request)
        await self._called(request.query)
        found = self.by_query.get(request.query, self.results)
        if self.asked[request.query] <= self.empty_at_first:
            found = []
        return SearchAnswer(results=tuple(found[: request.limit]), provider=provider)

    async def _searched_further(self, provider: str, request: SearchRequest) -> SearchAnswer:
        await self._called(f"{provider}: {request.query}")
        found = self.further.get(provider, [])
        return SearchAnswer(results=tuple(found[: request.limit]), provider=provider)

    async def fetch(self, request: FetchRequest, *, context: RunContext, step: str) -> Page:
        self.page_asked.set()
        await self._called(request.url)
        if request.url not in self.pages:
            raise ProviderDown(f"{request.url} is down")
        return self.pages[request.url]

    async def _called(self, name: str) -> None:
        self.asked[name] += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(CALL_S)
        finally:
            self.under_way -= 1
        if error := self.broken.get(name):
            raise error

    @property
    def fetched(self) -> Counter[str]:
        return Counter({url: n for url, n in self.asked.items() if url.startswith("http")})


class ThreadCompute:
    """Runs functions on threads, and counts them."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    async def run(self, function, /, *args, **kwargs):
        self.calls[function.__name__] += 1
        return await asyncio.to_thread(function, *args, **kwargs)


@dataclass
class House:
    """The web, and a database with one running research."""

    web: Web
    compute: ThreadCompute
    queue: SqlJobQueue
    documents: SqlDocumentStore
    pages: SqlPageStore
    reports: SqlReportStore
    lease: Lease

    def retriever(self, lease: Lease | None = None, **others) -> WebRetriever:
        lease = lease or self.lease
        context = RunContext(run_id=lease.job_id)
        searching = Searching(searches=self.web, context=context, provider="tavily", **others)
        shelf = PageShelf(
            pages=self.web, store=self.pages, compute=self.compute, context=context, lease=lease
        )
        return WebRetriever(searching=searching, shelf=shelf, compute=self.compute)

    async def claim(self) -> Lease:
        await self.queue.submit([JobRequest(kind="research", payload={})])
        ((_, lease),) = await self.queue.claim("a/1", lease_s=60, limit=1, kinds=["research"])
        return lease

    async def end(self, lease: Lease) -> None:
        await self.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))


@pytest.fixture
def web() -> Web:
    made = Web()
    for url, (title, text) in PAGES.items():
        made.put(url, title, text)
    return made


@pytest.fixture
async def house(tmp_path, web) -> AsyncIterator[House]:
    database = await open_database(f"sqlite:///{tmp_path}/web.db")
    queue = SqlJobQueue(database)
    await queue.submit([JobRequest(kind="research", payload={})])
    ((_, lease),) = await queue.claim("a/1", lease_s=60, limit=1, kinds=["research"])
    yield House(
        web=web,
        compute=ThreadCompute(),
        queue=queue,
        documents=SqlDocumentStore(database),
        pages=SqlPageStore(database),
        reports=SqlReportStore(database),
        lease=lease,
    )
    await database.close()


@pytest.fixture
def ask() -> Callable[..., EvidenceRequest]:
    def request(*queries: str, limit: int = 10, **fields) -> EvidenceRequest:
        given: Sequence[str] = queries or ("Lake Baikal depth",)
        return EvidenceRequest(topic="Lake Baikal", queries=tuple(given), limit=limit, **fields)

    return request


@pytest.fixture
def found() -> Callable[..., SearchResult]:
    return result
