"""Schedules over REST."""

from __future__ import annotations

import pytest

from wiseflow.app.services.schedules import SchedulesService
from wiseflow.core.access import LOCAL, Principal, Scope
from wiseflow.core.errors import Forbidden, NotFound
from wiseflow.core.schedules import ScheduleSpec

WEEKLY = {"topic": "Tides", "cron": "0 7 * * MON", "time_zone": "Europe/Berlin", "tags": ["sea"]}
PLACE = "/api/v1/schedules"


async def test_a_schedule_is_made_read_changed_paused_and_deleted(client):
    made = await client.post(PLACE, json=WEEKLY)

    assert made.status_code == 201
    place = made.headers["Location"]
    assert (await client.get(place)).json() == made.json()
    assert (made.json()["name"], made.json()["missed"]) == ("Tides", "run_once")
    changed = await client.put(place, json={**WEEKLY, "cron": "@daily", "name": "Sea"})
    assert (changed.json()["cron"], changed.json()["name"]) == ("@daily", "Sea")
    paused = await client.patch(place, json={"enabled": False})
    assert (paused.json()["enabled"], paused.json()["next_run_at"]) == (False, None)
    resumed = await client.patch(place, json={"enabled": True})
    assert resumed.json()["next_run_at"] == changed.json()["next_run_at"]
    assert (await client.delete(place)).status_code == 204
    assert (await client.get(place)).status_code == 404


async def test_schedules_are_listed_in_pages(client):
    for name in "abc":
        await client.post(PLACE, json={**WEEKLY, "name": name})

    first = (await client.get(PLACE, params={"limit": 2})).json()
    rest = (await client.get(PLACE, params={"limit": 2, "after": first["next"]})).json()

    assert [one["name"] for one in first["schedules"] + rest["schedules"]] == ["c", "b", "a"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cron": "0 25 * * *"}, ("cron", "field 2", "0 23 * * *")),
        ({"time_zone": "Berlin"}, ("time_zone", "Europe/Berlin")),
        ({"configuration": {"lenght": "long"}}, ("lenght",)),
        ({"topic": " "}, ("topic",)),
        ({"color": "red"}, ("color",)),
    ],
)
async def test_what_cannot_be_used_is_named_with_its_place(client, change, told):
    answer = await client.post(PLACE, json={**WEEKLY, **change})

    assert answer.status_code == 422
    said = f"{answer.json()['detail']} {answer.json().get('cure')}"
    assert all(part in said for part in told), said


async def test_two_of_one_name_are_a_conflict(client):
    await client.post(PLACE, json=WEEKLY)

    assert (await client.post(PLACE, json=WEEKLY)).status_code == 409


async def test_a_run_out_of_turn_is_a_research_of_the_schedule(client):
    place = (await client.post(PLACE, json=WEEKLY)).headers["Location"]

    first = await client.post(f"{place}/run")
    second = await client.post(f"{place}/run")

    assert (first.status_code, first.json()["topic"]) == (202, "Tides")
    assert (await client.get(first.headers["Location"])).json() == first.json()
    runs = (await client.get(f"{place}/runs")).json()
    assert [run["id"] for run in runs] == [second.json()["id"], first.json()["id"]]
    assert "sea" in runs[0]["tags"]
    assert (await client.get(place)).json()["last_research"] == second.json()["id"]


async def test_who_only_reads_makes_no_schedule_and_another_tenant_sees_none(application):
    spec = ScheduleSpec(name="n", cron="@daily", topic="Tides")
    made = await SchedulesService(application, LOCAL).add(spec)
    reader = SchedulesService(application, Principal(name="r", scope=Scope.READ))
    other = SchedulesService(application, Principal(name="o", tenant="o", scope=Scope.ADMIN))

    with pytest.raises(Forbidden):
        await reader.add(spec)
    with pytest.raises(Forbidden):
        await reader.run_now(made.schedule_id)
    with pytest.raises(NotFound):
        await other.schedule(made.schedule_id)
    assert await other.schedules() == []
    assert await reader.schedules() == [made]


async def test_beside_a_server_what_is_due_is_submitted(application):
    service = SchedulesService(application, LOCAL)
    made = await service.add(ScheduleSpec(name="n", cron="* * * * *", topic="Tides"))
    store = application.upkeep.schedules
    await store.change(made.schedule_id, made.spec, tenant="", next_at=made.created_at - 60)

    for tick in application.upkeep.ticks():
        await tick()

    [job] = await service.runs("n")
    assert (job.title, job.idempotency_key) == (
        "Tides",
        f"schedule/{made.schedule_id}/{made.created_at - 60:.0f}",
    )
