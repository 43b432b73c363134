"""The configurations of docs/how-to/use-with-an-assistant.md work as they stand there."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from wiseflow.bench.service_process import ServiceProcess
from wiseflow.cli.main import run

from .conftest import TIDES, Assistant, measured, talking_to

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "use-with-an-assistant.md"
FENCE = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(PAGE.read_text(encoding="utf-8"))
ALONE, OVER_HTTP, BY_PROGRAM = range(3)
ADDRESS, KEY, FOLDER = "http://127.0.0.1:8000", "YOUR_KEY", "/home/me/wiseflow"


def configured(number: int, **instead: str) -> Mapping[str, Any]:
    """A configuration of the page, with a reader's own values in the place of the examples."""
    text = BLOCKS[number]
    for example, own in instead.items():
        assert globals()[example] in text
        text = text.replace(globals()[example], own)
    return json.loads(text)["mcpServers"]["wiseflow"]


def started(given: Mapping[str, Any], folder: Path) -> Any:
    """The program of a configuration, started anywhere, with little in its environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**measured(), "PATH": path, "LOCAL_ONLY": "true", "MAX_CONCURRENT_TASKS": "1"}
    parameters = StdioServerParameters(
        command=given["command"], args=given["args"], env={**env, **given["env"]}, cwd=folder
    )
    return stdio_client(parameters)


async def research(assistant: Assistant) -> str:
    """The report of a research, done to its end."""
    research_id = await assistant.submitted("What are spring tides?")
    status = await assistant.ended(research_id)
    assert status["cost"] == 0.0
    return await assistant.text("get_report", research_id=research_id)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder that has nothing to do with the program."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A folder of the program with a collection, made at the command line."""
    (tmp_path / "tides.md").write_text(TIDES)
    monkeypatch.setenv("WISEFLOW_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MAX_CONCURRENT_TASKS", "1")
    assert run(["index", str(tmp_path / "tides.md"), "--collection", "papers"]) == 0
    return tmp_path / "data"


@pytest.mark.slow
async def test_an_assistant_gets_a_report_with_no_other_process(library, elsewhere):
    given = configured(ALONE, FOLDER=str(library))
    async with talking_to(started(given, elsewhere)) as assistant:
        report = await research(assistant)

    assert report.startswith("# What are spring tides?")
    assert "tides.md" in report
    assert list(elsewhere.iterdir()) == []


@pytest.mark.slow
async def test_an_assistant_gets_a_report_of_a_service_over_both_transports(tmp_path, elsewhere):
    settings = {
        "WISEFLOW_DATA_DIR": str(tmp_path / "data"),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
    }
    with ServiceProcess(settings) as service:
        own = {"ADDRESS": service.url, "KEY": _key(service.url)}
        direct, passed_on = configured(OVER_HTTP, **own), configured(BY_PROGRAM, **own)
        async with (
            httpx2.AsyncClient(headers=direct["headers"]) as http,
            talking_to(streamable_http_client(direct["url"], http_client=http)) as over_http,
        ):
            first = await research(over_http)
        async with talking_to(started(passed_on, elsewhere)) as by_program:
            listed = await by_program.get("list_researches")
            second = await research(by_program)

    assert "spring tides" in first
    assert [one["topic"] for one in listed["researches"]] == ["What are spring tides?"]
    assert "spring tides" in second
    assert list(elsewhere.iterdir()) == []


def _key(url: str) -> str:
    """A key of a tenant that has documents."""
    made = httpx2.post(f"{url}/api/v1/keys", json={"name": "assistant", "scope": "run"}, timeout=60)
    key: str = made.json()["key"]
    files = [("files", ("tides.md", TIDES.encode()))]
    kept = httpx2.post(
        f"{url}/api/v1/collections/papers/files",
        files=files,
        headers={"X-API-Key": key},
        timeout=60,
    )
    assert kept.json()["added"] == 1, kept.text
    return key
