"""Workers as processes of their own: they run what others submit, and hand over when told to."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import urllib.request

import pytest

from wiseflow.app import open_application
from wiseflow.core.jobs import JobStatus
from wiseflow.settings.loading import load_settings

TIMEOUT_S = 60
COUNT = 6


@pytest.fixture
def database(server):
    url = server.create()
    yield url
    server.drop(url)


def begins(process) -> str:
    """The address of a worker's metrics, once it runs."""
    said = []
    while not (found := re.search(r"Running up to 2 .* metrics are at (\S+)\.$", "".join(said))):
        line = process.stderr.readline()
        assert line, said
        said.append(line)
    return found[1]


def left_as_completed(metrics: str) -> int:
    """How many researches a worker's metrics say it completed."""
    with urllib.request.urlopen(metrics, timeout=TIMEOUT_S) as answer:
        text = answer.read().decode()
    assert "wiseflow_worker_places 2.0" in text
    found = re.search(
        r'^wiseflow_worker_jobs_left_total\{ending="completed",kind="research"\} (\S+)$',
        text,
        re.MULTILINE,
    )
    return int(float(found[1])) if found else 0


async def submit(settings, topic: str) -> None:
    async with open_application(settings) as app:
        configuration = {"collection": "docs"}
        settled = await app.settle(configuration, documents=True)
        request = app.research_request(topic, settled.given)
        await app.queue.submit([request] * COUNT)


async def until_ended(settings) -> dict[JobStatus, int]:
    async with open_application(settings) as app, asyncio.timeout(TIMEOUT_S):
        while True:
            counts = await app.queue.counts()
            if not counts[JobStatus.PENDING] + counts[JobStatus.RUNNING]:
                return counts
            await asyncio.sleep(0.1)


async def known(settings) -> list[str]:
    async with open_application(settings) as app:
        return [one.sign.kind for one in await app.instances()]


def test_workers_run_what_is_submitted_and_end_in_order_when_told_to(
    start, wiseflow, database, docs, tmp_path
):
    chosen = {"DATABASE_URL": database, "LOCAL_ONLY": "true"}
    assert wiseflow("index", docs, "--collection", "docs", **chosen).code == 0
    settings = load_settings(
        environ={**chosen, "WISEFLOW_DATA_DIR": str(tmp_path / "data")}, dotenv=None
    )
    command = ["worker", "--parallel", "2", "--metrics-port", "0"]
    workers = [start(*command, LOG_FORMAT="json", **chosen) for _ in range(2)]
    metrics = [begins(worker) for worker in workers]

    asyncio.run(submit(settings, "How are citations checked?"))
    counts = asyncio.run(until_ended(settings))
    assert counts[JobStatus.COMPLETED] == COUNT
    assert asyncio.run(known(settings)) == ["worker", "worker"]
    assert sum(map(left_as_completed, metrics)) == COUNT

    logged = []
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        _, told = worker.communicate(timeout=TIMEOUT_S)
        *lines, last = told.splitlines()
        assert (worker.returncode, last) == (0, "Handed over.")
        logged += [json.loads(line)["message"] for line in lines]
    assert logged.count("A job begins") == COUNT
    assert asyncio.run(known(settings)) == []


def test_a_worker_asked_for_a_taken_port_ends_with_a_sentence(wiseflow, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = wiseflow("worker", "--metrics-port", port, LOCAL_ONLY="true")

    assert ended.code == 3
    assert f"the port {port} for metrics" in ended.err
    assert "Traceback" not in ended.err
