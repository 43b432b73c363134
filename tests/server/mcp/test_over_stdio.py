"""``wiseflow mcp`` as a process that an assistant starts and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import pytest

from wiseflow.cli.main import run
from wiseflow.client.asking import Patience
from wiseflow.client.client import Client as ServiceClient
from wiseflow.core.keys import new_key_text
from wiseflow.server.mcp.protocol import make_server
from wiseflow.server.mcp.remote import ServiceBackend

from .conftest import talking_to

LIMIT_S = 30
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "by hand", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def calling(tool, **given):
    params = {"name": tool, "arguments": given}
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}


@dataclass(frozen=True)
class Spoken:
    child: subprocess.Popen[str]
    stdin: IO[str]
    stdout: IO[str]
    stderr: IO[str]


@contextmanager
def by_hand(folder, *options, **settings):
    """The program, spoken to line by line; it is past its start once it has greeted."""
    given = {"WISEFLOW_DATA_DIR": str(folder), "LOCAL_ONLY": "true", **settings}
    child = subprocess.Popen(
        [sys.executable, "-m", "wiseflow", "mcp", *options],
        env={**os.environ, **given},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    spoken = Spoken(child, child.stdin, child.stdout, child.stderr)
    try:
        tell(spoken, INITIALIZE)
        assert json.loads(spoken.stdout.readline())["result"]["serverInfo"]["name"] == "wiseflow"
        tell(spoken, INITIALIZED)
        yield spoken
    finally:
        child.kill()
        child.communicate()


def tell(spoken, *messages):
    for message in messages:
        spoken.stdin.write(json.dumps(message) + "\n")
    spoken.stdin.flush()


async def test_a_key_that_the_service_refuses_and_a_service_that_is_not_there_are_told(service):
    once = Patience(attempts=1)
    for url, key, told in (
        (service.url, new_key_text(), "key"),
        ("http://127.0.0.1:9", "", "cannot be reached"),
    ):
        async with ServiceClient(url, api_key=key, patience=once) as client:
            server = make_server(lambda _, client=client: ServiceBackend(client))
            async with talking_to(server) as assistant:
                answer = await assistant.refused("submit_research", topics=["Tides"])

        assert told in answer
        assert len(answer.split(". ", 1)) == 2, answer


@pytest.mark.slow
def test_only_the_protocol_is_written_whatever_comes_in_and_its_input_ends_it(tmp_path):
    with by_hand(tmp_path, "--parallel", "0") as spoken:
        spoken.stdin.write("no JSON\n\n")
        tell(spoken, calling("list_collections"))
        lines = [spoken.stdout.readline()]
        while json.loads(lines[-1]).get("id") != 2:
            lines.append(spoken.stdout.readline())
        out, err = spoken.child.communicate(timeout=LIMIT_S)

    assert json.loads(lines[-1])["result"]["structuredContent"] == {"collections": []}
    assert out == ""
    assert "Traceback" not in err
    assert spoken.child.returncode == 0


@pytest.mark.slow
def test_it_ends_by_a_signal_though_its_input_stays_open(tmp_path):
    with by_hand(tmp_path, "--parallel", "0") as spoken:
        spoken.child.send_signal(signal.SIGINT)

        assert spoken.child.wait(LIMIT_S) == 0
        assert spoken.stderr.read() == ""


def test_settings_that_are_wrong_are_told_on_standard_error(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "wiseflow", "--set", "MAX_CONCURRENT_TASKS=many", "mcp"],
        cwd=tmp_path,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 3
    assert done.stdout == ""
    assert "MAX_CONCURRENT_TASKS" in done.stderr


def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WISEFLOW_DATA_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "mcp", None)

    assert run(["mcp"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert "pip install 'wiseflow[mcp]'" in said.err
