"""The contract of ``PageStore``, on each database."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.documents import Passage, Source
from wiseflow.core.errors import LeaseLost, NotFound
from wiseflow.core.jobs import JobRequest, JobStatus, Lease, Outcome
from wiseflow.core.library import KeptPage, StoredSource

URL = "https://bees.example/dance"


def a_page(source_id: str = "p1", text: str = "Bees dance. Ants dig.") -> StoredSource:
    source = Source(
        source_id=source_id,
        collection="web",
        document_id=URL,
        path="",
        title="Bees",
        url=URL,
        published="2024-01-02",
        language="en",
        sha256="0" * 64,
        text=text,
        authors=("Ada Brandt",),
        site="Bee News",
    )
    passages = tuple(
        Passage(
            passage_id=f"{source_id}:{start}-{end}",
            source_id=source_id,
            start=start,
            end=end,
            text=text[start:end],
            title="Bees",
            heading="Dance",
        )
        for start, end in [(0, 11), (12, len(text))]
    )
    return StoredSource(source=source, passages=passages)


@pytest.fixture
async def claim(stores):
    async def claimed() -> Lease:
        await stores.queue.submit([JobRequest(kind="research", payload={})])
        ((_, lease),) = await stores.queue.claim("a/1", lease_s=60, limit=1, kinds=["research"])
        return lease

    return claimed


@pytest.fixture
async def lease(claim) -> Lease:
    return await claim()


async def test_a_kept_page_is_a_source_with_its_passages(stores, lease):
    await stores.pages.keep(lease, URL, a_page())

    assert await stores.pages.kept(lease.job_id) == {URL: KeptPage(source_id="p1")}
    assert await stores.pages.pages(["p1", "nowhere"]) == {"p1": a_page()}
    assert await stores.documents.source("p1") == a_page().source


async def test_a_page_that_could_not_be_read_is_known_with_its_reason(stores, lease):
    await stores.pages.keep(lease, URL, error="it is gone")

    assert await stores.pages.kept(lease.job_id) == {URL: KeptPage(error="it is gone")}
    assert await stores.pages.kept("another") == {}


async def test_what_a_search_told_may_stand_in_for_a_page(stores, lease):
    await stores.pages.keep(lease, URL, error="it is gone")

    await stores.pages.keep(lease, URL, a_page("snippet"), error="it is gone")

    kept = await stores.pages.kept(lease.job_id)
    assert kept == {URL: KeptPage(source_id="snippet", error="it is gone")}


async def test_pages_are_kept_side_by_side(stores, lease):
    async with asyncio.TaskGroup() as group:
        for number in range(30):
            page = a_page(f"p{number % 10}")
            group.create_task(stores.pages.keep(lease, f"{URL}/{number}", page))

    assert len(await stores.pages.kept(lease.job_id)) == 30
    assert len(await stores.pages.pages([f"p{number}" for number in range(10)])) == 10


async def test_a_stale_worker_keeps_neither_page_nor_source(stores, lease):
    stale = Lease(job_id=lease.job_id, owner="b", token=lease.token - 1)

    with pytest.raises(LeaseLost):
        await stores.pages.keep(stale, URL, a_page())

    assert await stores.pages.kept(lease.job_id) == {}
    assert await stores.pages.pages(["p1"]) == {}


async def test_deleting_a_research_erases_its_pages(stores, lease):
    await stores.pages.keep(lease, URL, a_page())
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))

    await stores.queue.delete(lease.job_id)

    with pytest.raises(NotFound):
        await stores.documents.source("p1")
    assert await stores.pages.pages(["p1"]) == {}


async def test_a_page_stays_while_another_research_holds_it(stores, lease, claim):
    other = await claim()
    await stores.pages.keep(lease, URL, a_page())
    await stores.pages.keep(other, URL, a_page())
    for one in (lease, other):
        await stores.queue.finish(one, Outcome(status=JobStatus.COMPLETED))

    await stores.queue.delete(lease.job_id)
    assert await stores.pages.pages(["p1"]) == {"p1": a_page()}

    await stores.queue.delete(other.job_id)
    assert await stores.pages.pages(["p1"]) == {}


async def test_a_page_stays_while_another_report_cites_it(stores, lease, claim):
    other = await claim()
    await stores.pages.keep(lease, URL, a_page())
    await stores.reports.save(other, "{}", source_ids=["p1"])
    for one in (lease, other):
        await stores.queue.finish(one, Outcome(status=JobStatus.COMPLETED))

    await stores.queue.delete(lease.job_id)
    assert await stores.documents.source("p1") == a_page().source

    await stores.queue.delete(other.job_id)
    assert await stores.documents.sources(["p1"]) == {}


async def test_a_page_that_a_new_report_does_not_cite_is_still_held(stores, lease):
    await stores.pages.keep(lease, URL, a_page())
    await stores.reports.save(lease, "{}", source_ids=["p1"])

    await stores.reports.save(lease, "{}", source_ids=[])

    assert await stores.pages.pages(["p1"]) == {"p1": a_page()}


async def test_no_page_is_lost_to_a_research_that_is_deleted_meanwhile(stores, claim):
    for _ in range(10):
        gone, reading = await claim(), await claim()
        await stores.pages.keep(gone, URL, a_page())
        await stores.queue.finish(gone, Outcome(status=JobStatus.COMPLETED))

        async with asyncio.TaskGroup() as group:
            group.create_task(stores.queue.delete(gone.job_id))
            group.create_task(stores.pages.keep(reading, URL, a_page()))

        assert await stores.pages.pages(["p1"]) == {"p1": a_page()}
        await stores.queue.finish(reading, Outcome(status=JobStatus.COMPLETED))
        await stores.queue.delete(reading.job_id)


async def test_a_collection_tells_whether_it_is_private(stores):
    await stores.documents.ensure_collection("secrets", private=True)
    await stores.documents.ensure_collection("open")

    told = [await stores.documents.is_private(name) for name in ("secrets", "open", "nowhere")]

    assert told == [True, False, False]


async def test_a_job_that_adopts_anothers_pages_has_read_them_too(stores, lease, claim):
    await stores.pages.keep(lease, URL, a_page())
    await stores.pages.keep(lease, "https://bees.example/gone", error="404")
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
    follower = await claim()

    adopted = await stores.pages.adopt(follower, lease.job_id)

    assert adopted == ["p1"]
    assert await stores.pages.kept(follower.job_id) == {URL: KeptPage(source_id="p1")}


async def test_what_stood_in_for_a_page_is_adopted_and_the_page_may_be_tried_again(
    stores, lease, claim
):
    await stores.pages.keep(lease, URL, a_page(), error="403")
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
    follower = await claim()

    await stores.pages.adopt(follower, lease.job_id)

    assert await stores.pages.kept(follower.job_id) == {"source:p1": KeptPage(source_id="p1")}


async def test_adopted_and_cited_sources_outlive_the_job_they_came_from(stores, lease, claim):
    await stores.pages.keep(lease, URL, a_page())
    await stores.reports.save(lease, "{}", source_ids=["p1"])
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
    follower = await claim()
    await stores.pages.adopt(follower, lease.job_id)

    await stores.queue.delete(lease.job_id)

    assert set(await stores.pages.pages(["p1"])) == {"p1"}
    await stores.queue.finish(follower, Outcome(status=JobStatus.COMPLETED))
    await stores.queue.delete(follower.job_id)
    assert await stores.pages.pages(["p1"]) == {}


async def test_nothing_is_adopted_of_a_job_that_is_not_there(stores, lease):
    assert await stores.pages.adopt(lease, "nobody") == []


async def test_a_worker_without_the_lease_adopts_nothing(stores, lease, claim):
    await stores.pages.keep(lease, URL, a_page())
    follower = await claim()
    stale = Lease(job_id=follower.job_id, owner="x", token=follower.token - 1)

    with pytest.raises(LeaseLost):
        await stores.pages.adopt(stale, lease.job_id)

    assert await stores.pages.kept(follower.job_id) == {}


async def test_of_a_deletion_and_an_adoption_at_once_nothing_is_held_that_is_gone(
    stores, lease, claim
):
    for number in range(20):
        page = a_page(source_id=f"p{number}")
        await stores.pages.keep(lease, f"{URL}/{number}", page)
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
    follower = await claim()

    async with asyncio.TaskGroup() as group:
        adopting = group.create_task(stores.pages.adopt(follower, lease.job_id))
        group.create_task(stores.queue.delete(lease.job_id))

    held = {kept.source_id for kept in (await stores.pages.kept(follower.job_id)).values()}
    assert held == set(adopting.result())
    assert set(await stores.pages.pages(sorted(held))) == held
