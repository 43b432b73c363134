"""Each tenant sees its own researches and documents only."""

from io import BytesIO
from pathlib import Path

import pytest

from wiseflow.app import open_application
from wiseflow.app.service import NewResearch, Service
from wiseflow.app.services.documents import DocumentService, Upload
from wiseflow.core.access import LOCAL, Principal, Scope
from wiseflow.core.errors import Forbidden, InvalidInput, NotFound
from wiseflow.core.jobs import JobFilter
from wiseflow.settings.loading import load_settings

ANNA = Principal(name="anna", key_id="k1", tenant="anna", scope=Scope.RUN)
BERT = Principal(name="bert", key_id="k2", tenant="bert", scope=Scope.RUN)
READER = Principal(name="reader", tenant="anna", scope=Scope.READ)


@pytest.fixture
async def application(tmp_path):
    environ = {
        "WISEFLOW_DATA_DIR": str(tmp_path),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
    }
    async with open_application(load_settings(environ=environ)) as opened:
        yield opened


async def test_what_is_anothers_is_not_there(application):
    anna, bert = Service(application, ANNA), Service(application, BERT)
    [job] = await anna.submit([NewResearch(topic="Tides")])

    for method in (bert.research, bert.report, bert.cancel, bert.resume, bert.delete, bert.plan,
                   bert.questions):  # fmt: skip
        with pytest.raises(NotFound):
            await method(job.job_id)
    assert await bert.researches(JobFilter()) == []
    assert [one.job_id for one in await anna.researches(JobFilter())] == [job.job_id]
    assert (job.tenant, job.submitter) == ("anna", "k1")


async def test_two_tenants_may_use_one_key(application):
    anna, bert = Service(application, ANNA), Service(application, BERT)

    [hers] = await anna.submit([NewResearch(topic="Tides")], request_key="k")
    [his] = await bert.submit([NewResearch(topic="Rain")], request_key="k")

    assert hers.job_id != his.job_id
    with pytest.raises(InvalidInput, match="another request"):
        await bert.submit([NewResearch(topic="Tides")], request_key="k")


async def test_each_has_names_for_collections_of_its_own(application):
    note = application.settings.data_dir.parent / "note.md"
    note.write_text("# Tides\n\nTides rise and fall.\n")
    await application.ingest([note], collection="notes", tenant="anna")
    await application.ingest([note], collection="of this machine")

    async def names(principal):
        return [one.name for one in await DocumentService(application, principal).collections()]

    assert (await names(ANNA), await names(BERT)) == (["notes"], [])
    assert await names(LOCAL) == ["of this machine"]


async def test_uploads_of_one_name_are_each_tenants_own(application):
    def upload(text):
        return [Upload(name="tides.md", size=len(text), content=BytesIO(text))]

    hers, his = (DocumentService(application, one) for one in (ANNA, BERT))
    await hers.upload("notes", upload(b"# Tides\n\nTides rise with the Moon.\n"))
    await his.upload("notes", upload(b"# Rain\n\nRain falls out of clouds.\n"))
    await his.remove("notes", "tides.md")

    assert [Path(one.path).name for one in await hers.files("notes")] == ["tides.md"]
    [hit] = await hers.search("Moon", collection="notes", k=1)
    assert "Moon" in hit.passage.text
    with pytest.raises(NotFound):
        await DocumentService(application, LOCAL).files("notes")


async def test_who_may_only_read_changes_nothing(application):
    reader = Service(application, READER)

    with pytest.raises(Forbidden):
        await reader.submit([NewResearch(topic="Tides")])
    with pytest.raises(Forbidden):
        await DocumentService(application, READER).upload("papers", [])
