"""How the service answers while it works: an open loop of reads, and as many as it can.

An open loop sends at fixed times, whether or not the answers before have come, so that slow answers
are not hidden by fewer questions. Source: Schroeder, Wierman, Harchol-Balter, "Open Versus Closed:
A Cautionary Tale", NSDI 2006.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import uvicorn
from fastapi import FastAPI

from wiseflow.app import Application, open_application
from wiseflow.bench.bed import bed_settings, started, topics
from wiseflow.bench.figures import Figure
from wiseflow.bench.service_process import ServiceProcess, WorkerProcess
from wiseflow.client.asking import API, Asked, Asking, Patience
from wiseflow.client.client import Client
from wiseflow.core.errors import ConfigurationError, Conflict
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import SimulatorOptions

MOST_SLOWER = 3.0
LEAST_OF_BARE = 0.5
WEB = {"search_api": "tavily"}
PATIENCE = Patience(answer_s=30, attempts=1, wait_s=1)
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_ERRORS = re.compile(r"(Socket errors: .*|Non-2xx .*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """What to measure.

    Args:
        rate: reads a second of the open loop.
        seconds: for how long, each time.
        running: researches that run meanwhile.
        connections: of the closed loop.
        time_scale: of the simulator that the researches ask; 1 for the pace of real providers.
    """

    rate: int = 100
    seconds: float = 20.0
    running: int = 50
    connections: int = 200
    time_scale: float = 1.0


async def measure_service(plan: ServicePlan) -> list[Figure]:
    """P99 of reads while researches run, against idle; and reads a second, against a bare route.

    The researches run once in the process that answers, and once in another on the same database.
    """
    figures: list[Figure] = []
    async with started(SimulatorOptions(time_scale=plan.time_scale)) as sim:
        for inside in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                settings = bed_settings(sim, Path(folder))
                async with _services(settings, plan.running, inside=inside) as url:
                    research_id = await _one(url)
                    place = "in the same process" if inside else "in another process"
                    figures += await _open_loops(url, research_id, place, plan)
                    if not inside and shutil.which("wrk"):
                        figures += await _closed_loops(url, research_id, settings, plan)
    return figures


@asynccontextmanager
async def _services(
    settings: Mapping[str, str], running: int, *, inside: bool
) -> AsyncGenerator[str]:
    """The address of a service whose researches run in its process or in one beside it."""
    processes = [ServiceProcess(settings, parallel=running if inside else 0)]
    if not inside:
        processes.append(WorkerProcess(settings, parallel=running))
    try:
        for process in processes:
            await asyncio.to_thread(process.__enter__)
        yield processes[0].url
    finally:
        for process in processes:
            await asyncio.to_thread(process.stop)


async def open_loop(url: str, path: str, *, rate: int, seconds: float) -> list[float]:
    """How long each answer took from when it was to be sent, in seconds, sorted."""
    asking = Asking(url, "", PATIENCE)
    took: list[float] = []

    async def ask(due: float) -> None:
        await asking.send(Asked(method="GET", path=path))
        took.append(time.perf_counter() - due)

    try:
        async with asyncio.TaskGroup() as group:
            begun = time.perf_counter()
            for number in range(int(rate * seconds)):
                due = begun + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(ask(due), name=f"read {number}")
    finally:
        await asking.aclose()
    return sorted(took)


async def _open_loops(url: str, research_id: str, place: str, plan: ServicePlan) -> list[Figure]:
    path = f"{API}/research/{research_id}"
    await open_loop(url, path, rate=plan.rate, seconds=2)
    idle = await open_loop(url, path, rate=plan.rate, seconds=plan.seconds)
    async with Client(url) as client:
        first, *asked = topics(plan.running * 4 + 1)
        # The first of a process loads what all use.
        await client.wait((await client.submit_research(first, WEB)).job_id, timeout_s=300)
        submitted = await client.submit_parallel(asked, WEB)
        busy = await open_loop(url, path, rate=plan.rate, seconds=plan.seconds)
        states = [(await client.get_research(job.job_id)).status for job in submitted]
        for job, status in zip(submitted, states, strict=True):
            if not status.final:
                with contextlib.suppress(Conflict):  # it has ended by now
                    await client.cancel_research(job.job_id)
    subject = f"GET /research/ID, {plan.rate} a second, {plan.running} researches {place}"
    return [
        Figure(subject=subject, measure="P50 idle, ms", value=1000 * statistics.median(idle)),
        Figure(subject=subject, measure="P99 idle, ms", value=1000 * p99(idle)),
        Figure(subject=subject, measure="P99 busy, ms", value=1000 * p99(busy)),
        Figure(
            subject=subject,
            measure="P99 busy / idle",
            value=p99(busy) / p99(idle),
            most=MOST_SLOWER,
        ),
        Figure(
            subject=subject,
            measure="researches that ended meanwhile",
            value=sum(status.final for status in states),
        ),
    ]


def p99(took: list[float]) -> float:
    """What 99 of 100 stayed within."""
    return took[min(len(took) - 1, int(0.99 * len(took)))]


async def _one(url: str) -> str:
    """The id of a research that waits for nobody."""
    async with Client(url) as client:
        job = await client.submit_research("Tides", {"search_api": "documents"})
        return (await client.wait(job.job_id)).job_id


async def _closed_loops(
    url: str, research_id: str, settings: Mapping[str, str], plan: ServicePlan
) -> list[Figure]:
    async with open_application(load_settings(environ=settings)) as app, _bare(app) as bare:
        plain = await _wrk(f"{bare}/{research_id}", plan)
    whole = await _wrk(f"{url}{API}/research/{research_id}", plan)
    subject = f"wrk, {plan.connections} connections"
    return [
        Figure(subject=subject, measure="bare route, a second", value=plain),
        Figure(subject=subject, measure="GET /research/ID, a second", value=whole),
        Figure(subject=subject, measure="ratio", value=whole / plain, bar=LEAST_OF_BARE),
    ]


@asynccontextmanager
async def _bare(app: Application) -> AsyncGenerator[str]:
    """A FastAPI application of one route that reads the same row."""
    bare = FastAPI(openapi_url=None)

    @bare.get("/{job_id}")
    async def read(job_id: str) -> dict[str, object]:
        job = await app.queue.get(job_id)
        return {"id": job.job_id, "topic": job.title, "status": job.status}

    listening = socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(bare, log_config=None, lifespan="off"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]), name="bare server")
        while not server.started:  # noqa: ASYNC110 - it tells no other way
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True


async def _wrk(url: str, plan: ServicePlan) -> float:
    """Requests a second.

    Raises:
        ConfigurationError: some were not answered.
    """
    command = [
        "wrk",
        "-t2",
        "--timeout",
        "30s",
        f"-c{plan.connections}",
        f"-d{plan.seconds:g}s",
        url,
    ]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    if wrong := _ERRORS.search(done.stdout):
        raise ConfigurationError(f"wrk met errors at {url}: {wrong[1]}")
    found = _RATE.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])
