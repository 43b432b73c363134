"""The contract of ``DocumentStore``, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wiseflow.core.documents import Passage, Source
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import JobRequest, JobStatus, Lease, Outcome
from wiseflow.core.library import Collection, FileRecord, IndexChange, StoredFile, StoredSource


def a_source(source_id: str, *, path: str = "", text: str = "Bees dance. Ants dig.", title="T"):
    source = Source(
        source_id=source_id,
        collection="c",
        document_id=source_id,
        path=path or f"/docs/{source_id}",
        title=title,
        url="",
        published="2024-01-02",
        language="en",
        sha256="0" * 64,
        text=text,
        authors=("Ada Brandt", "李娜"),
        site="Sea „News“",
    )
    spans = [(0, 11), (12, len(text))]
    return StoredSource(
        source=source,
        passages=tuple(
            Passage(
                passage_id=f"{source_id}:{start}-{end}",
                source_id=source_id,
                start=start,
                end=end,
                text=text[start:end],
                title=title,
                heading="H › I",
            )
            for start, end in spans
        ),
    )


def a_file(*stored: StoredSource, path: str = "", error: str = "") -> StoredFile:
    return StoredFile(
        record=FileRecord(
            path=path or stored[0].source.path,
            size=2**40,
            modified_ns=1_700_000_000_123_456_789,
            sha256="1" * 64,
            parser="1",
            error=error,
        ),
        sources=stored,
    )


@pytest.fixture
async def documents(stores):
    await stores.documents.ensure_collection("c")
    return stores.documents


async def index_all(documents) -> IndexChange:
    change = await documents.pending_changes("c", limit=1000)
    await documents.changes_applied("c", change)
    return change


async def report_citing(stores, *source_ids: str) -> Lease:
    await stores.queue.submit([JobRequest(kind="research", payload={})])
    ((_, lease),) = await stores.queue.claim("a/1", lease_s=60, limit=1, kinds=["research"])
    await stores.reports.save(lease, "{}", source_ids=source_ids)
    return lease


async def forget(stores, lease: Lease):
    await stores.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))
    await stores.queue.delete(lease.job_id)


async def test_an_emptied_index_adds_again_what_it_held(documents):
    await documents.store("c", [a_file(a_source("s1")), a_file(a_source("s2"))])
    held = await index_all(documents)
    await documents.store("c", [a_file(a_source("s3"))])
    await documents.drop("c", ["/docs/s2"])

    assert await documents.index_anew("c") == 1

    change = await documents.pending_changes("c", limit=9)
    assert change == IndexChange(added=(held.added[0], a_source("s3")), removed=("s2",))
    with pytest.raises(NotFound):
        await documents.index_anew("nowhere")


async def test_a_collection_is_made_once_and_keeps_what_it_is(stores):
    made = await stores.documents.ensure_collection("private", private=True)
    again = await stores.documents.ensure_collection("private")
    await stores.documents.ensure_collection("a")

    assert made == again == Collection(name="private", private=True)
    assert [one.name for one in await stores.documents.collections()] == ["a", "private"]


async def test_what_was_stored_reads_back_equal(documents):
    one, two = a_source("s1", text="Bees dance.\n\nÄnts 🐜 dig"), a_source("s2", path="/docs/s1")
    bad = a_file(path="/docs/bad.pdf", error="it is empty")

    await documents.store("c", [a_file(one, two), bad])

    assert await documents.source("s1") == one.source
    assert await documents.sources(["s1", "nobody"]) == {"s1": one.source}
    assert await documents.passages("s1") == list(one.passages)
    assert await documents.files("c") == {
        "/docs/s1": a_file(one).record,
        "/docs/bad.pdf": bad.record,
    }
    assert await documents.collections() == [Collection(name="c", files=2, sources=2, passages=4)]


async def test_the_index_is_told_what_to_add_until_it_has_done_so(documents):
    stored = [a_source(f"s{number}") for number in range(5)]
    await documents.store("c", [a_file(one) for one in stored])

    first = await documents.pending_changes("c", limit=3)
    assert first == IndexChange(added=tuple(stored[:3]))
    assert await documents.pending_changes("c", limit=3) == first
    await documents.changes_applied("c", first)

    assert await documents.pending_changes("c", limit=3) == IndexChange(added=tuple(stored[3:]))


async def test_storing_the_same_again_leaves_the_index_nothing_to_do(documents):
    await documents.store("c", [a_file(a_source("s1"))])
    await index_all(documents)

    await documents.store("c", [a_file(a_source("s1"))])

    assert not await documents.pending_changes("c", limit=9)


async def test_a_source_whose_passages_changed_is_added_again(documents):
    await documents.store("c", [a_file(a_source("s1"))])
    await index_all(documents)
    renamed = a_source("s1", title="Another")

    await documents.store("c", [a_file(renamed)])

    assert await documents.pending_changes("c", limit=9) == IndexChange(added=(renamed,))


async def test_authors_that_become_known_are_stored(documents):
    known = a_source("s1")
    unknown = replace(known, source=replace(known.source, authors=(), site=""))
    await documents.store("c", [a_file(unknown)])
    assert await documents.source("s1") == unknown.source
    await index_all(documents)

    await documents.store("c", [a_file(known)])

    assert await documents.source("s1") == known.source


async def test_a_changed_file_retires_its_old_sources(documents):
    await documents.store("c", [a_file(a_source("old", path="/f"), a_source("same", path="/f"))])
    await index_all(documents)

    await documents.store("c", [a_file(a_source("new", path="/f"), a_source("same", path="/f"))])

    assert await index_all(documents) == IndexChange(
        added=(a_source("new", path="/f"),), removed=("old",)
    )
    with pytest.raises(NotFound):
        await documents.source("old")
    assert (await documents.collections())[0].sources == 2


async def test_dropped_files_are_forgotten_and_their_sources_leave_the_index(documents):
    await documents.store("c", [a_file(a_source("s1")), a_file(a_source("s2"))])
    await index_all(documents)

    assert await documents.drop("c", ["/docs/s1", "/docs/unknown"]) == 1

    assert set(await documents.files("c")) == {"/docs/s2"}
    assert (await index_all(documents)).removed == ("s1",)
    assert await documents.drop("c", ["/docs/s1"]) == 0
    with pytest.raises(NotFound):
        await documents.source("s1")


async def test_a_source_that_comes_back_before_the_index_was_told_is_added_again(documents):
    await documents.store("c", [a_file(a_source("s1"))])
    await index_all(documents)
    await documents.drop("c", ["/docs/s1"])
    seen_before = await documents.pending_changes("c", limit=9)

    await documents.store("c", [a_file(a_source("s1"))])
    await documents.changes_applied("c", seen_before)

    assert await documents.pending_changes("c", limit=9) == IndexChange(added=(a_source("s1"),))


async def test_a_cited_source_stays_until_its_report_goes(stores, documents):
    await documents.store("c", [a_file(a_source("cited")), a_file(a_source("other"))])
    await index_all(documents)
    lease = await report_citing(stores, "cited", "never stored")

    await documents.drop("c", ["/docs/cited", "/docs/other"])
    await index_all(documents)

    assert await documents.source("cited") == a_source("cited").source
    assert await documents.passages("cited") == list(a_source("cited").passages)
    with pytest.raises(NotFound):
        await documents.source("other")
    await forget(stores, lease)
    with pytest.raises(NotFound):
        await documents.source("cited")


async def test_deleting_a_report_leaves_sources_that_are_in_use(stores, documents):
    await documents.store("c", [a_file(a_source("s1"))])
    lease = await report_citing(stores, "s1")

    await forget(stores, lease)

    assert await documents.source("s1") == a_source("s1").source


async def test_a_deleted_collection_leaves_only_what_reports_cite(stores, documents):
    await documents.store("c", [a_file(a_source("cited")), a_file(a_source("other"))])
    lease = await report_citing(stores, "cited")

    await documents.delete_collection("c")

    assert await documents.collections() == []
    assert await documents.files("c") == {}
    assert (await documents.source("cited")).collection == "c"
    with pytest.raises(NotFound):
        await documents.source("other")
    await forget(stores, lease)
    with pytest.raises(NotFound):
        await documents.source("cited")


async def test_a_cited_source_of_a_deleted_collection_is_taken_back_with_its_collection(
    stores, documents
):
    await documents.store("c", [a_file(a_source("s1"))])
    await report_citing(stores, "s1")
    await documents.delete_collection("c")
    await documents.ensure_collection("c")

    await documents.store("c", [a_file(a_source("s1"))])

    assert (await documents.collections())[0].sources == 1
    assert await documents.pending_changes("c", limit=9) == IndexChange(added=(a_source("s1"),))


async def test_thousands_of_files_are_stored_at_once(documents):
    files = [a_file(a_source(f"s{number:04}")) for number in range(6000)]
    await documents.store("c", files)

    await documents.store("c", files)

    assert await documents.collections() == [
        Collection(name="c", files=6000, sources=6000, passages=12_000)
    ]
    assert await documents.drop("c", [file.record.path for file in files]) == 6000


async def test_storing_nothing_does_nothing(documents):
    await documents.store("c", [])
    await documents.store("c", [a_file(path="/docs/empty")])

    assert not await documents.pending_changes("c", limit=9)


async def test_an_unknown_collection_is_not_found(stores):
    for call in (
        stores.documents.store("nowhere", [a_file(a_source("s1"))]),
        stores.documents.drop("nowhere", ["/f"]),
        stores.documents.delete_collection("nowhere"),
        stores.documents.changes_applied("nowhere", IndexChange(removed=("s1",))),
        stores.documents.passages("nothing"),
    ):
        with pytest.raises(NotFound):
            await call
    assert await stores.documents.files("nowhere") == {}
