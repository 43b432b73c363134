"""Metrics tell the truth: of jobs on several processes, as a real Prometheus reads them.

Processes with a worker and a metrics port each share one database and one simulator. Jobs of the
kind ``research`` each ask a model; some fail. A real Prometheus scrapes all processes. When all
jobs have ended:

- what tells of all instances is the same from each of them, and equal to the database's rows;
- what tells of one process, summed by Prometheus, is equal to the jobs, and to what the simulator
  was asked;
- when jobs are erased and made pending again, no total becomes less;
- ``promtool check metrics`` finds nothing but what the catalogue of metrics explains.

    python proofs/metrics_truth.py --jobs 1000 --processes 4
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from wiseflow.app import Application, open_application
from wiseflow.app.metering.meter import Meter
from wiseflow.app.metering.serving import serving
from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import NoEvidence
from wiseflow.core.jobs import Job, JobFilter, JobRequest, JobStatus
from wiseflow.jobs.context import Handler, JobContext
from wiseflow.observability.metrics.catalogue import BY_NAME
from wiseflow.research.handler import KIND
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

FAILING = 7  # each seventh job fails
AT_ONCE = 8
SCRAPE = "200ms"
LIMIT_S = 600.0
SETTLE_S = 30.0


class Untrue(Exception):
    """A number is not what it has to be."""


def handler(application: Application) -> Handler:
    """Does what is counted: asks a model, and fails now and then."""

    async def handle(context: JobContext) -> None:
        await application.outside.models.complete(
            ChatRequest(
                messages=(Message(speaker=Speaker.USER, text=context.job.title),), max_tokens=50
            ),
            model="ollama:sim-large",
            context=RunContext(run_id=context.job.job_id, journal=context.journal),
            step="answer",
        )
        if context.job.payload["fails"]:
            raise NoEvidence("this one is to fail")

    return handle


async def work() -> None:
    """A process with a worker, until its input ends."""
    settings = load_settings(environ=os.environ, dotenv=None)
    stop = asyncio.Event()
    async with (
        open_application(settings, meter=Meter(settings)) as application,
        serving(application.meter, settings, port=0) as url,
    ):
        print(url, flush=True)
        worker = application.worker(concurrency=AT_ONCE, handlers={KIND: handler(application)})

        async def until_told() -> None:
            await asyncio.to_thread(sys.stdin.read)
            stop.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(until_told())
            group.create_task(worker.run(stop=stop))


@contextlib.contextmanager
def workers(count: int, environment: dict[str, str]) -> Iterator[list[str]]:
    """Processes that work; gives the addresses of their metrics."""
    command = [sys.executable, __file__, "--work"]
    children = [
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        yield [child.stdout.readline().strip() for child in children if child.stdout]
    finally:
        for child in children:
            child.communicate(timeout=LIMIT_S)


class Prometheus:
    """A real one that scrapes these addresses.

    Args:
        folder: for what it keeps.
        urls: of metrics.
    """

    def __init__(self, folder: Path, urls: list[str]) -> None:
        self._targets = [url.removeprefix("http://").removesuffix("/metrics") for url in urls]
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        configuration = {
            "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE},
            "scrape_configs": [
                {"job_name": "wiseflow", "static_configs": [{"targets": self._targets}]}
            ],
        }
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(configuration))  # JSON is YAML
        self._child = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--log.level=error",
            ]
        )
        until(lambda: len(self.ask("up == 1")) == len(self._targets), "Prometheus scrapes")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child is not None
        self._child.terminate()
        self._child.wait(timeout=30)

    def ask(self, query: str) -> list[float]:
        """The values of a query now; none while it does not answer."""
        address = f"http://127.0.0.1:{self._port}/api/v1/query?query={urllib.parse.quote(query)}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                found = json.load(answer)
        except (OSError, urllib.error.URLError):
            return []
        return [float(one["value"][1]) for one in found["data"]["result"]]


def until(holds: Callable[[], bool], what: str, limit_s: float = SETTLE_S) -> None:
    """Return once it holds. Raises ``Untrue``."""
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            raise Untrue(f"not within {limit_s:g} s: {what}")
        time.sleep(0.1)


def scraped(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def check_names(text: str) -> None:
    """Have promtool look at what a process exposes."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    unexplained = [
        line for line in said if line.split()[0] not in BY_NAME or not BY_NAME[line.split()[0]].lint
    ]
    if unexplained:
        raise Untrue(f"promtool: {unexplained}")
    print(f"promtool: {len(said)} remarks, all explained")


class Expected:
    """Compares what Prometheus says with what is true."""

    def __init__(self, prometheus: Prometheus, processes: int) -> None:
        self._prometheus = prometheus
        self._processes = processes

    def everywhere(self, name: str, wanted: float) -> None:
        """Each process tells the same."""
        self._equals(name, [wanted] * self._processes)

    def together(self, query: str, wanted: float) -> None:
        """All processes together come to it."""
        self._equals(f"sum({query})", [wanted])

    def _equals(self, query: str, wanted: list[float]) -> None:
        found: list[float] = []

        def holds() -> bool:
            found[:] = self._prometheus.ask(query)
            return found == wanted

        try:
            until(holds, query)
        except Untrue:
            raise Untrue(f"{query} is {found}, not {wanted}") from None
        print(f"{query} = {found}")


async def ended(application: Application, count: int) -> None:
    """Return when so many jobs have ended."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        counts = await application.queue.counts()
        if sum(number for status, number in counts.items() if status.final) >= count:
            return
        if time.monotonic() > deadline:
            raise Untrue(f"the jobs do not end: {counts}")
        await asyncio.sleep(0.2)


async def jobs_of(application: Application, status: JobStatus) -> list[Job]:
    return await application.queue.list(JobFilter(statuses=(status,), limit=10_000))


async def prove(
    jobs: int, processes: int, environment: dict[str, str], sim: SimulatorProcess
) -> None:
    settings = load_settings(environ=environment, dotenv=None)
    folder = Path(environment["WISEFLOW_DATA_DIR"])
    failing = len(range(0, jobs, FAILING))
    async with open_application(settings) as application:
        requests = [
            JobRequest(kind=KIND, payload={"fails": number % FAILING == 0}, title=f"Topic {number}")
            for number in range(jobs)
        ]
        with workers(processes, environment) as urls, Prometheus(folder, urls) as prometheus:
            begun = time.monotonic()
            await application.queue.submit(requests)
            await ended(application, jobs)
            print(f"{jobs} jobs on {processes} processes in {time.monotonic() - begun:.1f} s")
            # Off the event loop, which the limits' timers need.
            expected = Expected(prometheus, processes)
            compare(expected, jobs, failing, [one for one in sim.log() if one["model"]])
            check_names(scraped(urls[0]))
            erased = await jobs_of(application, JobStatus.COMPLETED)
            again = await jobs_of(application, JobStatus.FAILED)
            for job in erased[: jobs // 10]:
                await application.queue.delete(job.job_id)
            for job in again:
                await application.queue.resume(job.job_id)
            left = jobs - len(erased[: jobs // 10])
            await ended(application, left)
            expected.everywhere("wiseflow_research_tasks_total", jobs)
            expected.everywhere("wiseflow_research_tasks_completed", jobs - failing)
            expected.everywhere("wiseflow_research_tasks_failed", 2 * failing)
            expected.everywhere("sum by (instance) (wiseflow_queue_jobs)", left)


def compare(expected: Expected, jobs: int, failing: int, log: list[Mapping[str, Any]]) -> None:
    """Compare with the jobs, and with what the simulator was asked."""
    asked, answered = len(log), [one for one in log if one["status"] == HTTPStatus.OK]
    everywhere, together = expected.everywhere, expected.together
    everywhere("wiseflow_research_tasks_total", jobs)
    everywhere("wiseflow_research_tasks_completed", jobs - failing)
    everywhere("wiseflow_research_tasks_failed", failing)
    everywhere("wiseflow_research_tasks_active", 0)
    together("wiseflow_research_task_duration_seconds_count", jobs)
    together('wiseflow_research_task_duration_seconds_count{status="failed"}', failing)
    together("wiseflow_research_task_queue_time_seconds_count", jobs)
    together('wiseflow_worker_jobs_left_total{kind="research",ending="completed"}', jobs - failing)
    together("wiseflow_llm_requests_total", asked)
    together('wiseflow_llm_requests_total{outcome="answered"}', jobs)
    together("ai_inference_requests_total", asked)
    together("ai_inference_duration_ms_count", asked)
    together(
        'wiseflow_llm_tokens_total{direction="input"}', sum(one["tokens_in"] for one in answered)
    )
    together(
        'wiseflow_llm_tokens_total{direction="output"}', sum(one["tokens_out"] for one in answered)
    )
    together('wiseflow_gateway_attempts_total{kind="model"}', asked)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--database", default="", help="an address; an SQLite file by default")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        asyncio.run(work())
        return 0
    with (
        SimulatorProcess(SimulatorOptions(time_scale=0.01)) as sim,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = {
            **os.environ,
            "WISEFLOW_DATA_DIR": folder,
            "OLLAMA_API_BASE": sim.url("ollama"),
        }
        if given.database:
            environment["DATABASE_URL"] = given.database
        try:
            asyncio.run(prove(given.jobs, given.processes, environment, sim))
        except Untrue as error:
            print(f"It does not hold: {error}")
            return 1
    print("It holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
