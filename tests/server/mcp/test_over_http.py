"""``POST /mcp``: who may call what, over HTTP with the official client and with none."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client.streamable_http import streamable_http_client

from wiseflow.app import open_application
from wiseflow.app.services.audit import AuditService
from wiseflow.core.access import LOCAL, Scope
from wiseflow.core.keys import new_key_text
from wiseflow.server.factory import create_app

from .conftest import Assistant, talking_to

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def asking(application, *, base="http://server", headers=None, **options: Any):
    """An HTTP client of the server in this process, as from another machine unless told."""
    transport = httpx2.ASGITransport(create_app(application, **options), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        yield client


@asynccontextmanager
async def with_key(application, key: str, **headers: str) -> AsyncGenerator[Assistant]:
    """An assistant that shows a key."""
    shown = headers or {"Authorization": f"Bearer {key}"}
    async with (
        asking(application, headers=shown) as http,
        talking_to(streamable_http_client("http://server/mcp", http_client=http)) as assistant,
    ):
        yield assistant


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_research_is_done_over_http_to_its_end(service, mode):
    async with talking_to(f"{service.url}/mcp", mode) as assistant:
        research = await assistant.submitted("What are spring tides?")
        await assistant.ended(research)
        report = await assistant.text("get_report", research_id=research)

    assert "spring tides" in report
    assert "supported" in report


async def test_nobody_who_is_not_known_is_let_in(application, keys):
    await keys()
    shown = [{}, *({"Authorization": f"Bearer {key}"} for key in ("no key", new_key_text()))]
    async with asking(application) as http:
        answers = [await http.post("/mcp", json=PING, headers={**ACCEPT, **one}) for one in shown]

    assert [one.status_code for one in answers] == [401, 401, 401]
    assert all(one.headers["WWW-Authenticate"].startswith("Bearer") for one in answers)
    assert all(one.json()["cure"] for one in answers)


async def test_a_key_is_taken_in_both_headers(application, keys):
    text = (await keys(scope=Scope.READ)).text

    for shown in ({"Authorization": f"Bearer {text}"}, {"X-API-Key": text}):
        async with with_key(application, text, **shown) as assistant:
            assert await assistant.get("list_collections") == {"collections": []}


async def test_a_key_that_may_only_read_changes_nothing(application, keys):
    weak = (await keys(scope=Scope.READ, tenant="acme")).text
    strong = (await keys(scope=Scope.RUN, tenant="acme")).text

    async with with_key(application, strong) as assistant:
        research = (await assistant.get("submit_research", topics=["A"]))["researches"][0]["id"]
    async with with_key(application, weak) as assistant:
        seen = await assistant.get("get_status", research_id=research)
        said = [
            await assistant.refused("submit_research", topics=["A"]),
            await assistant.refused("cancel_research", research_id=research),
            await assistant.refused("resume_research", research_id=research),
            await assistant.refused("approve_plan", research_id=research),
        ]

    assert seen["status"] == "pending"
    assert all("has the scope read, and this needs run. Use a key" in one for one in said)


async def test_another_tenants_researches_and_documents_are_not_there(application, keys):
    ours = (await keys(scope=Scope.ADMIN, tenant="acme")).text
    theirs = (await keys(scope=Scope.ADMIN, tenant="other")).text
    async with with_key(application, ours) as assistant:
        research = (await assistant.get("submit_research", topics=["A"]))["researches"][0]["id"]
    async with asking(application, headers={"X-API-Key": ours}) as http:
        files = [("files", ("tides.md", b"# Tides\n\nThe Moon pulls the sea.\n"))]
        await http.post("/api/v1/collections/papers/files", files=files)

    async with with_key(application, theirs) as assistant:
        listed = await assistant.get("list_researches")
        collections = await assistant.get("list_collections")
        resources = (await assistant.client.list_resources()).resources
        of_research = ("get_status", "get_report", "get_plan", "cancel_research", "resume_research")
        said = [await assistant.refused(tool, research_id=research) for tool in of_research]
        searched = await assistant.refused("search_library", query="Moon", collection="papers")

    assert (listed["researches"], collections["collections"], resources) == ([], [], [])
    assert all(one.startswith(f"there is no research '{research}'") for one in said)
    assert searched.startswith("there is no collection 'papers'")


async def test_what_changes_something_is_in_the_audit_log_and_what_reads_is_not(application, keys):
    key = await keys(scope=Scope.RUN, tenant="acme")
    async with with_key(application, key.text) as assistant:
        told = await assistant.get("submit_research", topics=["A", "B"])
        await assistant.get("list_researches")
        await assistant.refused("cancel_research", research_id="nowhere")
    ids = [one["id"] for one in told["researches"]]

    entries = await AuditService(application, LOCAL).entries()

    noted = [(one.action, one.outcome, one.target) for one in entries if one.tenant == "acme"]
    assert noted == [
        ("mcp cancel_research", "404", "nowhere"),
        ("mcp submit_research", "200", ",".join(ids)),
    ]


async def test_a_key_that_asks_too_often_is_told_when_to_come_again(application, keys):
    text = (await keys(requests_per_minute=1)).text
    async with asking(application, headers={"X-API-Key": text, **ACCEPT}) as http:
        first = await http.post("/mcp", json=PING)
        second = await http.post("/mcp", json=PING)

    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second.headers["Retry-After"]) > 0


async def test_it_is_found_under_a_path_whether_a_proxy_takes_that_off_or_not(application, keys):
    text = (await keys(scope=Scope.READ)).text
    shown = {"X-API-Key": text, "X-Forwarded-For": "192.0.2.1", **ACCEPT}
    async with asking(application, headers=shown, root_path="/wiseflow") as http:
        answers = [await http.post(path, json=PING) for path in ("/wiseflow/mcp", "/mcp")]

    assert [one.json()["result"] for one in answers] == [{}, {}]


# Of a request without a key: the name it calls the server by, what else it sends, and the answer.
KEYLESS = (
    ("127.0.0.1", {}, 200),
    ("localhost:8000", {"Origin": "http://localhost:8000"}, 200),
    ("evil.example", {}, 401),  # a stranger's name that leads to this machine
    ("127.0.0.1", {"Origin": "http://evil.example"}, 403),
    ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, 401),
)


async def test_without_a_key_only_who_is_at_this_machine_is_let_in(application):
    async with asking(application, host="127.0.0.1") as http:
        answers = [
            await http.post("/mcp", json=PING, headers={**ACCEPT, "Host": host, **sent})
            for host, sent, _ in KEYLESS
        ]

    assert [one.status_code for one in answers] == [status for *_, status in KEYLESS]


async def test_pages_of_other_sites_are_refused_even_with_a_key(settings, keys, application):
    given = settings.model_copy(update={"cors_allowed_origins": "https://a.test, https://b.test"})
    sent = {"X-API-Key": (await keys()).text, **ACCEPT}
    wanted = {"https://server": 200, "https://b.test": 200, "https://evil.test": 403, "null": 403}
    async with (
        open_application(given) as other,
        asking(other, base="https://server", headers=sent) as http,
    ):
        found = {
            origin: (await http.post("/mcp", json=PING, headers={"Origin": origin})).status_code
            for origin in wanted
        }

    assert found == wanted


WHOLE = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
REFUSED = (
    (b"{", {}, 400),
    (b"[]", {}, 400),
    (b"\xff", {}, 400),
    (b"[" * 100_000, {}, 400),
    (WHOLE, {"Accept": "text/html"}, 406),
    (WHOLE, {"Content-Type": "text/plain"}, 400),
    (b" " * 1_100_000, {}, 413),
)


async def test_what_is_no_request_of_the_protocol_is_refused(client):
    for body, sent, status in REFUSED:
        for content in (body, _slowly(body)):
            given = {"Content-Type": "application/json", **ACCEPT, **sent}
            answer = await client.post("/mcp", content=content, headers=given)

            assert answer.status_code == status, body[:50]
            assert "Traceback" not in answer.text


async def _slowly(body: bytes):
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def test_there_is_no_session_to_listen_to_or_to_end(client):
    assert (await client.get("/mcp")).status_code == 405
    assert (await client.delete("/mcp")).status_code == 405


async def test_without_the_library_it_says_what_to_install(client, monkeypatch):
    for name in ("over_http", "protocol"):
        monkeypatch.delitem(sys.modules, f"wiseflow.server.mcp.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel", None)

    answer = await client.post("/mcp", json=PING, headers=ACCEPT)

    assert answer.status_code == 501
    assert "pip install 'wiseflow[mcp]'" in answer.json()["cure"]
