"""Health: what is answered, to whom it says nothing, and when it is not ready."""

import asyncio

import httpx2
import pytest

from wiseflow.app import open_application
from wiseflow.server.factory import create_app
from wiseflow.settings.loading import load_settings

PARTS = {"database", "cache", "llm_api"}


async def test_health_is_told_in_the_documented_form(client):
    await client.post("/api/v1/research", json={"topic": "Tides"})

    answer = await client.get("/health")

    told = answer.json()
    assert answer.status_code == 200
    assert set(told) == {"status", "version", "uptime", "components", "metrics"}
    assert set(told["components"]) == PARTS
    assert all(set(part) == {"status", "latency_ms"} for part in told["components"].values())
    assert told["components"]["database"]["status"] == "ok"
    assert told["components"]["cache"] == {"status": "not_configured", "latency_ms": None}
    assert told["components"]["llm_api"] == {"status": "not_configured", "latency_ms": None}
    assert told["status"] == "ok"
    assert set(told["metrics"]) == {
        "active_research_tasks",
        "pending_research_tasks",
        "memory_usage_mb",
        "cpu_usage_percent",
    }
    assert told["metrics"]["pending_research_tasks"] == 1
    assert told["metrics"]["memory_usage_mb"] > 10


@pytest.mark.parametrize("path", ["live", "ready", "startup"])
async def test_probes_are_answered(client, path):
    answer = await client.get(f"/health/{path}")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_server_that_is_asked_to_end_is_not_ready_but_alive(application):
    app = create_app(application)
    transport = httpx2.ASGITransport(app)
    app.state.health.stop()
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200


async def test_without_its_database_it_is_not_ready_and_says_no_more(settings):
    async with open_application(settings) as application:
        transport = httpx2.ASGITransport(create_app(application))
        await application._database.close()
        async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
            whole, ready = await client.get("/health"), await client.get("/health/ready")
        await application._database.open()

    assert (whole.status_code, ready.status_code) == (503, 503)
    assert whole.json()["status"] == "failed"
    assert "wiseflow.db" not in whole.text + ready.text


async def test_a_model_that_does_not_answer_degrades_and_is_not_named(tmp_path):
    environ = {
        "WISEFLOW_DATA_DIR": str(tmp_path),
        "LLM_API_BASE": "http://127.0.0.1:9/v1",
        "LLM_API_KEY": "sk-secret-1",
        "PRIMARY_MODEL": "some-model",
    }
    async with open_application(load_settings(environ=environ)) as application:
        transport = httpx2.ASGITransport(create_app(application))
        async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
            answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["components"]["llm_api"]["status"] == "failed"
    assert not any(word in answer.text for word in ("sk-secret", "127.0.0.1", "some-model"))


async def test_many_probes_at_once_cost_one_check(application, monkeypatch):
    looked = 0
    test_connection = application.test_connection

    async def counted():
        nonlocal looked
        looked += 1
        return await test_connection()

    monkeypatch.setattr(application, "test_connection", counted)
    transport = httpx2.ASGITransport(create_app(application))
    async with (
        httpx2.AsyncClient(transport=transport, base_url="http://server") as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(20):
            group.create_task(client.get("/health/ready"))

    assert looked == 1
