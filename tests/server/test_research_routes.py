"""Researches over REST."""


async def test_a_research_is_accepted_and_found_where_the_answer_says(client):
    accepted = await client.post("/api/v1/research", json={"topic": "Tides"})

    assert accepted.status_code == 202
    assert int(accepted.headers["Retry-After"]) > 0
    found = await client.get(accepted.headers["Location"])
    assert found.json() == accepted.json()
    assert found.json()["status"] == "pending"


async def test_one_that_is_not_there_is_a_problem(client):
    answer = await client.get("/api/v1/research/nowhere")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "nowhere" in answer.json()["detail"]


async def test_a_body_that_cannot_be_used_names_the_place(client):
    answer = await client.post("/api/v1/research", json={"topic": "Tides", "colour": "red"})

    assert answer.status_code == 422
    assert "colour" in answer.json()["detail"]
