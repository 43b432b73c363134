from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Protocol

import httpx2
import pytest

from wiseflow.app import open_application
from wiseflow.app.metering.meter import Meter
from wiseflow.app.services.keys import IssuedKey, KeysService
from wiseflow.bench.service_process import ServiceProcess
from wiseflow.core.access import LOCAL
from wiseflow.core.keys import NewKey
from wiseflow.server.factory import create_app
from wiseflow.settings.loading import load_settings


@pytest.fixture
def settings(tmp_path):
    """Those of a program of its own, with nothing set up."""
    return load_settings(
        environ={
            "WISEFLOW_DATA_DIR": str(tmp_path),
            "LOCAL_ONLY": "true",
            "MAX_CONCURRENT_TASKS": "1",
            "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
            "WISEFLOW_SECRET_KEY": "a key of the tests and of nothing else",
        },
        dotenv=None,
    )


@pytest.fixture
async def application(settings):
    async with open_application(settings, meter=Meter(settings)) as opened:
        yield opened


@pytest.fixture
async def client(application) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks the server in this process."""
    transport = httpx2.ASGITransport(
        create_app(application, host="127.0.0.1"), raise_app_exceptions=False
    )
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        yield asking


class MakeKey(Protocol):
    """Makes a key: ``await keys(scope=Scope.RUN, tenant="acme")``."""

    async def __call__(self, *, revoked: bool = False, **fields: Any) -> IssuedKey: ...


@pytest.fixture
def keys(application) -> MakeKey:
    """Makes keys, as somebody does at this machine."""
    service = KeysService(application, LOCAL)

    async def make(*, revoked: bool = False, **fields: Any) -> IssuedKey:
        issued = await service.create(replace(NewKey(name="ci"), **fields))
        if revoked:
            await service.revoke(issued.key.key_id)
        return issued

    return make


TIDES = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. Most coasts
see two high tides and two low tides in a day. When the Sun, the Moon and the Earth are in a line,
the pulls add up. These tides are called spring tides, and they come twice in a lunar month.
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """A service in a process of its own, with a worker and one collection of documents."""
    folder = tmp_path_factory.mktemp("service")
    settings = {
        "WISEFLOW_DATA_DIR": str(folder),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
        "JOB_HEARTBEAT_S": "0.2",
    }
    with ServiceProcess(settings, parallel=2) as running:
        answer = httpx2.post(
            f"{running.url}/api/v1/collections/papers/files",
            files=[("files", ("tides.md", TIDES.encode()))],
            timeout=60,
        )
        assert answer.json()["added"] == 1, answer.text
        yield running


@pytest.fixture
async def api(service) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks that service."""
    base = f"{service.url}/api/v1"
    async with httpx2.AsyncClient(base_url=base, timeout=60) as asking:
        yield asking


@pytest.fixture
def run(api):
    """Has a research done, and gives it as it ended."""

    async def submitted(topic="Tides", **body):
        body.setdefault("configuration", {"collection": "papers"})
        accepted = await api.post("/research", json={"topic": topic, **body})
        assert accepted.status_code == 202, accepted.text
        research_id = accepted.json()["id"]
        async with api.stream("GET", f"/research/{research_id}/events") as stream:
            async for line in stream.aiter_lines():
                if line == "event: end":
                    break
        return (await api.get(f"/research/{research_id}")).json()

    return submitted
