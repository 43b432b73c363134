"""Researches over REST: submitting, listing, reading, changing."""

import re

import pytest

API = "/api/v1/research"


async def test_a_research_is_accepted_and_found_where_the_answer_says(client):
    accepted = await client.post(API, json={"topic": "Tides"})

    assert accepted.status_code == 202
    assert int(accepted.headers["Retry-After"]) > 0
    found = await client.get(accepted.headers["Location"])
    assert found.json() == accepted.json()
    assert found.json()["status"] == "pending"
    assert int(found.headers["Retry-After"]) > 0


async def test_one_that_is_not_there_is_a_problem(client):
    answer = await client.get(f"{API}/nowhere")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "nowhere" in answer.json()["detail"]
    assert answer.json()["code"] == "not_found"


async def test_a_body_that_cannot_be_used_names_the_place(client):
    answer = await client.post(API, json={"topic": "Tides", "colour": "red"})

    assert answer.status_code == 422
    assert "colour" in answer.json()["detail"]


@pytest.mark.parametrize(
    "configuration",
    [{"number_of_queries": 11}, {"budget": {"money": 0}}, {"length": "endless"}, {"depth": 1}],
)
async def test_a_setting_out_of_its_bounds_names_the_place(client, configuration):
    answer = await client.post(API, json={"topic": "Tides", "configuration": configuration})

    assert answer.status_code == 422
    assert next(iter(configuration)) in answer.json()["errors"][0]["place"]


async def test_many_are_submitted_all_or_none(client):
    good = {"topics": ["A", "B"], "researches": [{"topic": "C", "tags": ["own"]}], "tags": ["all"]}

    accepted = await client.post(f"{API}/parallel", json=good)
    refused = await client.post(f"{API}/parallel", json={"topics": ["D", "  "]})

    assert [one["topic"] for one in accepted.json()["researches"]] == ["A", "B", "C"]
    assert [one["tags"] for one in accepted.json()["researches"]] == [["all"], ["all"], ["own"]]
    assert refused.status_code == 422
    assert len((await client.get(API)).json()["researches"]) == 3


@pytest.mark.parametrize("topics", [[], [f"Topic {n}" for n in range(1001)]])
async def test_nothing_and_too_many_are_refused(client, topics):
    assert (await client.post(f"{API}/parallel", json={"topics": topics})).status_code == 422


async def test_the_same_request_under_the_same_key_makes_one_research(client):
    key = {"Idempotency-Key": "k-1"}

    first = await client.post(API, json={"topic": "Tides"}, headers=key)
    again = await client.post(API, json={"topic": "Tides"}, headers=key)
    other = await client.post(API, json={"topic": "Rain"}, headers=key)

    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422
    assert "k-1" in other.json()["detail"]
    assert len((await client.get(API)).json()["researches"]) == 1


async def test_a_key_whose_request_was_refused_may_come_with_a_better_one(client):
    key = {"Idempotency-Key": "k-1"}

    refused = await client.post(API, json={"topic": "?"}, headers=key)
    better = await client.post(API, json={"topic": "Tides"}, headers=key)

    assert (refused.status_code, better.status_code) == (422, 202)


async def test_many_under_one_key_are_submitted_once(client):
    key, body = {"Idempotency-Key": "k-2"}, {"topics": ["A", "B"]}

    first = await client.post(f"{API}/parallel", json=body, headers=key)
    again = await client.post(f"{API}/parallel", json=body, headers=key)

    assert first.json() == again.json()


async def test_pages_follow_their_links_to_the_end_and_hold_each_once(client):
    await client.post(f"{API}/parallel", json={"topics": [f"Topic {n}" for n in range(5)]})

    address, found = f"{API}?limit=2", []
    while address:
        answer = await client.get(address)
        found += [one["topic"] for one in answer.json()["researches"]]
        link = re.match(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        address = link and link[1]

    assert found == [f"Topic {n}" for n in (4, 3, 2, 1, 0)]


async def test_a_list_is_filtered(client):
    await client.post(API, json={"topic": "A", "tags": ["x"]})
    second = await client.post(
        API, json={"topic": "B", "configuration": {"research_mode": "graph"}}
    )
    made = second.json()["created_at"]

    async def topics(**wanted):
        page = (await client.get(API, params=wanted)).json()
        return [one["topic"] for one in page["researches"]]

    assert await topics(tag="x") == ["A"]
    assert await topics(mode="graph") == ["B"]
    assert await topics(mode="linear") == ["A"]
    assert await topics(status="pending") == ["B", "A"]
    assert await topics(status=["failed", "running"]) == []
    assert await topics(since=made) == ["B"]
    assert await topics(until=made - 1) == []


@pytest.mark.parametrize("query", ["cursor=bm9uc2Vuc2U", "limit=0", "status=lost", "colour=red"])
async def test_a_list_that_cannot_be_is_refused(client, query):
    assert (await client.get(f"{API}?{query}")).status_code == 422


async def test_who_has_the_newest_is_not_told_again(client):
    made = await client.post(API, json={"topic": "Tides"})
    address = made.headers["Location"]
    tag = (await client.get(address)).headers["ETag"]

    same = await client.get(address, headers={"If-None-Match": f'"other", {tag}'})
    await client.post(f"{address}/cancel")
    changed = await client.get(address, headers={"If-None-Match": tag})

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == tag
    assert changed.json()["status"] == "cancelled"
    assert "Retry-After" not in changed.headers


async def test_a_research_is_cancelled_resumed_and_deleted(client):
    address = (await client.post(API, json={"topic": "Tides"})).headers["Location"]

    cancelled = await client.post(f"{address}/cancel")
    twice = await client.post(f"{address}/cancel")
    resumed = await client.post(f"{address}/resume")
    deleted = await client.delete(address)

    assert cancelled.json()["status"] == "cancelled"
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_transition")
    assert resumed.json()["status"] == "pending"
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await client.get(address)).status_code == 404


async def test_an_estimate_submits_nothing(client):
    answer = await client.post(f"{API}/estimate", json={"topic": "Tides"})

    assert answer.json() == {"calls": 0, "tokens": 0, "cost": 0.0, "unpriced": []}
    assert (await client.get(API)).json()["researches"] == []


async def test_a_plan_is_read_changed_and_approved(api, run):
    waiting = {"collection": "papers", "approve_plan": True}
    made = (await api.post("/research", json={"topic": "Tides", "configuration": waiting})).json()
    address = f"/research/{made['id']}"
    async with api.stream("GET", f"{address}/events") as stream:
        async for line in stream.aiter_lines():
            if (await api.get(address)).json()["status"] == "awaiting_approval":
                break
            assert line is not None
    plan = (await api.get(f"{address}/plan")).json()
    plan["title"] = "What the sea does"

    wrong = await api.put(f"{address}/plan", json={**plan, "sections": []})
    approved = await api.put(f"{address}/plan", json=plan)
    again = await api.post(f"{address}/approve")

    assert wrong.status_code == 422
    assert approved.json()["status"] in {"pending", "running"}
    assert again.status_code == 409
    assert (await api.get(f"{address}/plan")).json()["title"] == "What the sea does"
