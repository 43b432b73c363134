"""What came of a research over REST: reports, sources, questions, follow-ups."""

import pytest


@pytest.fixture
async def done(run):
    """A research with a report."""
    research = await run()
    assert research["status"] == "completed", research
    return f"/research/{research['id']}"


async def test_a_report_is_given_in_the_form_that_is_asked_for(api, done):
    async def form(accept="", query=""):
        answer = await api.get(f"{done}/result{query}", headers={"Accept": accept})
        return answer.headers["Content-Type"].partition(";")[0], answer.text

    assert (await form())[0] == "application/json"
    kind, text = await form("text/markdown;q=0.9, text/*;q=0.1")
    assert kind == "text/markdown"
    assert text.startswith("# ")
    assert (await form("text/html,application/xhtml+xml,*/*;q=0.8"))[0] == "text/html"
    assert (await form("text/html", "?format=markdown"))[0] == "text/markdown"
    assert (await form("image/png"))[0] == "application/problem+json"
    assert (await api.get(f"{done}/result", headers={"Accept": "image/png"})).status_code == 406


async def test_a_report_that_is_known_is_not_sent_again(api, done):
    tag = (await api.get(f"{done}/result")).headers["ETag"]

    again = await api.get(f"{done}/result", headers={"If-None-Match": tag})
    other = await api.get(f"{done}/result?format=html", headers={"If-None-Match": tag})

    assert (again.status_code, other.status_code) == (304, 200)
    assert "default-src 'none'" in other.headers["Content-Security-Policy"]


async def test_without_a_report_the_reason_is_told(client):
    address = (await client.post("/api/v1/research", json={"topic": "Tides"})).headers["Location"]

    answer = await client.get(f"{address}/result")

    assert answer.status_code == 409
    assert "pending" in answer.json()["detail"]
    assert (await client.get("/api/v1/research/nowhere/result")).status_code == 404


async def test_citations_point_into_the_sources_that_are_given(api, done):
    report = (await api.get(f"{done}/result")).json()
    [source] = (await api.get(f"{done}/sources")).json()["sources"]

    stored = (await api.get(f"{done}/sources/{source['id']}")).json()

    claims = [claim for section in report["sections"] for claim in section["claims"]]
    citations = [one for claim in claims for one in claim["citations"]]
    assert citations
    for one in citations:
        assert stored["text"][one["start"] : one["end"]] == one["quote"]
    assert (await api.get(f"{done}/sources/elsewhere")).status_code == 404


async def test_a_question_is_answered_from_the_sources_once(api, done):
    body = {"question": "What are spring tides called after?"}
    asked = await api.post(f"{done}/ask", json=body)
    place = asked.headers["Location"].removeprefix("/api/v1")
    while not (answer := (await api.get(place)).json())["completed_at"]:
        assert answer["status"] in {"pending", "running"}
    again = await api.post(f"{done}/ask", json=body)

    assert asked.status_code == 202
    assert answer["answer"]["topic"] == body["question"]
    assert again.json() == answer
    [listed] = (await api.get(f"{done}/questions")).json()["questions"]
    assert (listed["id"], listed["answer"]) == (answer["id"], None)


async def test_a_question_to_what_has_no_report_is_a_conflict(client):
    address = (await client.post("/api/v1/research", json={"topic": "Tides"})).headers["Location"]

    answer = await client.post(f"{address}/ask", json={"question": "Why?"})

    assert answer.status_code == 409


async def test_a_follow_up_builds_on_an_earlier_research(api, done):
    earlier = done.rpartition("/")[2]

    made = await api.post(
        f"{done}/follow-up",
        json={"topic": "Spring tides", "configuration": {"collection": "papers"}},
    )

    assert made.status_code == 202
    assert made.json()["follows"] == earlier
    assert (await api.post("/research/nowhere/follow-up", json={"topic": "X"})).status_code == 404
