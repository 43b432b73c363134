"""Links to reports: what they show, to whom, and until when."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from wiseflow.app.services.shares import SharesService
from wiseflow.core.access import Principal, Scope
from wiseflow.core.errors import Forbidden, NotFound
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.schedule_tables import shares as table

TEXT = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. The Moon's
pull is about twice as strong as the Sun's. Most coasts see two high tides a day.
"""


@pytest.fixture
async def research(application, tmp_path) -> str:
    """A research with a report, its own documents in a folder nobody is to see."""
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    (folder / "tides.md").write_text(TEXT, encoding="utf-8")
    collection = application.collection_for([folder])
    await application.ingest([folder], collection=collection)
    settled = await application.settle({"collection": collection}, documents=True)
    request = application.research_request("What causes tides?", settled.given)
    [job_id] = await application.queue.submit([request])
    await application.worker(concurrency=1).run(until_idle=True)
    return job_id


@pytest.fixture
async def link(client, research) -> dict[str, object]:
    made = await client.post(f"/api/v1/research/{research}/shares")
    assert made.status_code == 201
    return made.json()


async def test_a_link_shows_the_report_as_a_page_and_as_json(client, link, application, research):
    page = await client.get(link["path"])
    data = await client.get(link["path"], params={"format": "json"})

    report = await application.report(research)
    assert page.status_code == 200
    assert report.title in page.text
    assert data.json()["summary"][0]["text"] == report.summary[0].text
    for answer in (page, data):
        assert "secret-folder" not in answer.text
        assert "tides.md" in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_link_is_listed_and_taken_back(client, link, research):
    place = f"/api/v1/research/{research}/shares"
    assert (await client.get(place)).json() == [link]

    assert (await client.delete(f"/api/v1/shares/{link['id']}")).status_code == 204

    assert (await client.get(link["path"])).status_code == 404
    [listed] = (await client.get(place)).json()
    assert listed["revoked_at"] is not None
    assert (await client.delete("/api/v1/shares/nowhere")).status_code == 404


async def test_what_shows_nothing_any_more_is_told_from_nothing(
    client, link, application, research
):
    second = (await client.post(f"/api/v1/research/{research}/shares")).json()
    wrong = [await client.get(path) for path in others(link["path"])]
    async with Database(application.settings.database_url) as database:
        await database.write(expired(second["id"]))
    wrong.append(await client.get(second["path"]))
    await application.follow_ups.delete(research)
    wrong.append(await client.get(link["path"]))

    assert {answer.status_code for answer in wrong} == {404}
    assert len({answer.text for answer in wrong}) == 1
    assert research not in wrong[0].text


async def test_a_token_opens_nothing_but_its_report(client, link, research):
    token = link["path"].rpartition("/")[2]

    assert research not in token
    for path in (f"/api/v1/research/{token}", f"/api/v1/shares/{token}", "/shared/"):
        assert (await client.get(path)).status_code in {404, 405, 422}


@pytest.mark.parametrize("seconds", [0, 59, 1e9, "soon"])
async def test_how_long_it_holds_is_bounded(client, research, seconds):
    answer = await client.post(
        f"/api/v1/research/{research}/shares", json={"expires_in_s": seconds}
    )

    assert answer.status_code == 422


async def test_a_research_without_a_report_is_not_shared(client):
    job_id = (await client.post("/api/v1/research", json={"topic": "Tides"})).json()["id"]

    assert (await client.post(f"/api/v1/research/{job_id}/shares")).status_code == 409


async def test_who_only_reads_shares_nothing_and_another_tenant_finds_nothing(
    application, research, link
):
    reader = SharesService(application, Principal(name="r", scope=Scope.READ))
    other = SharesService(application, Principal(name="o", tenant="o", scope=Scope.ADMIN))

    with pytest.raises(Forbidden):
        await reader.share(research)
    with pytest.raises(Forbidden):
        await reader.revoke(link["id"])
    for act in (other.share(research), other.shares(research), other.revoke(link["id"])):
        with pytest.raises(NotFound):
            await act
    assert len(await reader.shares(research)) == 1


def others(path: str) -> list[str]:
    """Paths like one that are not it: another id, another signature, none, and nonsense."""
    base, _, token = path.rpartition("/")
    name, _, signature = token.partition(".")
    other = "0" if name[-1] != "0" else "1"
    return [
        f"{base}/{name[:-1]}{other}.{signature}",
        f"{base}/{name}.{signature[::-1]}",
        f"{base}/{name}",
        f"{base}/%00",
        f"{base}/{'x' * 5000}",
    ]


def expired(share_id: str):
    async def unit(connection):
        await connection.execute(
            update(table).where(table.c.share_id == share_id).values(expires_at=1.0)
        )

    return unit
