"""Workers as processes of their own: they run what others submit, and hand over when told to."""

from __future__ import annotations

import asyncio
import signal

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


def says(process, words: str) -> None:
    assert words in process.stderr.readline()


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
    workers = [start("worker", "--parallel", "2", **chosen) for _ in range(2)]
    for worker in workers:
        says(worker, "Running up to 2 researches")

    asyncio.run(submit(settings, "How are citations checked?"))
    counts = asyncio.run(until_ended(settings))
    assert counts[JobStatus.COMPLETED] == COUNT
    assert asyncio.run(known(settings)) == ["worker", "worker"]

    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        _, told = worker.communicate(timeout=TIMEOUT_S)
        assert (worker.returncode, told) == (0, "Handed over.\n")
    assert asyncio.run(known(settings)) == []
