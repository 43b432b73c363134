"""What changed between the runs of a schedule, from documents to what REST and CLI tell."""

from __future__ import annotations

import pytest

from wiseflow.app.services.schedules import SchedulesService
from wiseflow.cli.report import read_changes, render_changes
from wiseflow.core.access import LOCAL
from wiseflow.core.schedules import ScheduleSpec

TEXT = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. The tidal
power station on the Rance has a peak output of {} megawatts. Most coasts see two high tides a day.
"""
TOPIC = "The peak output of the tidal power station on the Rance"


@pytest.fixture
async def run(application, tmp_path):
    """Runs a schedule's research over a document that says so many megawatts."""
    folder = tmp_path / "papers"
    folder.mkdir()
    service = SchedulesService(application, LOCAL)
    spec = ScheduleSpec(
        name="tides", cron="@daily", topic=TOPIC, configuration={"collection": "papers"}
    )

    async def made(megawatts: int) -> str:
        (folder / "tides.md").write_text(TEXT.format(megawatts), encoding="utf-8")
        await application.ingest([folder], collection="papers")
        if not await service.schedules():
            await service.add(spec)
        job = await service.run_now("tides")
        await application.worker(concurrency=1).run(until_idle=True)
        return job.job_id

    return made


async def test_a_changed_value_is_told_between_two_runs(client, application, run):
    first = await run(240)
    second = await run(250)

    told = await client.get(f"/api/v1/research/{second}/changes")

    assert told.status_code == 200
    [changed] = told.json()["changed_values"]
    assert (changed["old_values"], changed["new_values"]) == (["240"], ["250"])
    assert told.json()["since_id"] == first
    assert len(told.json()["changed_sources"]) == 1
    place = f"/api/v1/research/{second}/changes"
    page = await client.get(place, params={"format": "html", "since": first})
    assert "240 → 250" in page.text
    printed = render_changes(await read_changes(application, second[:20], ""), "markdown")
    assert printed == (await client.get(place, params={"format": "markdown"})).text


async def test_runs_over_the_same_have_not_changed(client, run):
    await run(240)
    second = await run(240)

    told = (await client.get(f"/api/v1/research/{second}/changes")).json()

    assert told["nothing"] is True


async def test_the_first_run_has_nothing_before_it(client, run):
    first = await run(240)

    answer = await client.get(f"/api/v1/research/{first}/changes")
    itself = await client.get(f"/api/v1/research/{first}/changes", params={"since": first})

    assert (answer.status_code, itself.status_code) == (404, 422)
    assert "next run" in answer.json()["cure"]


async def test_a_research_of_no_schedule_asks_for_the_earlier_one(client):
    job_id = (await client.post("/api/v1/research", json={"topic": "Tides"})).json()["id"]

    answer = await client.get(f"/api/v1/research/{job_id}/changes")

    assert answer.status_code == 422
    assert "since" in answer.json()["cure"]
