"""Several processes on one database."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from wiseflow.core.jobs import JobStatus

PROGRAM = str(Path(__file__).with_name("worker_process.py"))
LIMIT_S = 60.0

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def ready(url: str) -> AsyncIterator[Start]:
    """Starts a process that waits for the word to begin; none outlives the test."""
    started: list[asyncio.subprocess.Process] = []

    async def start(*more: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", PROGRAM, url, *more, stdin=pipe, stdout=pipe
        )
        started.append(process)
        await says(process, "ready")
        return process

    yield start
    for process in started:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    for process in started:
        await process.communicate()


async def says(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    assert (await process.stdout.readline()).decode().strip() == word


def begin(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"begin\n")


@pytest.fixture
async def runs(house):
    """What the processes noted: (job, step, process)."""

    async def make(connection):
        await connection.execute(text("CREATE TABLE runs (job_id TEXT, step TEXT, pid INTEGER)"))

    async def read(connection):
        return [tuple(row) for row in await connection.execute(text("SELECT * FROM runs"))]

    await house.database.write(make)
    return lambda: house.database.read(read)


async def test_two_processes_never_run_one_job(house, ready, runs):
    ids = await house.submit(200)

    async with asyncio.timeout(LIMIT_S):
        processes = [await ready() for _ in range(2)]
        for process in processes:
            begin(process)
        assert [await process.wait() for process in processes] == [0, 0]

    noted = await runs()
    assert Counter((job_id, step) for job_id, step, _ in noted) == Counter(
        (job_id, step) for job_id in ids for step in ("first", "second")
    )
    assert len({pid for _, _, pid in noted}) == 2
    assert (await house.queue.counts())[JobStatus.COMPLETED] == 200


async def test_after_a_kill_the_next_worker_goes_on_at_once_from_the_last_step(house, ready, runs):
    (job_id,) = await house.submit()
    async with asyncio.timeout(LIMIT_S):
        killed = await ready("hold")
        begin(killed)
        await says(killed, "holding")
        killed.kill()
        await killed.wait()
    assert (await house.queue.get(job_id)).status is JobStatus.RUNNING

    async with asyncio.timeout(LIMIT_S):
        following = await ready()
        begin(following)
        assert await following.wait() == 0

    noted = await runs()
    assert [(step, pid) for _, step, pid in noted] == [
        ("first", killed.pid),
        ("second", following.pid),
    ]
    job = await house.queue.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.COMPLETED, 2)
