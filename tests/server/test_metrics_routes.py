"""Metrics as a scraper of the application sees them."""

from __future__ import annotations

import json

import pytest

from wiseflow.observability.logs import close_logging, configure_logging
from wiseflow.observability.options import LogOptions

TEMPLATE = "/api/v1/research/{research_id}"


def value(text, name, **labels):
    """The value of a series; ``None`` when there is none."""
    for line in text.splitlines():
        series, _, number = line.rpartition(" ")
        if series.partition("{")[0] == name and all(
            f'{label}="{wanted}"' in series for label, wanted in labels.items()
        ):
            return float(number)
    return None


async def metrics(client):
    return (await client.get("/metrics")).text


async def test_what_is_submitted_is_seen(client):
    await client.post("/api/v1/research", json={"topic": "Tides"})

    text = await metrics(client)

    assert value(text, "wiseflow_research_tasks_total") == 1
    assert value(text, "wiseflow_queue_jobs", kind="research", status="pending") == 1
    assert value(text, "wiseflow_database_up") == 1


async def test_requests_are_told_by_their_route_and_never_by_their_path(client):
    for number in range(50):
        await client.get(f"/api/v1/research/{number}")
        await client.get(f"/nowhere/{number}")

    text = await metrics(client)

    counted = "wiseflow_http_requests_total"
    assert value(text, counted, method="GET", route=TEMPLATE, status="404") == 50
    assert value(text, counted, method="GET", route="none", status="404") == 50
    assert "nowhere" not in text


async def test_the_request_that_asks_is_under_way(client):
    assert value(await metrics(client), "wiseflow_http_requests_under_way") == 1


@pytest.fixture
def lines(tmp_path):
    """The log lines of the server, as JSON."""
    file = tmp_path / "server.log"
    configure_logging(LogOptions(level="INFO", format="json", file=file, console=False))
    yield lambda: [
        line
        for line in map(json.loads, file.read_text("utf-8").splitlines())
        if line["message"] == "A request was answered"
    ]
    close_logging()


async def test_a_request_is_one_line_with_its_id_and_route(client, lines):
    answer = await client.get("/api/v1/research/01abc", headers={"X-Request-ID": "from-proxy"})

    (line,) = lines()
    assert answer.headers["X-Request-ID"] == "from-proxy"
    assert (line["request_id"], line["route"]) == ("from-proxy", TEMPLATE)
    assert (line["method"], line["status"], line["key_id"]) == ("GET", 404, "")
    assert line["duration_ms"] > 0


async def test_an_id_that_would_forge_a_line_is_not_taken_over(client, lines):
    answer = await client.get("/health/live", headers={"X-Request-ID": 'a" level="x'})

    (line,) = lines()
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert len(line["request_id"]) == 26


async def test_a_key_is_never_in_a_line(client, lines):
    canary = "wf-canary-0123456789"
    await client.get(
        f"/api/v1/research/{canary}?key={canary}",
        headers={"Authorization": f"Bearer {canary}", "Cookie": f"session={canary}"},
    )

    assert canary not in json.dumps(lines())
