"""What a tenant has is not there for another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wiseflow.app import Application, open_application
from wiseflow.app.service import NewResearch, Service
from wiseflow.app.services.sources import SourcesService
from wiseflow.core.access import LOCAL, Principal, Scope
from wiseflow.core.errors import InvalidInput, NotFound
from wiseflow.core.jobs import JobFilter, JobStatus
from wiseflow.core.tenants import qualified
from wiseflow.settings.loading import load_settings

TIDES = "# Tides\n\nThe tide table of the harbour is kept by the harbour master of {town}.\n"
QUERY = "Who keeps the tide table of the harbour?"


@pytest.fixture
async def app(tmp_path) -> AsyncIterator[Application]:
    environ = {
        "WISEFLOW_DATA_DIR": str(tmp_path / "data"),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
    }
    async with open_application(load_settings(environ=environ, dotenv=None)) as opened:
        yield opened


def of(tenant: str) -> Principal:
    return Principal(name=tenant, key_id=tenant, tenant=tenant, scope=Scope.ADMIN)


async def index(app: Application, path, tenant: str, town: str) -> None:
    path.write_text(TIDES.format(town=town), encoding="utf-8")
    await app.ingest([path], collection="papers", tenant=tenant)


async def found(app: Application, tenant: str) -> list[str]:
    hits = await app.search(QUERY, collection="papers", k=5, tenant=tenant)
    return [hit.passage.text for hit in hits]


async def test_collections_of_one_name_are_apart(app, tmp_path):
    tides = tmp_path / "tides.md"
    await index(app, tides, "acme", "Bergen")
    await index(app, tides, "other", "Cork")

    assert "Bergen" in " ".join(await found(app, "acme"))
    assert "Bergen" not in " ".join(await found(app, "other"))
    assert [one.name for one in await app.collections(tenant="acme")] == ["papers"]
    assert await app.collections() == []
    with pytest.raises(NotFound):
        await found(app, "")

    await app.delete_collection("papers", tenant="other")

    assert "Bergen" in " ".join(await found(app, "acme"))
    with pytest.raises(NotFound):
        await app.delete_collection("papers", tenant="other")


async def test_the_same_file_of_two_tenants_is_two_sources(app, tmp_path):
    tides = tmp_path / "tides.md"
    for tenant in ("acme", "other", ""):
        await index(app, tides, tenant, "Bergen")

    counts = [(await app.collections(tenant=one))[0].sources for one in ("acme", "other", "")]

    assert counts == [1, 1, 1]


async def test_a_name_made_up_to_mean_anothers_collection_means_none(app, tmp_path):
    await index(app, tmp_path / "tides.md", "acme", "Bergen")
    forged = qualified("acme", "papers")

    assert not await app.documents.is_private(forged)
    assert await app.documents.files(forged) == {}
    with pytest.raises(NotFound):
        await app.search(QUERY, collection=forged, k=5)
    with pytest.raises(InvalidInput):
        await app.ingest([tmp_path], collection=forged)


async def test_a_source_is_there_for_its_tenant_alone(app, tmp_path):
    await index(app, tmp_path / "tides.md", "acme", "Bergen")
    [hit] = await app.search(QUERY, collection="papers", k=1, tenant="acme")
    source_id = hit.passage.source_id

    assert "Bergen" in (await SourcesService(app, of("acme")).source(source_id)).text
    assert await SourcesService(app, of("acme")).passages(source_id)
    for principal in (of("other"), LOCAL):
        with pytest.raises(NotFound):
            await SourcesService(app, principal).source(source_id)


async def test_a_research_finds_and_cites_its_tenants_documents_only(app, tmp_path):
    await index(app, tmp_path / "tides.md", "acme", "Bergen")
    asked = NewResearch(topic=QUERY, configuration={"collection": "papers"})
    [mine] = await Service(app, of("acme")).submit([asked])
    [theirs] = await Service(app, of("other")).submit([asked])

    await app.worker(concurrency=2).run(until_idle=True)

    report = await Service(app, of("acme")).report(mine.job_id)
    assert report.sources
    assert (await app.queue.get(theirs.job_id)).status is JobStatus.FAILED
    [source] = report.sources
    assert (await SourcesService(app, of("acme")).source(source.id)).text
    with pytest.raises(NotFound):
        await SourcesService(app, of("other")).source(source.id)
    with pytest.raises(NotFound):
        await Service(app, of("other")).report(mine.job_id)
    assert await Service(app, of("other")).researches(JobFilter()) == [
        await app.queue.get(theirs.job_id)
    ]


async def test_a_question_to_a_report_is_of_its_tenant(app, tmp_path):
    await index(app, tmp_path / "tides.md", "acme", "Bergen")
    asked = NewResearch(topic=QUERY, configuration={"collection": "papers"})
    [mine] = await Service(app, of("acme")).submit([asked])
    await app.worker(concurrency=2).run(until_idle=True)

    question = await app.follow_ups.submit(mine.job_id, QUERY)

    assert question.tenant == "acme"
    await app.worker(concurrency=2).run(until_idle=True)
    assert (await app.queue.get(question.job_id)).status is JobStatus.COMPLETED


async def test_one_idempotency_key_of_two_tenants_makes_two_researches(app):
    asked = NewResearch(topic="Tides", idempotency_key="once")

    ids = {
        (await Service(app, of(tenant)).submit([asked]))[0].job_id
        for tenant in ("acme", "acme", "other", "")
    }

    assert len(ids) == 3
