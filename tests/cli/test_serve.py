"""``wiseflow serve`` as a process of its own: its ports, and what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

KEY = "sk-canary-0123456789abcdef"
LIMIT_S = 60


ARGUMENTS = [sys.executable, "-m", "wiseflow", "serve", "--port", "0", "--parallel", "2"]


def environment(folder, **settings):
    told = {
        "WISEFLOW_DATA_DIR": folder / "served",
        "LOG_FORMAT": "json",
        "LLM_API_KEY": KEY,
        "METRICS_PORT": 0,
        **settings,
    }
    return {**os.environ, **{name: str(value) for name, value in told.items()}}


@pytest.fixture
def served(clean_folder):
    """A server that answers: its address, that of its metrics, and a way to end it."""
    child = subprocess.Popen(
        ARGUMENTS, env=environment(clean_folder), stderr=subprocess.PIPE, text=True
    )
    assert child.stderr is not None
    try:
        said = []
        while not (found := re.search(r"answers at (\S+), its metrics at (\S+)", "".join(said))):
            line = child.stderr.readline()
            assert line, said
            said.append(line)

        def end():
            child.send_signal(signal.SIGTERM)
            return "".join(said) + child.communicate(timeout=LIMIT_S)[1]

        yield found[1], found[2], end
    finally:
        child.kill()
        child.communicate()


def asked(url):
    with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
        return answer.read().decode()


def test_both_doors_tell_the_same_and_the_console_what_was_asked(served):
    url, metrics, end = served

    asked(f"{url}/health/live")
    there, beside = asked(metrics), asked(f"{url}/metrics")

    for text in (there, beside):
        assert "wiseflow_research_tasks_total 0.0" in text
        assert "wiseflow_worker_places 2.0" in text
        assert 'route="/health/live"' in text
    said = end()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    routes = [one["route"] for one in lines if one["message"] == "A request was answered"]
    assert routes == ["/health/live", "/metrics"]
    assert KEY not in said


def test_a_taken_port_ends_it_with_a_sentence(clean_folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            ARGUMENTS,
            env=environment(clean_folder, METRICS_PORT=port),
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    assert done.returncode == 3
    assert f"the port {port} for metrics (METRICS_PORT) is taken" in done.stderr
    assert "Traceback" not in done.stderr
